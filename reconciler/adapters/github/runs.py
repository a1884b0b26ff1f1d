"""Whether a run of GitHub Actions has ended, as GitHub says."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from reconciler.adapters.github.client import Answer, GitHub, Timeouts, github_endpoint
from reconciler.adapters.platform.endpoint import check_key
from reconciler.adapters.system.httpx_library import httpx
from reconciler.core.errors import ReconcileError
from reconciler.core.patterns import lazy_pattern

# What a lease says is no more than what somebody pushed, so nothing but names and digits gets into our request.
_RUN = lazy_pattern(
    r"^/([A-Za-z0-9_-][A-Za-z0-9_.-]*)/([A-Za-z0-9_-][A-Za-z0-9_.-]*)/actions/runs/([0-9]{1,20})/?$"
)


def run_has_ended(run_url: str, api_url: str, token: str, *, timeout: float = 10.0) -> bool:
    """Whether a GitHub Actions run has ended: then a lease that it left behind counts as expired at once.

    True only when GitHub says so. Anything else (no such run, no right to see it, no network) is False. It is asked at
    `api_url`, whatever host the run's address has.
    """
    try:
        found = _RUN.match(urlsplit(run_url).path)
    except ValueError:  # not a URL at all
        return False
    if found is None:
        return False
    owner, repository, number = found.groups()

    async def ask() -> Answer:
        async with GitHub(github_endpoint(api_url), Timeouts(timeout, timeout, timeout)) as github:
            return await github.ask(
                *("GET", "repos", owner, repository, "actions", "runs", number), token=check_key(token)
            )

    try:
        answer = asyncio.run(ask())
    except ReconcileError:  # an address, a token, a proxy or certificates that cannot be used
        return False
    return answer.status == httpx.codes.OK and answer.document.get("status") == "completed"
