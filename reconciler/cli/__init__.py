"""The `reconcile` command: wires everything, and is the only reader of environment and flags."""
