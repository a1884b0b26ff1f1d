"""One module a command: its options, and a call to what does the work."""
