"""This computer: what it is, what is installed on it, and what the doctor finds on it."""
