"""The lockfile, the journal, the local lease and plan files on disk: durable, never half a file."""
