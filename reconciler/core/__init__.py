"""The pure heart: values and rules. No file, socket, clock, environment, randomness, log or await in here."""
