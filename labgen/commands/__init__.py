"""What each command of `labgen` does. Imported only when its command is given: `--help` stays quick."""
