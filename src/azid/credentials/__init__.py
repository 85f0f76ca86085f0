"""The credentials, one in each module."""
