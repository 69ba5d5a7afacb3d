"""The exercise ``secrets``: found by the catalogue."""
