"""The lab as frozen data."""
