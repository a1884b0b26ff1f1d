"""Which pull request a run is about, and what its comments have reported."""
