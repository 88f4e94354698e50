"""The JSON API in this process."""
