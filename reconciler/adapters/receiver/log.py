"""The receiver's log: one line about each thing that happened, as text or as JSON, and never more than a flood's worth.

Strangers can make a receiver that faces the internet refuse things all day. So lines about single requests have a
budget for each second; what went over it is counted, and told in one line. What happens to the receiver itself is
always told. No header that could be a secret, and no body, is ever given to it.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime

LEVELS = ("error", "warning", "info", "debug")
_LINES = 50  # a second

Field = str | int | float | None


class ServeLog:
    """`write` takes a line without its end; its failure is none of a delivery's. Fields that are None are left out."""

    def __init__(
        self,
        write: Callable[[str], None],
        clock: Callable[[], float],
        *,
        level: str = "info",
        as_json: bool = False,
    ) -> None:
        self._write = write
        self._clock = clock
        self._rank = LEVELS.index(level)
        self._form = _json if as_json else _text
        self._second = 0
        self._left = _LINES
        self._unsaid = 0
        self._turn = threading.Lock()

    def hears(self, level: str) -> bool:
        """Whether `note` would write a line of this level now; if it is only the budget that is against it, it counts
        as left out. So what nobody will read need not be made."""
        if LEVELS.index(level) > self._rank:
            return False
        with self._turn:
            if self._left > 0 or int(self._clock()) != self._second:
                return True
            self._unsaid += 1
            return False

    def say(self, level: str, event: str, **fields: Field) -> None:
        """One line. `event` is a few words that are always the same for the same thing."""
        if LEVELS.index(level) <= self._rank:
            now = self._clock()
            with self._turn:
                self._renew(now)
                self._put(now, level, event, fields)

    def note(self, level: str, event: str, **fields: Field) -> None:
        """One line about one request, unless there were too many within this second."""
        if LEVELS.index(level) > self._rank:
            return
        now = self._clock()
        with self._turn:
            self._renew(now)
            if self._left > 0:
                self._left -= 1
                self._put(now, level, event, fields)
            else:
                self._unsaid += 1

    def _put(self, now: float, level: str, event: str, fields: dict[str, Field]) -> None:
        with contextlib.suppress(OSError, ValueError):  # whoever read the log has gone, or closed it
            self._write(self._form(now, level, event, fields))

    def _renew(self, now: float) -> None:
        if int(now) == self._second:
            return
        unsaid, self._unsaid = self._unsaid, 0
        self._second, self._left = int(now), _LINES
        if unsaid:
            self._put(now, "warning", "lines left out", {"count": unsaid})


def _json(now: float, level: str, event: str, fields: dict[str, Field]) -> str:
    known = {name: value for name, value in fields.items() if value is not None}
    return json.dumps({"time": _moment(now), "level": level, "event": event, **known})


def _text(now: float, level: str, event: str, fields: dict[str, Field]) -> str:
    words = [_moment(now), *([level] if level in ("error", "warning") else []), event]
    words += [f"{name}={_shown(value)}" for name, value in fields.items() if value is not None]
    return " ".join(words)


def _shown(value: Field) -> str:
    text = str(value)
    return text if text and text.isprintable() and " " not in text and '"' not in text else json.dumps(text)


def _moment(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
