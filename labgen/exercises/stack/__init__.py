"""The exercise ``stack``: found by the catalogue."""
