"""The exercise ``cleanup``: found by the catalogue."""
