"""Connections to checked addresses alone: the one place where a name becomes an address and a socket.

A name is looked up once, every address it has is judged, and the connection goes to one of those that were judged. So
there is no moment between the check and the connection at which a name could change what it means. TLS and `Host` keep
the name, since the layers above know nothing of this.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from time import monotonic

import httpcore

from reconciler.core.sources.addresses import Address, Allowed, plain_host, spelled_address

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]  # host and port to addresses; raises `OSError`
_MOST_TRIED = 4  # addresses of one name


class NotPublic(Exception):
    """The connection would go to an address that is not public; its text is the end of a sentence."""


async def system_resolver(host: str, port: int) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def checked_addresses(host: str, port: int, allowed: Allowed, resolver: Resolver) -> list[Address]:
    """The addresses of a host, each of which may be connected to.

    One that may not is enough to refuse: a name with a public and a private address is a trap, or a mistake that
    nobody wants to be found by chance. Raises `NotPublic`, `OSError` where a name cannot be resolved, `ValueError`
    for a number that is no address.
    """
    spelled = spelled_address(host)
    if spelled is not None:
        found: Iterable[Address] = [spelled]
    else:
        texts = await resolver(plain_host(host), port)
        found = [ipaddress.ip_address(text.partition("%")[0]) for text in texts]
    addresses = list(found)
    for address in addresses:
        if not allowed.lets(host, address):
            at = "" if spelled is not None and str(spelled) == plain_host(host) else f" ({address})"
            raise NotPublic(f"{plain_host(host)}{at} is not a public address")
    if not addresses:
        raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
    return addresses


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """What a connection pool opens its connections with."""

    def __init__(self, allowed: Allowed, resolver: Resolver) -> None:
        self._allowed, self._resolver = allowed, resolver
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        end = monotonic() + (timeout or 10.0)
        try:
            async with asyncio.timeout(timeout):
                addresses = await checked_addresses(host, port, self._allowed, self._resolver)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("the host name was not resolved in time") from error
        except (OSError, ValueError) as error:  # a name that cannot be encoded is a ValueError
            raise httpcore.ConnectError(str(error)) from error
        tried = addresses[:_MOST_TRIED]
        for index, address in enumerate(tried):
            left = max(0.1, (end - monotonic()) / (len(tried) - index))
            try:
                return await self._inner.connect_tcp(str(address), port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if index == len(tried) - 1:
                    raise
        raise AssertionError("there is at least one address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise NotPublic("a local socket is not a public address")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
