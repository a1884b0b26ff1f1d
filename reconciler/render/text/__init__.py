"""Views for a terminal and a log."""
