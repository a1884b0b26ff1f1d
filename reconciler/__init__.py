"""Keeps localization engines as YAML files in git, and their engine IDs in a lockfile.

The version stands here as a plain string, since looking it up in the installed metadata costs every start
several milliseconds. The build reads it from here too, so there is one place to change.
"""

__version__ = "0.2.0"
