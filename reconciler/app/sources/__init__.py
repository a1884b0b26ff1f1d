"""What became of the pages that engines learned from: looked at, recorded, and acted upon."""
