"""Passes verified events of an inbox on to GitHub, at least once and in order."""
