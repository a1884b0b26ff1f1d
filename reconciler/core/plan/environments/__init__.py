"""What environments have in common: overlays over one base, and what is promoted from one to another."""
