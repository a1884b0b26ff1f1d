"""Writes engine IDs into the files that engine files name."""
