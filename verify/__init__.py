"""What must be true of a lab: pytest + testinfra checks, their points and verdicts, the grade."""
