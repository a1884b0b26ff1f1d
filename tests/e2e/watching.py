"""`reconcile watch` as a process, and what it says."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from tests import plain_http
from tests.e2e.far_ends import LIMIT, Process, Project, start_cold, wait_until

Event = dict[str, Any]


class Watch:
    """One replica. `events` are its log lines, in order; `url` is where its pages are."""

    def __init__(
        self,
        project: Project,
        *words: str,
        program: str = "reconciler",
        env: Mapping[str, str | None] | None = None,
    ) -> None:
        self.project = project
        self.events: list[Event] = []
        self.url = ""
        read, write = os.pipe()
        command = ("watch", "--log-format", "json", "--listen", "127.0.0.1:0", "--interval", "1s", *words)
        variables = project.environment(**(env or {}))
        self.process: Process = start_cold(
            command, variables, program, cwd=project.root, stdout=subprocess.DEVNULL, stderr=write
        )
        os.close(write)
        self._reader = threading.Thread(target=self._read, args=(read,), daemon=True)
        self._reader.start()

    def _read(self, descriptor: int) -> None:
        with open(descriptor, encoding="utf-8") as stream:
            for line in stream:
                event = json.loads(line)
                self.url = event.get("url", self.url)
                self.events.append(event)

    def listening(self) -> Watch:
        wait_until(lambda: self.url or self.process.poll() is not None, "the watch listens")
        assert self.process.poll() is None, self.events
        return self

    def said(self, event: str, **fields: Any) -> list[Event]:
        return [one for one in self.events if one["event"] == event and fields.items() <= one.items()]

    def until(self, event: str, *, times: int = 1, **fields: Any) -> Event:
        """The last of so many events; waits for it."""
        wait_until(
            lambda: len(self.said(event, **fields)) >= times or self.process.poll() is not None,
            f"{times} times {event} {fields}",
        )
        found = self.said(event, **fields)
        assert len(found) >= times, self.events
        return found[times - 1]

    def get(self, path: str) -> tuple[int, str]:
        answer = plain_http.get(self.url + path)
        return answer.status_code, answer.text

    def post(self, path: str, body: bytes, **headers: str) -> tuple[int, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = plain_http.post(self.url + path, content=body, headers=named)
        return answer.status_code, answer.text

    def runs_until(self, words: str) -> None:
        """Until a run has said this."""
        wait_until(lambda: any(words in one["line"] for one in self.said("run")), words)

    def metric(self, name: str) -> float | None:
        """The value of a sample, with its labels; None where there is none."""
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.get("/metrics")[1], re.MULTILINE)
        return float(found[1]) if found else None

    def passes(self, looks: float) -> None:
        """Until it has looked so often."""
        wait_until(lambda: (self.metric("reconcile_watch_looks_total") or 0.0) >= looks, f"{looks} looks")

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(LIMIT)
        self._reader.join(LIMIT)
        self.project.check_text(json.dumps(self.events))
        return code

    def kill(self) -> None:
        """As a pod is killed: the watch, and what it has started."""
        for pid in [*children_of(self.process.pid), self.process.pid]:
            with suppress(ProcessLookupError):  # it has ended since it was listed
                os.kill(pid, signal.SIGKILL)
        self.process.wait(LIMIT)


def children_of(pid: int) -> list[int]:
    """All that this process has started, and what that has."""
    asked = ["ps", "-o", "pid=", "--ppid", str(pid)]
    listed = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    return [one for each in map(int, listed) for one in (each, *children_of(each))]


@contextmanager
def watching(project: Project, *words: str, **env: str | None) -> Iterator[Watch]:
    watch = Watch(project, *words, env=env)
    try:
        yield watch.listening()
        if watch.process.poll() is None:
            assert watch.end() == 0, watch.events
    finally:
        if watch.process.poll() is None:
            watch.kill()
