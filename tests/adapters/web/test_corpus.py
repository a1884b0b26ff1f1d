"""Every page of the corpus is found to be what it is: no false alarm, and no change missed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing

from reconciler.adapters.web.fetcher import look
from reconciler.adapters.web.limits import Limits
from reconciler.core.sources.look import Comparison, Outcome, PageLook, Target, compare
from tests.adapters.web.cases import Case, Found
from tests.adapters.web.corpus import corpus, private_addresses, put_up
from tests.adapters.web.site import HERE, Site, running

LIMITS = Limits(
    concurrency=64,
    per_host=4,
    pause=0.0,
    silence=3.0,
    page=5.0,
    wait=2.0,
    wire=400_000,
    body=800_000,
    everything=120.0,
)


async def _look(site: Site, targets: Iterable[Target]) -> dict[str, PageLook]:
    async with aclosing(look(targets, limits=LIMITS, allowed=HERE, resolver=site.resolver)) as looks:
        return {one.url: one async for one in looks}


def _found(first: PageLook, second: PageLook) -> Found:
    """As anybody who keeps records would judge."""
    if second.outcome is Outcome.UNCHANGED:
        return Found.FRESH
    if second.outcome is not Outcome.OK:
        return Found(second.outcome.value)
    compared = compare(first.text_digest or "", first.reader, second)
    return {Comparison.SAME: Found.FRESH, Comparison.CHANGED: Found.STALE}[compared]


def test_no_false_alarm_and_no_missed_change() -> None:
    with running() as site:
        cases = corpus(site)
        assert len(cases) >= 200
        urls = {site.url(case.host, case.path): case for case in cases}
        put_up(site, cases, second=False)
        first = asyncio.run(_look(site, [Target(url) for url in urls]))
        unread = {case for url, case in urls.items() if first[url].outcome is not Outcome.OK}
        assert {case.kind_of_page for case in unread} == {"robots-forbid.test", "robots-unreadable.test"}
        put_up(site, cases, second=True)
        site.addresses.update(private_addresses(cases))
        site.requests.clear()
        targets = [
            Target(url, one.etag, one.last_modified, one.final_url)
            for url, one in first.items()
            if url in urls
        ]
        second = asyncio.run(_look(site, targets))

    assert second.keys() == urls.keys()
    wrong = [
        (case.kind_of_page, case.path, case.found, second[url])
        for url, case in urls.items()
        if not _is_right(case, first[url], second[url])
    ]
    assert wrong == []
    assert all(one.reason for one in second.values() if one.outcome not in (Outcome.OK, Outcome.UNCHANGED))
    assert not [one for one in site.requests if not one.host.endswith(".test")]
    # These two are still answering when whoever asked has given up.
    busiest = [count for host, count in site.busiest.items() if host not in ("slow.test", "endless.test")]
    assert max(busiest) <= LIMITS.per_host


def _is_right(case: Case, first: PageLook, second: PageLook) -> bool:
    return (
        _found(first, second) is case.found
        and (case.kind is None or second.kind is case.kind)
        and (case.refusal is None or second.refusal is case.refusal)
        and (not case.moved_for_good or second.moved_for_good)
    )
