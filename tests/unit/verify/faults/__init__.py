"""For each exercise, faults put into the recording of a right lab: module ``<name>``, dictionary ``FAULTS``."""
