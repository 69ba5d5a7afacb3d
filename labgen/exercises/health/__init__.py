"""The exercise ``health``: found by the catalogue."""
