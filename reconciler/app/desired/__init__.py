"""What the files of an environment ask for: what of them changed since it was recorded, and what is beside them."""
