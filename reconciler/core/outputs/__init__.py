"""The places in other files that hold an engine's ID, and how to put it there as text."""
