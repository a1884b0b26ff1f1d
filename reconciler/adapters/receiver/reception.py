"""Who comes in at the receiver's socket: accepted, watched from then on, and shown out at the end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Coroutine

from reconciler.adapters.receiver.connection import Connection, Site

DRAIN = 10.0  # seconds for what is under way at the end
_GOODBYE = 5.0  # seconds for a peer to take the end of TLS
_AT_ONCE = (
    256  # connections; a turn of the loop takes long when many send, and the newest must not wait for many
)
_PAUSE = 0.2  # seconds after the system could not give us a connection


class Reception:
    """`run` takes connections until it is cancelled, `drain` then ends those that are there."""

    def __init__(self, listener: socket.socket, site: Site, tls: ssl.SSLContext | None) -> None:
        self._listener = listener
        self._site = site
        self._tls = tls

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        accepted = 0
        while True:
            try:
                peer, _ = await loop.sock_accept(self._listener)
            except OSError:  # it went away again, or the system has no more descriptors or memory
                await asyncio.sleep(_PAUSE)
                continue
            _Arrival(peer, self._site, self._tls)
            self._site.watch.make_room()
            accepted += 1
            if accepted % _AT_ONCE == 0:  # accepting does not wait while there is something to accept
                await asyncio.sleep(0)

    async def drain(self) -> None:
        """No new ones; returns when those that are there have their answers, or when their time is over."""
        self._listener.close()
        watch = self._site.watch
        for peer in watch.peers():
            peer.finish()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN):
                while watch:
                    await asyncio.sleep(0.02)
        for peer in watch.peers():
            peer.drop()
        await asyncio.sleep(0.02)


class _Arrival:
    """A connection until it can bring requests: over TLS, that is its handshake."""

    idle = False

    def __init__(self, peer: socket.socket, site: Site, tls: ssl.SSLContext | None) -> None:
        self._socket = peer
        self._site = site
        self._started = False
        site.watch.begin(self)
        self._opening = asyncio.get_running_loop().create_task(self._open(tls))

    async def _open(self, tls: ssl.SSLContext | None) -> None:
        self._started = True
        open_it = asyncio.get_running_loop().connect_accepted_socket
        try:
            if tls is None:
                await open_it(self._connection, self._socket)
            else:
                await open_it(
                    self._connection,
                    self._socket,
                    ssl=tls,
                    ssl_handshake_timeout=self._site.watch.limit,
                    ssl_shutdown_timeout=_GOODBYE,
                )
        except OSError:  # it went away, or does not speak TLS
            return
        finally:
            self._in()

    def _connection(self) -> Connection:
        return Connection(self._site, self._in)

    def _in(self) -> None:
        self._site.watch.end(self)

    def finish(self) -> None:
        self.drop()

    def drop(self) -> None:
        self._opening.cancel()
        if not self._started:
            self._socket.close()


async def beside(
    work: Callable[[], None], stop: asyncio.Event, *endless: Coroutine[None, None, None]
) -> None:
    """Does the work about once a second, and the endless things meanwhile, until `stop` is set. Raises what one of them
    has ended with, as none should."""
    tasks = [asyncio.get_running_loop().create_task(one) for one in endless]
    try:
        while not stop.is_set() and not any(task.done() for task in tasks):
            work()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await stop.wait()
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
