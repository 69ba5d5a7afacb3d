"""What needs several floors: grading of someone else's lab, of several hand-ins."""
