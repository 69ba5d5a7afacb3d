"""The exercise ``update``: found by the catalogue."""
