"""What needs several floors: starting a grading, grading someone else's lab or hand-ins, bundles for bug reports."""
