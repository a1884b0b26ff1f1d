"""Reads one YAML document strictly, with the place of everything in it."""
