"""How well changed pages are told from unchanged ones, on saved pages of the web."""
