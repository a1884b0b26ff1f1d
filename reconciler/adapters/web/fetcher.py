"""Looks at pages: at many at once, at few of one host, and at none that it may not.

Whoever asks gets the looks as they are done, in any order. Nothing is raised for what a page or its host does: that is
what a look is for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack

from reconciler.adapters.web.agent import user_agent
from reconciler.adapters.web.exchange import Exchanges
from reconciler.adapters.web.extraction import Readers, require_libraries
from reconciler.adapters.web.guarded_network import Resolver, system_resolver
from reconciler.adapters.web.limits import LIMITS, Limits
from reconciler.adapters.web.one_page import OnePage
from reconciler.adapters.web.pace import Pace
from reconciler.adapters.web.robots import Robots
from reconciler.adapters.web.web_address import parse
from reconciler.core.sources.addresses import PUBLIC_ONLY, Allowed, plain_host
from reconciler.core.sources.look import Outcome, PageLook, Target


async def look(
    targets: Iterable[Target],
    *,
    limits: Limits = LIMITS,
    allowed: Allowed = PUBLIC_ONLY,
    resolver: Resolver = system_resolver,
) -> AsyncGenerator[PageLook]:
    """One look for each different target, as they are done. Close it (`contextlib.aclosing`) if you leave early.

    Raises `InvalidInput` where libraries are missing, `PlatformError` for a proxy or certificates that cannot be used.
    """
    require_libraries()
    wanted = list(dict.fromkeys(targets))
    async with AsyncExitStack() as stack:
        exchanges = await stack.enter_async_context(Exchanges(limits, allowed, resolver, user_agent()))
        readers = await stack.enter_async_context(Readers(limits))
        pace = Pace(limits)
        robots = Robots(exchanges, pace, limits)
        stack.push_async_callback(robots.close)
        pages = OnePage(exchanges, readers, robots, pace, limits)
        done: asyncio.Queue[PageLook | Exception] = asyncio.Queue(limits.concurrency)
        deadline = asyncio.get_running_loop().time() + limits.everything
        workers = [
            asyncio.create_task(_work(waiting, pages, deadline, limits, done))
            for waiting in _by_host(wanted)
            for _ in range(min(limits.per_host, len(waiting)))
        ]
        stack.push_async_callback(_ended, workers)
        for _ in wanted:
            found = await done.get()
            if isinstance(found, Exception):
                raise found
            yield found


async def _work(
    waiting: deque[Target],
    pages: OnePage,
    deadline: float,
    limits: Limits,
    done: asyncio.Queue[PageLook | Exception],
) -> None:
    while waiting:
        target = waiting.popleft()
        found: PageLook | Exception
        try:
            async with asyncio.timeout_at(deadline):
                found = await pages.look(target)
        except TimeoutError:
            why = f"was not requested: checking all pages took longer than {limits.everything:g} s"
            found = PageLook(target.url, Outcome.UNKNOWN, why, final_url=target.url)
        except Exception as error:  # of ours, or a proxy that cannot be used: whoever asked is to know
            found = error
        await done.put(found)


def _by_host(targets: Iterable[Target]) -> list[deque[Target]]:
    """Targets that share a host wait for one another, and for nobody else."""
    hosts: dict[str, deque[Target]] = {}
    for target in targets:
        try:
            host = plain_host(parse(target.url).host)
        except ValueError:
            host = ""
        hosts.setdefault(host, deque()).append(target)
    return list(hosts.values())


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
