"""The answers of Docker's Engine API as data."""
