"""A receiver on another machine as a source of completions: its `GET /events`, and `POST /events/claim`.

The feed is a long poll: the receiver answers as soon as something comes in. It verified every delivery before it stored
it, and it is reached over HTTPS with a token of its own, so what it tells is believed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeGuard

from reconciler.adapters.platform.endpoint import parse_endpoint, proxy_for, tls_context, user_agent
from reconciler.adapters.system import trail
from reconciler.adapters.system.httpx_library import httpx
from reconciler.core.errors import PlatformError
from reconciler.core.ledger.webhook_facts import Delivery
from reconciler.core.platform.backoff import delays
from reconciler.core.platform.job import shorten
from reconciler.core.platform.webhook import Event, read_event
from reconciler.core.strict_json import JsonRefused, read_json
from reconciler.core.user_info import without_user_info
from reconciler.core.values import ID, LINE

TOKEN = "RECONCILE_INBOX_TOKEN"  # noqa: S105 # a variable's name
_WAIT = 25  # seconds that the receiver may hold a poll; proxies commonly cut at 30 or 60
_TIMEOUT = 10.0  # seconds for anything else
_PAGE = 200
_CLAIMS = 500  # in one request


class RemoteInbox:
    """See the port `Deliveries`. `random` gives numbers in [0, 1). Raises `PlatformError` where the receiver refuses or
    cannot be reached.
    """

    def __init__(self, url: str, token: str, by: str, random: Callable[[], float]) -> None:
        self._endpoint = parse_endpoint(url)
        self._by = by
        self._random = random
        self._options: dict[str, Any] = {
            "headers": {"Authorization": f"Bearer {token}", "User-Agent": user_agent()},
            "verify": tls_context() if self._endpoint.secure else False,
            "proxy": proxy_for(self._endpoint),
            "trust_env": False,
            "follow_redirects": False,
            "timeout": _TIMEOUT,
        }

    def close(self) -> None:
        """Nothing is kept open between two calls."""

    def hurry(self, seconds: float) -> None:
        """See the port. Who follows is cancelled."""
        self._options["timeout"] = min(self._options["timeout"], seconds)

    def waiting(self) -> list[Delivery]:
        """See the port."""
        found: list[Delivery] = []
        cursor = ""
        url = self._endpoint.http("events")
        with self._reaching(), httpx.Client(**self._options) as client:
            while True:
                with trail.exchange("GET", url) as exchanged:
                    answer = client.get(url, params=_asked(cursor, 0))
                    exchanged.status, exchanged.received = answer.status_code, len(answer.content)
                document = _read(answer)
                page = document["events"]
                found += [
                    Delivery(one["cursor"], event) for one in page if (event := _event_in(one)) is not None
                ]
                if not page:
                    return found
                cursor = document["cursor"]

    async def follow(self) -> AsyncIterator[Event]:
        """See the port."""
        cursor, pauses, url = "", self._pauses(), self._endpoint.http("events")
        async with httpx.AsyncClient(**self._options) as client:
            while True:
                try:
                    with self._reaching():
                        with trail.exchange("GET", url) as exchanged:
                            params = _asked(cursor, _WAIT)
                            answer = await client.get(url, params=params, timeout=_WAIT + _TIMEOUT)
                            exchanged.status, exchanged.received = answer.status_code, len(answer.content)
                        document = _read(answer)
                except PlatformError as error:
                    trail.note(f"{error.message}; retrying", "warning")
                    await asyncio.sleep(next(pauses))
                    continue
                pauses = self._pauses()
                for one in document["events"]:
                    if (event := _event_in(one)) is not None:
                        yield event
                cursor = document["cursor"]

    def claim(self, deliveries: Sequence[Delivery]) -> None:
        """See the port."""
        cursors, url = [one.id for one in deliveries], self._endpoint.http("events", "claim")
        with self._reaching(), httpx.Client(**self._options) as client:
            for start in range(0, len(cursors), _CLAIMS):
                content = {"cursors": cursors[start : start + _CLAIMS], "by": self._by}
                with trail.exchange("POST", url) as exchanged:
                    answer = client.post(url, json=content)
                    exchanged.status, exchanged.received = answer.status_code, len(answer.content)
                _read(answer, "claimed")

    def _pauses(self) -> Iterator[float]:
        return delays(self._random, first=1.0, ceiling=30.0, floor=0.5)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPError as error:
            why = shorten(without_user_info(str(error))) or type(error).__name__
            raise PlatformError(
                f"the receiver at {self._endpoint.authority} cannot be reached: {why}",
                hint="check inbox_url, and whether the receiver is running",
            ) from error


def _asked(cursor: str, wait: int) -> dict[str, str]:
    asked = {"limit": str(_PAGE), "wait": str(wait)}
    return asked | {"since": cursor} if cursor else asked


def _read(answer: httpx.Response, wanted: str = "events") -> dict[str, Any]:
    """The answer's document, of the form that the receiver gives it."""
    if answer.status_code in (401, 403):
        raise PlatformError(
            f"the receiver refused the token (HTTP {answer.status_code})",
            hint=f"use the same {TOKEN} here and where the receiver runs",
            status=answer.status_code,
        )
    try:
        document = read_json(answer.content)
    except JsonRefused:
        document = None
    if answer.status_code != httpx.codes.OK or not _is_right(document, wanted):
        raise PlatformError(
            f"the receiver's answer cannot be read (HTTP {answer.status_code})",
            hint="set inbox_url to the receiver's base address, without /events",
            status=answer.status_code,
        )
    return document


def _is_right(document: object, wanted: str) -> TypeGuard[dict[str, Any]]:
    if not isinstance(document, dict) or not isinstance(document.get(wanted), list):
        return False
    return wanted != "events" or (
        LINE.accepts(document.get("cursor"))
        and all(isinstance(one, dict) and LINE.accepts(one.get("cursor")) for one in document[wanted])
    )


def _event_in(one: dict[str, Any]) -> Event | None:
    """The event, unless a run has claimed it."""
    body, operation = one.get("body"), one.get("operationId")
    if one.get("claimed") or not isinstance(body, str):
        return None
    return read_event(body.encode("utf-8", "replace"), operation if ID.accepts(operation) else None)
