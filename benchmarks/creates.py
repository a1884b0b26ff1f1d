"""1,000 create calls, 8 at a time, against a platform that takes 100 ms for each: how near to the ideal 12.5 s.

What is above the ideal is the client's own work between calls; the platform is a process of its own.
"""

from __future__ import annotations

import asyncio
import random
import time

from benchmarks.far_platform import KEY, platform
from benchmarks.yardstick import pace
from reconciler.adapters.platform.client import PlatformClient
from reconciler.core.engine.spec import Source, Spec
from reconciler.core.platform.job import Accepted

CALLS = 1_000
AT_ONCE = 8
LATENCY = 0.1
TARGET = 1.10


async def create_all(url: str, calls: int = CALLS, at_once: int = AT_ONCE) -> float:
    """Seconds for all calls, each by one of `at_once` workers."""
    numbers = iter(range(calls))
    spec = Spec("Acme", "A benchmark", ("de", "fr", "ja"), (Source("content", "Formal tone. " * 80),))
    async with PlatformClient(url, KEY, random=random.random, concurrency=at_once) as client:

        async def worker() -> None:
            for number in numbers:
                answer = await client.create(f"operation-{number:05}", spec, None)
                if not isinstance(answer, Accepted):
                    raise RuntimeError(f"a create call failed: {answer}")

        start = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(at_once)))
        return time.perf_counter() - start


def main() -> None:
    with platform(latency=LATENCY, job_seconds=3600) as url:
        cpu = time.process_time()
        seconds = asyncio.run(create_all(url))
        cpu = time.process_time() - cpu
    ideal = CALLS / AT_ONCE * LATENCY
    verdict = "ok" if seconds <= TARGET * ideal else "MISSED"
    print(
        f"| {CALLS:,} creates, {AT_ONCE} at a time, {LATENCY * 1000:.0f} ms each "
        f"| {seconds:.2f} s, {seconds / ideal:.3f} x ideal, client CPU {cpu:.2f} s "
        f"| ideal {ideal:.1f} s, yardstick {pace():.2f} s | <= {TARGET:.2f} x ideal | {verdict} |"
    )


if __name__ == "__main__":
    main()
