"""The clone at hand, as git knows it: what is checked out, ignored, unmerged or missing, and its past."""
