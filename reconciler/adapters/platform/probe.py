"""One look at the platform: does it answer, what of the key, what time is it there?

Apart from the client that applies: this one asks once, and repeats nothing. It obeys the same rules on
where a key may go (`endpoint`).
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from reconciler.adapters.platform.endpoint import (
    Endpoint,
    check_key,
    parse_endpoint,
    proxy_for,
    tls_context,
    user_agent,
)
from reconciler.adapters.platform.unreachable import why_unreachable
from reconciler.adapters.system import trail
from reconciler.adapters.system.httpx_library import httpx
from reconciler.core.errors import PlatformError


class Seen(NamedTuple):
    """What was answered. `theirs` and `ours` are the two clocks at that moment, in seconds since 1970."""

    status: int
    theirs: float | None
    ours: float


def look_at_platform(api_url: str, api_key: str | None, seconds: float) -> Seen:
    """Asks `GET /users/me`; without a key the answer is a refusal, which tells as much of the rest.

    Raises `InvalidInput` for an address or key that must not be used, `PlatformError` when nothing answers in time.
    """
    endpoint = parse_endpoint(api_url)
    headers = {"User-Agent": user_agent(), "Accept": "application/json"}
    if api_key is not None:
        headers["X-API-Key"] = check_key(api_key)
    proxy = proxy_for(endpoint)
    with _client(endpoint, proxy, seconds) as client:
        before = time.time()
        url = endpoint.http("users", "me")
        try:
            with trail.exchange("GET", url) as answer, client.stream("GET", url, headers=headers) as response:
                answer.status = response.status_code
                ours = (before + time.time()) / 2
                return Seen(response.status_code, _date(response.headers.get("Date")), ours)
        except (httpx.HTTPError, OSError) as error:
            raise _unreachable(error, endpoint, proxy is not None, seconds) from error


def _client(endpoint: Endpoint, proxy: str | None, seconds: float) -> httpx.Client:
    tls = tls_context() if endpoint.secure else None
    through = None
    if proxy is not None:
        through = httpx.Proxy(proxy, ssl_context=tls if proxy.startswith("https:") else None)
    return httpx.Client(
        verify=tls or False,  # False is for plain http on this machine, which has nothing to verify
        trust_env=False,
        proxy=through,
        timeout=seconds,
        follow_redirects=False,
    )


def _date(value: str | None) -> float | None:
    try:
        return None if value is None else parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _unreachable(error: Exception, endpoint: Endpoint, proxied: bool, seconds: float) -> PlatformError:
    if isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout):
        return PlatformError(
            f"{endpoint.authority} did not answer within {seconds:g} seconds",
            hint="check that it is the platform's address",
        )
    if isinstance(error, httpx.ProxyError):
        return PlatformError("the proxy refused the connection", hint="check HTTPS_PROXY and NO_PROXY")
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        return PlatformError(f"{endpoint.authority} does not speak HTTP", hint="check LINGO_API_URL")
    cause = why_unreachable(error, endpoint, proxied)
    return PlatformError(cause.message, hint=cause.hint)
