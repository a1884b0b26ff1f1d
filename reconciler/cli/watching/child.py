"""A run of `reconcile apply` as a process of its own: what it says is passed on, what it came to is read.

Nothing that a run leaves in memory stays, and a run that dies takes nobody along. It is in a session of its own, so
that Ctrl-C on the terminal is heard once, by the watch.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from reconciler.adapters.system.own_python import own_python
from reconciler.core.frozen import dataclass

_LINE = 1 << 16  # bytes of one line that is passed on
_REPORT = 1 << 14
_LAST_WORDS = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Ended:
    """`document` is the JSON that the run printed, if it did; `calls` is its requests by status."""

    code: int
    document: Mapping[str, Any] | None
    calls: Mapping[str, int]


class Child:
    """One run. `pid` is there once it was started."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], heard: Callable[[str], None]
    ) -> None:
        self._arguments = arguments
        self._environment = environment
        self._heard = heard
        self._process: asyncio.subprocess.Process | None = None
        self._interrupted = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def interrupt(self) -> None:
        """SIGTERM: it ends in order; at the second one at once."""
        self._interrupted = True
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def run(self) -> Ended:
        """To its end. Raises `OSError` where it cannot be started."""
        reading, writing = os.pipe()
        try:
            command = [*own_python("reconciler.cli.watched", "entry"), str(writing), *self._arguments]
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=(writing,),
                env=dict(self._environment),
                start_new_session=True,
                limit=_LINE,
            )
            os.close(writing)
            writing = -1
            if self._interrupted:  # while it was being started
                self.interrupt()
            streams = [asyncio.create_task(self._printed()), asyncio.create_task(self._pass_on())]
            code = await self._process.wait()
            await asyncio.wait(streams, timeout=_LAST_WORDS)  # something that it started may hold on to them
            printed = streams[0].result() if streams[0].done() else None
            for task in streams:
                task.cancel()
            return Ended(code, _json(printed or b""), _counts(_report(reading)))
        finally:
            os.close(reading)
            if writing >= 0:
                os.close(writing)
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()

    async def _printed(self) -> bytes | None:
        process = self._process
        assert process is not None and process.stdout is not None
        return await process.stdout.read()

    async def _pass_on(self) -> bytes | None:
        process = self._process
        assert process is not None and process.stderr is not None
        while True:
            try:
                line = await process.stderr.readline()
            except ValueError:  # longer than anything we say; what is left of it comes next
                continue
            if not line:
                return None
            if text := line.decode("utf-8", "replace").strip():
                self._heard(text)


def _report(descriptor: int) -> bytes:
    os.set_blocking(descriptor, False)
    try:
        return os.read(descriptor, _REPORT)
    except BlockingIOError:
        return b""


def _json(printed: bytes) -> Mapping[str, Any] | None:
    try:
        document = json.loads(printed)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _counts(report: bytes) -> Mapping[str, int]:
    document = _json(report)
    return {} if document is None else {str(name): int(count) for name, count in document.items()}
