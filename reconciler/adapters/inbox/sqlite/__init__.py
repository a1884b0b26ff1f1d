"""The inbox in one SQLite file: the embedded default, for receivers and runs on one machine."""
