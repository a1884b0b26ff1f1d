"""The entries of a lockfile as the texts that they are: proved sound in one pass, and read only where they differ."""
