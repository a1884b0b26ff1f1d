"""One apply as a state machine without I/O: facts in, commands out."""
