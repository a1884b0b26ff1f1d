"""How much a receiver takes upon itself, and for how long. The defaults are what docs/webhooks.md says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Times are seconds. `fresh` is how long a look at the disk counts; `answer` the time for an answer: the longest
    poll, and time for its reader to take it; `linger` the time for a peer to take the end of one; `readers` is how many
    may wait at the feed.
    """

    fresh: float = 1.0
    answer: float = 100.0
    linger: float = 15.0
    readers: int = 256
