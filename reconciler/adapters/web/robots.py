"""robots.txt of each site, as RFC 9309 has it: asked for once, honoured for all pages of that site.

* 2xx: its rules count. * 4xx: there are none, everything is allowed. * 5xx, 429, no answer: it is not known what is
allowed, so nothing is; the pages are reported as unknown and not as forbidden.
"""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from reconciler.adapters.web.exchange import Answer, Exchanges, NoAnswer
from reconciler.adapters.web.limits import Limits
from reconciler.adapters.web.pace import Pace, Resting
from reconciler.adapters.web.web_address import WebAddress, joined, parse

TOKEN = "reconcile"  # noqa: S105 - by which robots.txt names us, and nothing secret
_REDIRECTS = 5  # as many as RFC 9309 wants to be followed
_MOVED = (301, 302, 303, 307, 308)


class Rules(NamedTuple):
    """`unreadable` says why they are not known: the end of a sentence. `parsed` is None if all is allowed."""

    parsed: Any = None
    unreadable: str = ""
    pause: float = 0.0  # seconds that it wants between two requests

    def allows(self, address: WebAddress) -> bool:
        return self.parsed is None or bool(self.parsed.can_fetch(address.url, TOKEN))


ALL_ALLOWED = Rules()
_NOT_ASKED = "was not requested: its robots.txt"


class Robots:
    """Keeps the rules of each origin."""

    def __init__(self, exchanges: Exchanges, pace: Pace, limits: Limits) -> None:
        self._exchanges, self._pace, self._limits = exchanges, pace, limits
        self._known: dict[str, asyncio.Task[Rules]] = {}

    async def rules_for(self, address: WebAddress) -> Rules:
        """Raises `NotPublic` where the site must not be asked at all."""
        origin = address.origin
        if origin not in self._known:
            self._known[origin] = asyncio.create_task(self._read(origin))
        return await asyncio.shield(self._known[origin])

    async def close(self) -> None:
        for task in self._known.values():
            task.cancel()
        await asyncio.gather(*self._known.values(), return_exceptions=True)

    async def _read(self, origin: str) -> Rules:
        address = parse(f"{origin}/robots.txt")
        try:
            for _ in range(_REDIRECTS + 1):
                async with self._pace.turn(address.host):
                    answer = await self._exchanges.get(address, longest=self._limits.robots)
                if answer.status not in _MOVED:
                    return rules_of(answer, self._limits)
                try:
                    address = joined(address, answer.headers.get("location", ""))
                except ValueError:
                    return ALL_ALLOWED  # a redirect to nowhere: "unavailable", as a 404 is
        except NoAnswer as error:
            return Rules(unreadable=str(error) if error.unreachable else f"{_NOT_ASKED} {error}")
        except Resting as error:
            return Rules(unreadable=str(error))
        return ALL_ALLOWED  # the same for more redirects than these


def rules_of(answer: Answer, limits: Limits) -> Rules:
    """What an answer means that is no redirect."""
    if 400 <= answer.status < 500 and answer.status != 429:
        return ALL_ALLOWED
    if not 200 <= answer.status < 300:
        return Rules(unreadable=f"{_NOT_ASKED} returned {answer.status}")
    from protego import Protego

    parsed = Protego.parse(answer.body[: limits.robots].decode("utf-8", "replace").removeprefix("\ufeff"))
    delay = float(parsed.crawl_delay(TOKEN) or 0.0)
    return Rules(parsed, pause=min(delay, limits.longest_pause) if delay > 0 else 0.0)  # which NaN is not
