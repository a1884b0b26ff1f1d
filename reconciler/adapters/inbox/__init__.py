"""Verified webhooks on disk or on another machine until a run takes them."""
