"""Continuous reconciliation, decided: when to look, when to run, and what a run and a push webhook mean."""
