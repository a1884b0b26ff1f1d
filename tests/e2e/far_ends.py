"""What the end-to-end tests work with: a project in a folder, the command as a process, and a sandbox platform.

Every run is looked at for what must never be: a traceback, an exit code nobody documented, the API key in any output.
At the end of a test the key is looked for in every file that the project's folder holds, `.git` included.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from tests.app.git_repo import SYSTEM_CONFIG
from tests.e2e.warm_start import WarmProcess, WarmStart

KEY = "lk_Q7vXn2ErT9wZ4mB8cLp3"  # distinctive, so that a leak can be found
EXIT_CODES = {0, 1, 2, 3, 4, 5, 6, 7, 64, 130}  # 70 is a bug of ours
LIMIT = 100.0  # seconds for one command on a very busy machine; they take about half a one

LINK = "sources: [{type: link, payload: 'https://acme.example/brand'}]\n"  # with it a job takes its time
ENGINE = "name: {name}\nlocales: [de, fr]\n"


# What a warm start can be asked for. Variables that Python looks at when it starts are not among it.
_WARM_OPTIONS = {"cwd", "stdout", "stderr"}
_STARTING = re.compile("PYTHON|LANG|LC_")

Process = subprocess.Popen[bytes] | WarmProcess

_started: list[Process] = []


def end_what_runs() -> None:
    """Kills what a failed test left running, and closes its pipes."""
    while _started:
        process = _started.pop()
        if process.poll() is None:
            process.kill()
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def wait_until(holds: Callable[[], object], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"did not come about in time: {what}"
        time.sleep(0.01)


@dataclass(frozen=True)
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def ended(self, code: int, *said: str) -> Ran:
        """It ended with this code, and said all this on one stream or the other."""
        assert self.code == code, f"{self.code} instead of {code}\n{self.out}\n{self.err}"
        for words in said:
            assert words in self.out + self.err, f"{words!r} is not in\n{self.out}\n{self.err}"
        return self


class Project:
    """A folder with engine files, and the command run in it. `url` is the platform's address."""

    warm: ClassVar[WarmStart | None] = None

    def __init__(self, root: Path, url: str | None = None, key: str | None = KEY) -> None:
        self.root = root
        self.url = url
        self.key = key
        root.mkdir(parents=True, exist_ok=True)

    # ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def engine(self, key: str, content: str | None = None, *, running: bool = False) -> Path:
        """Writes an engine file; `running` gives it a source, so that its job takes a while."""
        file = self.root / "engines" / f"{key}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text((content or ENGINE.format(name=key)) + (LINK if running else ""), encoding="utf-8")
        return file

    @property
    def lockfile(self) -> Path:
        return self.root / "engines.lock.json"

    @property
    def lock(self) -> Any:
        return json.loads(self.lockfile.read_text(encoding="utf-8"))

    def entry(self, key: str) -> Any:
        return self.lock["engines"][key]

    @property
    def private(self) -> Path:
        git = self.root / ".git"
        return git / "reconcile" if git.exists() else self.root / ".reconcile"

    @property
    def journal(self) -> Path:
        return self.private / "journal.jsonl"

    def records(self) -> list[str]:
        """What the journal records, in order: `begin`, `accepted`, …; empty when there is no journal."""
        if not self.journal.exists():
            return []
        return [
            json.loads(line)["type"]
            for line in self.journal.read_text().splitlines(keepends=True)
            if line.endswith("\n")
        ]

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *who, *arguments], cwd=self.root, env=self.environment(), capture_output=True, check=True
        )
        return done.stdout.decode()

    def commit(self, message: str = "Change") -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", message)

    def snapshot(self) -> dict[str, tuple[int, bytes]]:
        """Every file with its time of change and content, the private folder included."""
        files = (path for path in self.root.rglob("*") if path.is_file())
        return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    # ── the command ────────────────────────────────────────────────────────────────────────────────────────────────

    def environment(self, **more: str | None) -> dict[str, str]:
        base: dict[str, str | None] = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root.parent),
            "LANG": "C.UTF-8",
            "GIT_CONFIG_SYSTEM": SYSTEM_CONFIG,
            "LINGO_API_URL": self.url,
            "LINGO_API_KEY": self.key,
        }
        return {name: value for name, value in (base | more).items() if value is not None}

    def start(self, *arguments: str, env: Mapping[str, str | None] | None = None, **options: Any) -> Process:
        """Warm, unless options ask for a process of another kind, or variables are for Python itself."""
        more, settings = env or {}, {"cwd": self.root} | options
        variables = self.environment(**more)
        starting = any(_STARTING.match(name) for name in more)
        if self.warm is None or starting or not settings.keys() <= _WARM_OPTIONS:
            return start_cold(arguments, variables, **settings)
        process = self.warm.start(arguments, variables, **settings)
        _started.append(process)
        return process

    def run(self, *arguments: str, env: Mapping[str, str | None] | None = None, **options: Any) -> Ran:
        return self.finish(self.start(*arguments, env=env, **options))

    def finish(self, process: Process, *, killed: bool = False) -> Ran:
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        ran = Ran(process.wait(), (out or b"").decode(), (err or b"").decode())
        assert killed or ran.code in EXIT_CODES, f"{ran.code}\n{ran.out}\n{ran.err}"
        self.check_text(ran.out + ran.err)
        return ran

    def check_text(self, text: str) -> None:
        assert "Traceback" not in text, text
        assert "bug in reconcile" not in text, text
        if self.key is not None and len(self.key.strip()) > 8:
            assert self.key.strip() not in text

    def apply(self, *arguments: str) -> Ran:
        return self.run("apply", "--yes", *arguments)

    def check_no_key_left(self) -> None:
        for path in self.root.rglob("*"):
            if path.is_file():
                assert KEY.encode() not in path.read_bytes(), path


def start_cold(
    arguments: Sequence[str], env: Mapping[str, str], program: str = "reconciler", **options: Any
) -> subprocess.Popen[bytes]:
    """As users start the command: Python, and then it."""
    settings: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
    }
    command = [sys.executable, "-m", program, *arguments]
    process = subprocess.Popen(command, env=env, **(settings | options))
    _started.append(process)
    return process


def interrupt(process: Process, number: int = signal.SIGINT) -> float:
    """Sends the signal and returns when it was."""
    process.send_signal(number)
    return time.monotonic()


class Terminal:
    """The command on a terminal of its own, as a person has it."""

    def __init__(self, project: Project, *arguments: str, **env: str | None) -> None:
        self._project = project
        self._master, slave = pty.openpty()
        self.process = project.start(
            *arguments,
            env={"TERM": "xterm-256color", "COLUMNS": "100"} | env,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.shown = ""
        self._bytes = b""

    def read(self, *, until: str | None = None) -> str:
        """Reads until the words stand there, or to the end."""
        end = time.monotonic() + LIMIT
        while until is None or until not in self.shown:
            assert time.monotonic() < end, f"{until!r} did not come:\n{self.shown}"
            if not select.select([self._master], [], [], 0.1)[0]:
                continue
            try:
                part = os.read(self._master, 65536)
            except OSError:  # the other end is closed
                part = b""
            if not part:
                assert until is None, f"{until!r} did not come:\n{self.shown}"
                break
            self._bytes += part
            self.shown = self._bytes.decode(errors="replace")
        return self.shown

    def say(self, words: str) -> None:
        os.write(self._master, words.encode())

    def end(self) -> int:
        """Reads to the end, and returns the exit code."""
        self.read()
        code = self.process.wait(LIMIT)
        self._project.check_text(self.shown)
        assert code in EXIT_CODES, f"{code}\n{self.shown}"
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)


@contextmanager
def terminal(project: Project, *arguments: str, **env: str | None) -> Iterator[Terminal]:
    opened = Terminal(project, *arguments, **env)
    try:
        yield opened
    finally:
        opened.close()
