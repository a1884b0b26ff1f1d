"""The commands that show what is recorded, and change nothing."""
