"""Verified webhooks until a run takes them: in a file, in PostgreSQL, or on another machine."""
