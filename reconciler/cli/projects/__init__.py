"""Several projects or environments in one run: found, planned one by one, and shown as one."""
