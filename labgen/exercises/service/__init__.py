"""The exercise ``service``: found by the catalogue."""
