"""Where a project's own files are, its settings file, and safe reading of what it names."""
