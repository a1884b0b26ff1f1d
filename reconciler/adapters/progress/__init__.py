"""How a run shows its progress: live, as plain lines, or not at all."""
