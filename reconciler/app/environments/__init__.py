"""One environment beside the others: files that are valid in all of them, and what one promotes to another."""
