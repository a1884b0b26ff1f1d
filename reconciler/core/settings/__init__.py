"""The settings: one declaration each, and where each value comes from."""
