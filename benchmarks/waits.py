"""1,000 jobs waited for at once: CPU time and peak memory of a process that does nothing else.

The jobs are made first, by this process; a process of its own then watches them all to their end, and its
whole cost is counted, starting and importing included. The baseline is the plainest loop over the same
library that could do the same, with none of our care.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from benchmarks.far_platform import KEY, platform
from benchmarks.yardstick import pace

JOBS = 1_000
JOB_SECONDS = 15.0
CPU_TARGET = 2.0
MEMORY_TARGET = 120.0  # MB
# Bytecode is cached, as in the other benchmarks (processes.py says why).
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


async def make_jobs(url: str, jobs: int) -> list[str]:
    from reconciler.adapters.platform.client import PlatformClient
    from reconciler.core.engine.spec import Source, Spec
    from reconciler.core.platform.job import Accepted

    spec = Spec("Acme", sources=(Source("content", "Formal tone."),))
    numbers = iter(range(jobs))
    made: list[str] = []
    async with PlatformClient(url, KEY, random=random.random) as client:

        async def worker() -> None:
            for number in numbers:
                answer = await client.create(f"operation-{number:05}", spec, None)
                if not isinstance(answer, Accepted):
                    raise RuntimeError(f"a create call failed: {answer}")
                made.append(answer.job_id)

        await asyncio.gather(*(worker() for _ in range(8)))
    return made


async def _ours(url: str, job_ids: list[str]) -> int:
    # As `cli/runs/drive.py` does; its module is not imported for that, because it brings the whole command along.
    gc.set_threshold(50_000, 20, 20)
    from reconciler.adapters.platform.event_stream import EventStream
    from reconciler.core.platform.job import News

    stream = EventStream(url, KEY, random=random.random)

    async def one(job_id: str) -> int:
        return sum([isinstance(news, News) and news.terminal async for news in stream.watch(job_id)])

    return sum(await asyncio.gather(*map(one, job_ids)))


async def _plain(url: str, job_ids: list[str]) -> int:
    from websockets.asyncio.client import connect

    handshakes = asyncio.Semaphore(64)

    async def messages(job_id: str) -> AsyncIterator[dict[str, Any]]:
        address = f"{url.replace('http', 'ws', 1)}/jobs/provisioning/{job_id}/ws"
        async with handshakes:
            connection = await connect(address, additional_headers={"X-API-Key": KEY}, open_timeout=60)
        async with connection:
            async for message in connection:
                yield json.loads(message)

    async def one(job_id: str) -> int:
        while True:
            async for message in messages(job_id):
                if message["type"] == "provisioning.snapshot" and message["status"] != "in_progress":
                    return 1
            await asyncio.sleep(0.6)

    return sum(await asyncio.gather(*map(one, job_ids)))


_CLIENTS: dict[str, Callable[[str, list[str]], Awaitable[int]]] = {"ours": _ours, "plain": _plain}


def client() -> None:
    """The process that is measured: `ours|plain URL`, job ids on stdin, its cost as JSON on stdout."""
    name, url = sys.argv[1:]
    job_ids = json.load(sys.stdin)

    async def run() -> int:
        return await _CLIENTS[name](url, job_ids)

    ended = asyncio.run(run())
    used = resource.getrusage(resource.RUSAGE_SELF)
    megabytes = used.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
    print(json.dumps({"ended": ended, "cpu": used.ru_utime + used.ru_stime, "megabytes": megabytes}))


def measure(name: str) -> dict[str, float]:
    with platform(job_seconds=JOB_SECONDS) as url:
        job_ids = asyncio.run(make_jobs(url, JOBS))
        done = subprocess.run(
            [sys.executable, "-c", "from benchmarks.waits import client; client()", name, url],
            input=json.dumps(job_ids),
            capture_output=True,
            text=True,
            check=True,
            env=_ENVIRONMENT,
        )
    cost: dict[str, float] = json.loads(done.stdout)
    if cost["ended"] != JOBS:
        raise RuntimeError(f"only {cost['ended']} of {JOBS} jobs were seen to end")
    return cost


def main() -> None:
    ours, baseline = measure("ours"), measure("plain")
    fits = ours["cpu"] <= CPU_TARGET and ours["megabytes"] <= MEMORY_TARGET
    print(
        f"| {JOBS:,} jobs waited for at once | {ours['cpu']:.2f} s CPU, {ours['megabytes']:.0f} MB "
        f"| plain websockets loop: {baseline['cpu']:.2f} s CPU, {baseline['megabytes']:.0f} MB, "
        f"yardstick {pace():.2f} s "
        f"| <= {CPU_TARGET:.0f} s, <= {MEMORY_TARGET:.0f} MB | {'ok' if fits else 'MISSED'} |"
    )


if __name__ == "__main__":
    main()
