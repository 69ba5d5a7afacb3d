"""The exercise ``loadbalance``: found by the catalogue."""
