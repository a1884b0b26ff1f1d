"""Five thousand links within limits. Takes a minute, and is run with `RECONCILE_FULL_SOURCES=1`."""

from __future__ import annotations

import asyncio
import os
import resource
from collections import Counter
from contextlib import aclosing
from time import monotonic

import pytest

from reconciler.adapters.web.fetcher import look
from reconciler.adapters.web.limits import LIMITS
from reconciler.core.frozen import replace
from reconciler.core.sources.look import Outcome, Target
from tests.adapters.web.articles import page
from tests.adapters.web.site import HERE, Asked, Send, Site, plain, running

pytestmark = pytest.mark.skipif(
    not os.environ.get("RECONCILE_FULL_SOURCES"), reason="RECONCILE_FULL_SOURCES=1"
)

LINKS, HOSTS = 5000, 500
MEMORY = 300 << 10  # KB that this process may have grown to, the site in it included


def _put_up(site: Site) -> list[Target]:
    """Ten pages a host, of six different texts; half of them know their ETag at the second look."""
    texts = [page(str(number)) for number in range(6)]

    def answer(text: str, tag: str) -> object:
        async def send_it(asked: Asked, send: Send) -> None:
            known = asked.headers.get("if-none-match") == tag
            whole = plain("", "304 Not Modified", Content_Length="") if known else plain(text, ETag=tag)
            await whole(asked, send)

        return send_it

    targets = []
    for number in range(LINKS):
        host, path = f"h{number % HOSTS}.test", f"/{number}"
        tag = f'"v{number}"' if number % 2 else ""
        site.pages[host, path] = answer(texts[number % 6], tag)  # type: ignore[assignment]
        targets.append(Target(site.url(host, path)))
    return targets


async def _all(site: Site, targets: list[Target]) -> tuple[Counter[Outcome], list[Target], float]:
    began = monotonic()
    outcomes: Counter[Outcome] = Counter()
    recorded = []
    async with aclosing(look(targets, limits=LIMITS, allowed=HERE, resolver=site.resolver)) as looks:
        async for one in looks:
            outcomes[one.outcome] += 1
            recorded.append(Target(one.url, one.etag, one.last_modified, one.final_url))
    return outcomes, recorded, monotonic() - began


def test_five_thousand_links_at_five_hundred_hosts() -> None:
    with running() as site:
        targets = _put_up(site)
        first, recorded, took = asyncio.run(_all(site, targets))
        asked, site.requests = Counter(one.host for one in site.requests), []
        second, _, took_again = asyncio.run(_all(site, recorded))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    readers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(
        f"\n{LINKS} links at {HOSTS} hosts: {took:.0f} s at first ({LINKS / took:.0f} a second), {took_again:.0f} s "
        f"with half of them unmodified; {memory >> 10} MB, {readers >> 10} MB the largest reader; "
        f"{max(asked.values())} requests to a host, at most {max(site.busiest.values())} at one time"
    )
    assert first == {Outcome.OK: LINKS}
    assert second == {Outcome.OK: LINKS // 2, Outcome.UNCHANGED: LINKS // 2}
    assert set(asked.values()) == {LINKS // HOSTS + 1}  # each page, and robots.txt
    assert max(site.busiest.values()) <= LIMITS.per_host
    assert memory < MEMORY


def test_five_hundred_links_at_one_host_keep_their_pauses() -> None:
    limits = replace(LIMITS, pause=0.05)
    with running() as site:
        for number in range(500):
            site.pages["one.test", f"/{number}"] = plain(page(str(number % 6)))
        targets = [Target(site.url("one.test", f"/{number}")) for number in range(500)]

        async def all_of_them() -> Counter[Outcome]:
            async with aclosing(look(targets, limits=limits, allowed=HERE, resolver=site.resolver)) as looks:
                return Counter([one.outcome async for one in looks])

        began = monotonic()
        outcomes = asyncio.run(all_of_them())
        took = monotonic() - began
    print(f"\n500 links at one host: {took:.0f} s, {site.busiest['one.test']} at one time")
    assert outcomes == {Outcome.OK: 500}
    assert took >= 500 * limits.pause
    assert len(site.requests) == 501
    assert site.busiest["one.test"] <= limits.per_host
