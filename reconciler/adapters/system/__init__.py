"""The machine itself: clock, keyring, limits of the process."""
