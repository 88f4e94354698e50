"""WTForms: what pages ask for, and the errors at each field."""
