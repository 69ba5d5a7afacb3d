"""The exercise ``discovery``: found by the catalogue."""
