"""The exercise ``quorum``: found by the catalogue."""
