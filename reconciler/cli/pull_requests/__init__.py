"""What commands do for pull requests: comments, summaries, the CI system around a run."""
