"""The format of an exercise."""
