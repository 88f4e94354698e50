"""Running Waybill's engines and roles on one machine: for development, tests and CI. Never imported by the program."""
