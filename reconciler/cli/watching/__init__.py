"""Continuous reconciliation at the edge: the clone, the runs as processes, signals, log, and pages."""
