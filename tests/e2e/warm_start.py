"""The command as processes that start warm: forked from one that has everything imported (see `warm_server`).

Most of what a short command costs is Python and its imports, and the tests start many hundreds. Each is a process of
its own all the same, with its own folder, environment and streams, and signals reach it like any other. What is not
as users have it: the start of Python, /proc, which shows the arguments of the process that it was forked from, and its
very end, as Python does not take itself apart. Tests of those start cold, with the fixture `cold`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import IO

Stream = int | IO[bytes]


class WarmProcess:
    """Like a `subprocess.Popen`, as far as tests use one."""

    def __init__(self, connection: socket.socket, stdout: IO[bytes] | None, stderr: IO[bytes] | None) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self.returncode: int | None = None
        self._told = connection.makefile("rb", buffering=0)
        self.pid = int(self._told.readline())

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("reconcile", timeout or 0)
            self.returncode = int(self._told.readline())
            self._told.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it ended just now
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[bytes, bytes]:
        said = [b"", b""]

        def read(number: int, stream: IO[bytes]) -> None:
            with stream:
                said[number] = stream.read()

        streams = [(number, stream) for number, stream in enumerate((self.stdout, self.stderr)) if stream]
        readers = [threading.Thread(target=read, args=one, daemon=True) for one in streams]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join()
        return said[0], said[1]


class WarmStart:
    """Starts commands from a server of its own. Any number may run at once, and any thread may start one."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="warm-")
        self._address = str(Path(self._folder.name) / "server")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(self._address)
            listening.listen(64)
            self._server = subprocess.Popen(
                [sys.executable, "-m", "tests.e2e.warm_server", str(listening.fileno())],
                cwd=Path(__file__).resolve().parents[2],
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[listening.fileno()],
            )

    def __enter__(self) -> WarmStart:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.terminate()
        self._server.wait()
        self._folder.cleanup()

    def start(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        stdout: Stream = subprocess.PIPE,
        stderr: Stream = subprocess.PIPE,
    ) -> WarmProcess:
        """Standard input is empty. The streams are given as to `subprocess.Popen`."""
        with ExitStack() as ours:
            empty = os.open(os.devnull, os.O_RDWR)
            ours.callback(os.close, empty)
            given, kept = [empty], []
            for stream in (stdout, stderr):
                read = None
                if stream == subprocess.PIPE:
                    end, write = os.pipe()
                    ours.callback(os.close, write)
                    read, stream = os.fdopen(end, "rb"), write
                elif stream == subprocess.DEVNULL:
                    stream = empty
                given.append(stream if isinstance(stream, int) else stream.fileno())
                kept.append(read)
            asked = {"arguments": list(arguments), "env": dict(env), "folder": str(cwd)}
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(self._address)
                socket.send_fds(connection, [b"+"], given)
                connection.sendall(json.dumps(asked).encode())
                connection.shutdown(socket.SHUT_WR)
                return WarmProcess(connection, *kept)
