"""The exercises of the course: a folder each, found by labgen.exercise.catalogue."""
