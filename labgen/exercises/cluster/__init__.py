"""The exercise ``cluster``: found by the catalogue."""
