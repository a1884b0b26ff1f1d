"""How long GitHub asks to be left alone, as its answers tell it.

See "Rate limits for the REST API" in its documentation: a used-up limit is answered with 403 as well as with 429. The
moment at which it ends is told by GitHub's clock, so it is compared with the answer's own date.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import httpx

_UNTOLD = 60.0  # seconds, where a limit was hit and nothing says until when; GitHub's own advice
_LONGEST = 2 * 3600.0  # limits are counted by the hour


def pause_of(status: int, headers: httpx.Headers, body: bytes) -> float | None:
    """Seconds, at least one; None for an answer that is not about a limit."""
    if status not in (403, 429):
        return None
    wait = _number(headers.get("retry-after"))
    if wait is None and headers.get("x-ratelimit-remaining") == "0":
        reset = _number(headers.get("x-ratelimit-reset"))
        wait = None if reset is None else reset - _moment(headers) + 1
    if wait is None and (status == 429 or b"rate limit" in body.lower()):
        wait = _UNTOLD
    return None if wait is None else min(max(wait, 1.0), _LONGEST)


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 13 else None


def _moment(headers: httpx.Headers) -> float:
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError):
        return time.time()
