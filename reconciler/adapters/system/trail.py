"""What went out and came back lately: requests, answers and commands, for `--log-level debug` and for a crash's log.

Only what is harmless is put down: method, address without user info and query, status, time and sizes; no header and
no body. Not `logging`: a plan that asks git one thing would pay for its import, and a thousand watched jobs for its
records.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reconciler.core.user_info import without_user_info

KEPT = 200  # lines
LONGEST = 400  # characters of one

Listener = Callable[[str, str], None]

_answered: dict[str, int] = {}  # requests by their answer's status
_lines: deque[tuple[float, str]] = deque(maxlen=KEPT)
_listeners: list[Listener] = []
_hidden: set[str] = set()


def listen(listener: Listener) -> None:
    """From now on `listener` gets each line's level, `debug` or `warning`, and text; a former one gets none."""
    _listeners[:] = [listener]


def note(text: str, level: str = "debug") -> None:
    """One line; what is too long is cut."""
    text = without_user_info(text)
    line = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    _lines.append((time.time(), line))
    for listener in _listeners:
        listener(level, line)


def hide(secret: str) -> None:
    """A secret that came from elsewhere than the environment, so that nobody else knows what to take out of a text."""
    _hidden.add(secret)


def hidden() -> frozenset[str]:
    return frozenset(_hidden)


def last() -> list[tuple[float, str]]:
    """The last lines with their times, in seconds since 1970; the oldest first."""
    return list(_lines)


def answered() -> dict[str, int]:
    """How many requests had which status; `none` for those without an answer."""
    return dict(_answered)


class Exchange:
    """What is known of an answer; without a status there was none."""

    __slots__ = ("received", "status")

    def __init__(self) -> None:
        self.status: int | None = None
        self.received = 0


@contextmanager
def exchange(method: str, url: str, sent: int = 0) -> Iterator[Exchange]:
    """Around one request: notes it when it was answered, or failed. `sent` is the size of its body in bytes."""
    answer = Exchange()
    began = time.monotonic()
    why = "no answer"
    try:
        yield answer
    except BaseException as error:
        why = f"no answer, {type(error).__name__}"
        raise
    finally:
        counted = "none" if answer.status is None else f"{answer.status}"
        _answered[counted] = _answered.get(counted, 0) + 1
        came = why if answer.status is None else f"{answer.status}"
        sizes = f"{sent:,} bytes sent, {answer.received:,} received"
        note(f"{method} {url.partition('?')[0]}: {came} in {since(began)}, {sizes}")


def since(began: float) -> str:
    """The time since `began`, of `time.monotonic()`."""
    return f"{(time.monotonic() - began) * 1_000:,.0f} ms"
