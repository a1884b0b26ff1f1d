"""The facts of runs (journal), the lease, and what they fold to. No git, no file."""
