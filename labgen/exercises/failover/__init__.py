"""The exercise ``failover``: found by the catalogue."""
