"""Whether a GitHub Actions run has ended: then a lease that it left behind counts as expired at once."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import httpx

from reconciler.adapters.endpoint import is_loopback, user_agent

_RUN = re.compile(r"/([^/]+/[^/]+)/actions/runs/([0-9]+)")
_TIMEOUT = 10.0  # seconds
_LONGEST = 1 << 20  # bytes of an answer


def run_has_ended(run_url: str, api_url: str, token: str) -> bool:
    """True only when GitHub says so. Anything else (no such run, no right to see it, no network) is False.

    The token is sent to `api_url` only, over HTTPS unless that is this machine, and redirects are not followed.
    """
    found = _RUN.search(urlsplit(run_url).path)
    address = urlsplit(api_url)
    if found is None or not (address.scheme == "https" or is_loopback(address.hostname or "")):
        return False
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "User-Agent": user_agent(),
    }
    try:
        url = f"{api_url.rstrip('/')}/repos/{found[1]}/actions/runs/{found[2]}"
        answer = httpx.get(url, headers=headers, timeout=_TIMEOUT, follow_redirects=False)
        if answer.status_code != httpx.codes.OK or len(answer.content) > _LONGEST:
            return False
        document = answer.json()
    except (httpx.HTTPError, ValueError):
        return False
    return isinstance(document, dict) and document.get("status") == "completed"
