"""Engine files: found, read, validated, and turned into specs."""
