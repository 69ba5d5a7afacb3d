"""Docker: containers as nodes."""
