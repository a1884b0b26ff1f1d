"""Completion in the shell: the scripts, and the answers to what they ask."""
