"""GitHub's REST API and the files that GitHub Actions hands to a step."""
