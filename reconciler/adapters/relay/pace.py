"""What an answer to a dispatch means for its event, and how long to wait before the next try.

GitHub refuses for four kinds of reasons, and only one of them is about the event: 422 (and 413) says that it will never
take this one, so it must not hold up the others. A limit ends by itself, and GitHub says when. Trouble on the way
passes. A wrong token or a repository that is not there needs a person, who may take days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import NamedTuple

from reconciler.adapters.github.client import Answer
from reconciler.core.platform.backoff import delays


class Fate(Enum):
    SENT = auto()
    REFUSED = auto()
    LIMITED = auto()
    BARRED = auto()  # until a person changes something
    FAILED = auto()


def fate_of(answer: Answer) -> Fate:
    status = answer.status
    if status is None or status >= 500 or status == 408:
        return Fate.FAILED if answer.pause is None else Fate.LIMITED
    if 200 <= status < 300:
        return Fate.SENT
    if answer.pause is not None:
        return Fate.LIMITED
    return Fate.REFUSED if status in (413, 422) else Fate.BARRED


def hint_for(status: int | None, repository: str) -> str | None:
    """What a person can do about an answer to a dispatch."""
    if status == 401:
        return "set another token and restart the receiver: this one is wrong, revoked or expired"
    if status == 403:
        return f"grant the token Contents: read and write on {repository}; an organization may have to approve it"
    if status == 404:
        return f"check that {repository} exists, and that the token has Contents: read and write on it"
    if status is not None and 300 <= status < 400:
        return f"relay to the new name of {repository}, which was renamed or moved"
    return None


class Pace(NamedTuple):
    """Seconds. `quick` is for trouble that passes, `slow` for what needs a person: the first pause at most, and the
    longest. `look` is how often the inbox is looked at, `stand_by` how often one that does not lead asks to."""

    quick: tuple[float, float] = (2.0, 120.0)
    slow: tuple[float, float] = (30.0, 600.0)
    look: float = 0.25
    stand_by: float = 1.0


PACE = Pace()


class Pauses:
    """The next pause after each kind of failure; from the beginning again after a success."""

    def __init__(self, pace: Pace, random: Callable[[], float]) -> None:
        self._pace = pace
        self._random = random
        self.reset()

    def reset(self) -> None:
        self._quick = self._of(self._pace.quick)
        self._slow = self._of(self._pace.slow)

    def after(self, fate: Fate, asked: float | None) -> float:
        """`asked` is what GitHub wants; a little is added, so that not all who were limited return together."""
        if fate is Fate.LIMITED and asked is not None:
            return asked + min(next(self._quick), asked / 10)
        return next(self._slow if fate is Fate.BARRED else self._quick)

    def _of(self, bounds: tuple[float, float]) -> Iterator[float]:
        first, ceiling = bounds
        return delays(self._random, floor=first / 4, first=first, ceiling=ceiling)
