"""Commands of people about one engine: what a run may not decide by itself."""
