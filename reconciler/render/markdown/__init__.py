"""Views for comments, job summaries and pull requests."""
