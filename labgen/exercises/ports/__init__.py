"""The exercise ``ports``: found by the catalogue."""
