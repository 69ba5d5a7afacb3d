"""The exercise ``recovery``: found by the catalogue."""
