"""The exercise ``rollback``: found by the catalogue."""
