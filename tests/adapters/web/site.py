"""A web site on this machine: any number of host names, answers as bytes, and a count of who asked for what.

It speaks HTTP/1.1 by hand, since most of what it has to say no decent server says.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from reconciler.adapters.web.guarded_network import Resolver
from reconciler.core.sources.addresses import allowed

HERE = allowed(("127.0.0.0/8",))  # where the site is


class Asked(NamedTuple):
    host: str
    path: str
    headers: Mapping[str, str]


Send = Callable[[bytes], Awaitable[None]]
Answer = Callable[[Asked, Send], Awaitable[None]]  # returns when the connection is to be closed


def plain(
    body: bytes | str, status: str = "200 OK", media_type: str = "text/html; charset=utf-8", **headers: str
) -> Answer:
    """A whole answer. Names of headers are written with `_` for `-`."""
    content = body.encode() if isinstance(body, str) else body
    told = {"Content-Type": media_type, "Content-Length": str(len(content)), "Connection": "close"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items() if value)

    async def answer(asked: Asked, send: Send) -> None:
        await send(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + content)

    return answer


def moved(to: str, status: str = "301 Moved Permanently", **headers: str) -> Answer:
    return plain("", status, Location=to, **headers)


_NOT_HERE = plain("not here", "404 Not Found")


class Site:
    """`pages` by host and path; a host without the path answers 404. `requests` in the order that they came in."""

    def __init__(self) -> None:
        self.pages: dict[tuple[str, str], Answer] = {}
        self.requests: list[Asked] = []
        self.addresses: dict[str, Sequence[str]] = {}  # of names; this machine for all others
        self.port = 0
        self.busy: Counter[str] = Counter()
        self.busiest: Counter[str] = Counter()  # most requests at one time, by host

    def url(self, host: str, path: str) -> str:
        return f"http://{host}:{self.port}{path}"

    @property
    def resolver(self) -> Resolver:
        async def resolve(host: str, port: int) -> Sequence[str]:
            return self.addresses.get(host, ("127.0.0.1",))

        return resolve

    def asked(self, host: str) -> list[str]:
        return [one.path for one in self.requests if one.host == host]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines if line)
            }
            host = headers.get("host", "").rpartition(":")[0]
            asked = Asked(host, first.split(" ")[1], headers)
            self.requests.append(asked)
            self.busy[host] += 1
            self.busiest[host] = max(self.busiest[host], self.busy[host])

            async def send(data: bytes) -> None:
                writer.write(data)
                await writer.drain()

            try:
                await self.pages.get((host, asked.path), _NOT_HERE)(asked, send)
            finally:
                self.busy[host] -= 1
        except (OSError, asyncio.IncompleteReadError):
            return  # whoever asked is gone, as is wanted of them here and there
        finally:
            writer.close()

    async def _run(self, ready: threading.Event, stop: asyncio.Event) -> None:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512) as server:
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await stop.wait()


@contextmanager
def running() -> Iterator[Site]:
    """A site in a thread of its own."""
    site, ready = Site(), threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def serve() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(site._run(ready, stop))

    thread = threading.Thread(target=serve)
    thread.start()
    ready.wait(10)
    try:
        yield site
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
