"""Takes the main text out of pages, in processes that may fail: the side that asks.

A process that takes too long, dies or talks nonsense is ended and made anew; the page it had is reported as unreadable.
It gets nothing of our environment but what Python needs to find its libraries, so no key can be in it.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import reconciler
from reconciler.adapters.system.own_python import own_python
from reconciler.adapters.web.limits import Limits
from reconciler.adapters.web.page_text import Read
from reconciler.adapters.web.reading_process import ANSWER, FRAME
from reconciler.core.errors import InvalidInput

_KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "PYTHONHOME",
    "PYTHONPATH",
    "SYSTEMROOT",
    "TMPDIR",
)
_START_UP = 60.0  # seconds until the libraries are imported, on a machine that is busy
_PAGES = 500  # read by one process before it is made anew
_NEEDED = ("h2", "protego", "trafilatura")


class Unreadable(Exception):
    """The text could not be taken out; its text is the end of a sentence."""


def require_libraries() -> None:
    """Raises `InvalidInput` with the command that installs what is missing."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise InvalidInput(
            f"reading pages needs {' and '.join(missing)}, not installed here",
            hint="run `pip install h2 lxml_html_clean protego trafilatura` in the environment that reconcile runs in",
        )


class Readers:
    """As many processes as the limits say, started when needed. An async context manager, which ends them all."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._turns = asyncio.Semaphore(limits.readers)
        self._idle: list[_Reader] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for reader in self._idle:
            await reader.end()

    async def read(self, body: bytes, media_type: str, charset: str) -> Read:
        """Raises `Unreadable`."""
        async with self._reader() as reader:
            return await reader.read(body, media_type, charset)

    @asynccontextmanager
    async def _reader(self) -> AsyncIterator[_Reader]:
        async with self._turns:
            reader = self._idle.pop() if self._idle else await _Reader.start(self._limits)
            try:
                yield reader
            finally:
                if reader.usable:
                    self._idle.append(reader)
                else:
                    await reader.end()


class _Reader:
    def __init__(self, process: asyncio.subprocess.Process, limits: Limits) -> None:
        self._process, self._limits = process, limits
        self._pages = 0
        self._busy = False

    @classmethod
    async def start(cls, limits: Limits) -> _Reader:
        root = str(Path(reconciler.__file__).resolve().parent.parent)
        process = await asyncio.create_subprocess_exec(
            *own_python("reconciler.adapters.web.reading_process", "main"),
            str(limits.memory),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=root,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
        )
        reader = cls(process, limits)
        try:
            async with asyncio.timeout(_START_UP):
                await reader._answer()
        except (TimeoutError, EOFError, OSError, ValueError) as error:
            await reader.end()
            raise Unreadable("cannot be read: the process that reads pages does not start") from error
        except asyncio.CancelledError:
            await reader.end()
            raise
        return reader

    @property
    def usable(self) -> bool:
        """Not after an answer that never came: the next one would be taken for it."""
        return not self._busy and self._pages < _PAGES and self._process.returncode is None

    async def read(self, body: bytes, media_type: str, charset: str) -> Read:
        head = json.dumps(
            {"media_type": media_type, "charset": charset, "seconds": self._limits.read}
        ).encode()
        self._busy = True
        self._pages += 1
        try:
            async with asyncio.timeout(self._limits.read):
                await self._send(FRAME.pack(len(head), len(body)) + head, body)
                answer = await self._answer()
        except TimeoutError as error:
            raise Unreadable(f"took longer than {self._limits.read:g} s to read") from error
        except (OSError, EOFError, ValueError) as error:
            raise Unreadable(
                "cannot be read: reading it takes too much memory, or breaks the parser"
            ) from error
        self._busy = False
        if "failed" in answer:
            raise Unreadable(f"cannot be read ({answer['failed']})")
        return Read(**answer)

    async def _send(self, *parts: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.writelines(parts)
        await self._process.stdin.drain()

    async def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        (length,) = ANSWER.unpack(await self._process.stdout.readexactly(ANSWER.size))
        answer: dict[str, Any] = json.loads(await self._process.stdout.readexactly(length))
        return answer

    async def end(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
