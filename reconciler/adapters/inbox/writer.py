"""Writing to an inbox from an event loop: one thread, and one commit for all deliveries that wait for it.

While the disk takes a commit, new deliveries gather; the next commit takes them all. So a lone delivery waits for one
fsync, and ten thousand a second wait for a few hundred. The thread is given all that one turn of the loop brought at
once; otherwise it would begin with the first, and the rest would wait for a second fsync.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from reconciler.adapters.inbox.port import Row, Store, Table
from reconciler.core.errors import ReconcileError, StorageError

MAX_WAITING = 8192  # deliveries in memory; more are refused, and their sender tries again
MAX_CALLS = 256  # the same, of everything else: each has a commit of its own
_BATCH = 1024
_Value = TypeVar("_Value")


_Call = tuple[Callable[[Table], Any], "asyncio.Future[Any]"]
_Store = tuple[Row, "asyncio.Future[bool]"]


class InboxWriter:
    """Belongs to one running event loop, whose methods they are to be called from. Raises as `Store.table`
    does."""

    def __init__(self, store: Store) -> None:
        self._loop = asyncio.get_running_loop()
        self._table = store.table()
        self._waiting = 0
        self._calls = 0
        self._gathered: list[_Store] = []
        self._queue: queue.SimpleQueue[list[_Store] | _Call | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="inbox writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Deliveries that are not yet on disk."""
        return self._waiting

    def store(self, row: Row) -> asyncio.Future[bool]:
        """Done once the row is on disk: True, or False for one that was there already, by its webhook-id or by its job
        and type. Ends with `StorageError` when the disk refuses, or when too many wait."""
        future: asyncio.Future[bool] = self._loop.create_future()
        if self._waiting >= MAX_WAITING:
            future.set_exception(StorageError("the inbox cannot keep up"))
            return future
        self._waiting += 1
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        self._gathered.append((row, future))
        return future

    def call(self, work: Callable[[Table], _Value]) -> asyncio.Future[_Value]:
        """What `work` returns, done by the writing thread. Ends with `StorageError`, as `store`."""
        future: asyncio.Future[_Value] = self._loop.create_future()
        if self._calls >= MAX_CALLS:
            future.set_exception(StorageError("the inbox cannot keep up"))
            return future
        self._calls += 1
        self._hand_over()
        self._queue.put((work, future))
        return future

    async def close(self) -> None:
        """Returns when everything that was given is on disk."""
        self._hand_over()
        self._queue.put(None)
        await self._loop.run_in_executor(None, self._thread.join)
        self._table.close()

    def _hand_over(self) -> None:
        if self._gathered:
            self._queue.put(self._gathered)
            self._gathered = []

    def _run(self) -> None:
        closing = False
        while not closing:
            stores, calls = list[_Store](), list[_Call]()
            given = self._queue.get()
            while True:
                if given is None:
                    closing = True
                elif isinstance(given, list):
                    stores += given
                else:
                    calls.append(given)
                if len(stores) >= _BATCH or self._queue.empty():
                    break
                given = self._queue.get()
            self._store_all(stores)
            for call in calls:
                self._call(call)

    def _store_all(self, stores: Sequence[_Store]) -> None:
        if not stores:
            return
        rows = [row for row, _ in stores]
        futures = [future for _, future in stores]
        try:
            new: list[bool] | StorageError = self._table.insert(rows)
        except Exception as error:  # whatever it is, the thread lives on and its callers hear
            new = _refusal(error)
        self._loop.call_soon_threadsafe(self._stored, futures, new)

    def _stored(self, futures: list[asyncio.Future[bool]], new: list[bool] | StorageError) -> None:
        self._waiting -= len(futures)
        if isinstance(new, StorageError):
            for future in futures:
                _fail(future, new)
            return
        for future, fresh in zip(futures, new, strict=True):
            if not future.done():
                future.set_result(fresh)

    def _call(self, call: _Call) -> None:
        work, future = call
        try:
            value = work(self._table)
        except Exception as error:  # as above
            self._loop.call_soon_threadsafe(self._called, future, None, _refusal(error))
        else:
            self._loop.call_soon_threadsafe(self._called, future, value, None)

    def _called(self, future: asyncio.Future[Any], value: Any, error: StorageError | None) -> None:
        self._calls -= 1
        if error is not None:
            _fail(future, error)
        elif not future.done():
            future.set_result(value)


def _refusal(error: Exception) -> StorageError:
    """The same as an error that callers expect; a file that is no inbox any longer is one of the disk as well."""
    if isinstance(error, StorageError):
        return error
    if isinstance(error, ReconcileError):
        return StorageError(error.message, hint=error.hint)
    return StorageError(f"cannot write the inbox: {type(error).__name__}")


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
