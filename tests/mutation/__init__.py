"""A mutation run: small changes to the code that grades, one at a time, each of which some test should notice."""
