"""What the clients of the API share: an address, connections with the key, and pauses between tries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from types import TracebackType
from typing import ClassVar, Self

from reconciler.adapters.platform.endpoint import parse_endpoint
from reconciler.adapters.platform.exchange import MAX_BODY, Connections, Timeouts
from reconciler.core.platform.backoff import delays


class ApiClient:
    """An async context manager that closes its connections at the end.

    `random` gives the jitter of the pauses between tries, numbers in [0, 1); `concurrency` bounds the requests under
    way. Raises `InvalidInput` for an address or key that must not be used, `PlatformError` for a proxy or
    certificates that cannot be.
    """

    most: ClassVar[int] = MAX_BODY  # bytes that are read of an answer

    def __init__(
        self,
        api_url: str,
        api_key: str,
        *,
        random: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        concurrency: int = 8,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._endpoint = parse_endpoint(api_url)
        limits = timeouts or Timeouts()
        self._connections = Connections(self._endpoint, api_key, concurrency, limits, most=self.most)
        self._random = random
        self._sleep = sleep

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._endpoint.http()})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connections.close()

    def _pauses_between_tries(self) -> Iterator[float]:
        return delays(self._random, floor=0.1, first=0.5, ceiling=10.0)
