"""Requests to servers of the tests, which speak plain HTTP on this machine.

`httpx.get` prepares for TLS whatever the address is, which takes ten times as long as the request; these do not. Each
has a connection of its own, as with `httpx.get`, so that none is left open to a server that ends.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import httpx


def request(method: str, url: str, **more: Any) -> httpx.Response:
    assert url.startswith("http://127.0.0.1:"), url
    return httpx.request(method, url, verify=False, **more)  # noqa: S501 - no TLS at all


get, post, put, delete = (partial(request, method) for method in ("GET", "POST", "PUT", "DELETE"))
