"""What is recorded as provisioned: entries, their file format, how they change and merge."""
