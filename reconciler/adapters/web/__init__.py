"""Pages of the web: fetched within limits, read in a process of its own, told as values (core/sources)."""
