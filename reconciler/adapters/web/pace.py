"""How fast each host is asked: few requests at one time, a pause between them, rest where it asks for it.

A turn is one request. Nobody holds a turn while waiting for another one, so that redirects between two hosts never wait
for each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime

from reconciler.adapters.web.limits import Limits
from reconciler.core.sources.addresses import plain_host

_FAILURES = 3  # without an answer in time, one after the other, until a host is given up


class Resting(Exception):
    """The host is not asked now; its text is the end of a sentence."""


class _Host:
    def __init__(self, limits: Limits) -> None:
        self.slots = asyncio.Semaphore(limits.per_host)
        self.pause = limits.pause
        self.next = 0.0  # when the next request may begin, by the loop's clock
        self.failures = 0


class Pace:
    """`turn` for each request; the rest tells what was learned from answers."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._all = asyncio.Semaphore(limits.concurrency)
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Waits until the host may be asked. Raises `Resting` if that is later than anybody waits for."""
        known = self._of(host)
        loop = asyncio.get_running_loop()
        async with known.slots:
            while (wait := known.next - loop.time()) > 0:
                if wait > self._limits.wait + self._limits.longest_pause:
                    raise Resting(f"was not requested: its host asks to wait {wait:,.0f} s")
                await asyncio.sleep(wait)
            if known.failures >= _FAILURES:
                raise Resting(f"was not requested: its host timed out {_FAILURES} times in a row")
            known.next = loop.time() + known.pause
            async with self._all:
                yield

    def at_least(self, host: str, pause: float) -> None:
        """Robots.txt wants that many seconds between two requests."""
        known = self._of(host)
        known.pause = max(known.pause, pause)

    def rest(self, host: str, seconds: float) -> None:
        known = self._of(host)
        known.next = max(known.next, asyncio.get_running_loop().time() + seconds)

    def answered(self, host: str, in_time: bool) -> None:
        known = self._of(host)
        known.failures = 0 if in_time else known.failures + 1

    def _of(self, host: str) -> _Host:
        return self._hosts.setdefault(plain_host(host), _Host(self._limits))


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds, from a number or a date; None where there is neither. `now` is in seconds since 1970."""
    text = headers.get("retry-after", "")
    if text.isascii() and text.isdigit() and len(text) < 9:
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None
