"""The exercise ``scaling``: found by the catalogue."""
