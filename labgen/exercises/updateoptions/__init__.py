"""The exercise ``updateoptions``: found by the catalogue."""
