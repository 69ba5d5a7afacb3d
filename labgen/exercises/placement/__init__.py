"""The exercise ``placement``: found by the catalogue."""
