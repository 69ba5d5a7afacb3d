"""The exercise ``globalmode``: found by the catalogue."""
