"""An opened project: its settings, its files and its plan, without a flag, a variable or a word printed."""
