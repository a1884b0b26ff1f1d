"""The receiver as a process of its own, and what its log and the system tell of it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.adapters.receiving import LIMIT, SECRET, TOKEN, Receiving, wait_until

ROOT = Path(__file__).parents[2]


class Served(Receiving):
    """A process, and its log as a file."""

    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        return (self.inbox.parent / "log").read_text()

    def logged(self, event: str) -> list[dict[str, Any]]:
        return [line for line in map(json.loads, self.log.splitlines()) if line["event"] == event]

    def memory(self) -> int:
        """The most that it ever had, in KB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+)", status)
        assert found is not None
        return int(found[1])

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(LIMIT)


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "reconciler", "webhook", "serve", *words]


def variables(**more: str) -> dict[str, str]:
    known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    return known | {"LINGO_WEBHOOK_SECRET": SECRET, "RECONCILE_INBOX_TOKEN": TOKEN} | more


@contextmanager
def serving(folder: Path, *words: str, **env: str) -> Iterator[Served]:
    served = Served("", folder / "inbox.db")
    known = ("--listen", "127.0.0.1:0", "--inbox", "inbox.db", "--log-format", "json", "--log-level", "debug")
    with (folder / "log").open("wb") as log:
        served.process = subprocess.Popen(
            command("-C", str(folder), *known, *words), env=variables(**env), stderr=log, stdout=log, cwd=ROOT
        )
    try:
        wait_until(lambda: '"listening"' in served.log or served.process.poll() is not None, "it listens")
        assert served.process.poll() is None, served.log
        served.url = served.logged("listening")[0]["url"]
        yield served
        if served.process.poll() is None:
            assert served.end() == 0
    finally:
        if served.process.poll() is None:
            served.process.kill()
            served.process.wait()
    for hidden in (SECRET, SECRET.removeprefix("whsec_"), TOKEN):
        assert hidden not in served.log
    assert "Traceback" not in served.log
    assert served.logged("ended")
