"""Whether a GitHub Actions run has ended: then a lease that it left behind counts as expired at once."""

from __future__ import annotations

import json
import re
import time
from urllib.parse import urlsplit

import httpx

from reconciler.adapters.platform.endpoint import is_loopback, user_agent

# What a lease says is no more than what somebody pushed, so nothing but names and digits gets into our request.
_RUN = re.compile(
    r"^/([A-Za-z0-9_-][A-Za-z0-9_.-]*/[A-Za-z0-9_-][A-Za-z0-9_.-]*)/actions/runs/([0-9]{1,20})/?$"
)
_TIMEOUT = 10.0  # seconds
_LONGEST = 1 << 20  # bytes of an answer


def run_has_ended(run_url: str, api_url: str, token: str, *, timeout: float = _TIMEOUT) -> bool:
    """True only when GitHub says so. Anything else (no such run, no right to see it, no network) is False.

    The token is sent to `api_url` only, over HTTPS unless that is this machine, and redirects are not followed.
    """
    try:
        found, address = _RUN.match(urlsplit(run_url).path), urlsplit(api_url)
    except ValueError:  # not a URL at all
        return False
    secure = address.scheme == "https" or (address.scheme == "http" and is_loopback(address.hostname or ""))
    if found is None or not secure:
        return False
    url = f"{api_url.rstrip('/')}/repos/{found[1]}/actions/runs/{found[2]}"
    try:
        document = json.loads(_read(url, token, timeout))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("status") == "completed"


def _read(url: str, token: str, timeout: float) -> bytes:
    """The answer, or nothing where it is not a plain 200, too long, or too slow."""
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "User-Agent": user_agent(),
    }
    end = time.monotonic() + timeout
    content = bytearray()
    with httpx.stream("GET", url, headers=headers, timeout=timeout, follow_redirects=False) as answer:
        if answer.status_code != httpx.codes.OK:
            return b""
        for part in answer.iter_bytes():
            content += part
            if len(content) > _LONGEST or time.monotonic() > end:
                return b""
    return bytes(content)
