"""How much of anything a look at pages may take: every wait and every size has an end."""

from __future__ import annotations

from reconciler.core.frozen import dataclass

_MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Times are in seconds, sizes in bytes."""

    concurrency: int = 32  # requests at one time, to all hosts together
    per_host: int = 2  # to one host
    pause: float = 0.2  # between the beginnings of two requests to one host
    longest_pause: float = 5.0  # of a `Crawl-delay` that robots.txt asks for; a longer one is shortened
    connect: float = 10.0
    silence: float = 10.0  # between two pieces of an answer
    page: float = 30.0  # one request, from connecting to the last byte
    everything: float = 900.0  # all pages together; those that are left are reported as unknown
    wait: float = 30.0  # the longest `Retry-After` that is waited for, once
    wire: int = 5 * _MB  # a body as it is sent
    body: int = 10 * _MB  # the same, decompressed
    redirects: int = 10
    robots: int = (
        512 * 1024
    )  # of robots.txt; what is longer is cut (RFC 9309 wants at least 500 KiB to be read)
    read: float = 20.0  # taking the text out of one page
    memory: int = 1024 * _MB  # of the process that does
    readers: int = 2  # such processes


LIMITS = Limits()
