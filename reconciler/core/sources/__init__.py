"""The pages that engines learn from: what one look at a page found, what its text is, and whether it changed."""
