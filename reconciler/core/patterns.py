"""Regular expressions that are compiled when they are first used: a start of the command imports sixty and uses few."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from re import compile as lazy_pattern
else:
    import re

    class lazy_pattern:
        """Its methods, each kept once it was asked for: from then on a call costs what it always does."""

        def __init__(self, text, flags=0):
            self._said = (text, flags)

        def __getattr__(self, name):
            found = getattr(re.compile(*self._said), name)  # which remembers what it compiled
            setattr(self, name, found)
            return found


__all__ = ["lazy_pattern"]
