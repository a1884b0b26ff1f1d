"""The command as processes that start warm: forked from one that has everything imported.

Most of what a short command costs is Python and its imports, and the tests start many hundreds. Each is a process of
its own all the same, with its own folder, environment and streams, that SIGKILL ends like any other. `Project.run`
starts like this where it can; `Project.start` never does, nor do tests with the fixture `cold`.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

from tests.e2e.far_ends import LIMIT, Project, Ran

PLACES = 4  # commands at once, in each process of tests
# What most commands need, down to what is imported late. Whatever is missing here a command imports by itself.
_IMPORTED = """
reconciler.cli.apply reconciler.cli.driving reconciler.cli.failures reconciler.cli.lease reconciler.cli.main
reconciler.cli.publishing reconciler.cli.resolve reconciler.cli.session reconciler.app.driver reconciler.app.leasing
reconciler.app.sharing reconciler.adapters.engine_files reconciler.adapters.engine_model
reconciler.adapters.engine_sources reconciler.adapters.event_stream reconciler.adapters.git_ledger
reconciler.adapters.github_runs reconciler.adapters.platform_http reconciler.adapters.progress_plain
reconciler.adapters.yaml_reader reconciler.render.json_view reconciler.render.outcome reconciler.render.outcome_json
reconciler.render.outcome_markdown reconciler.render.outcome_words reconciler.render.text
anyio concurrent.futures.thread encodings.idna h11 httpcore pydantic.plugin zoneinfo
"""
_SERVER = """
import gc, importlib, json, os, random, signal, sys
ends, names = json.loads(sys.argv[1]), sys.argv[2].split()
for name in names:
    importlib.import_module(name)
from reconciler.cli.main import entry
gc.collect()
gc.freeze()
for asked, answer in ends:
    if os.fork() == 0:
        break
else:
    for _ in ends:
        os.wait()
    os._exit(0)
for line in os.fdopen(asked):
    asked_for = json.loads(line)
    pid = os.fork()
    if pid == 0:
        signal.alarm(asked_for["limit"])
        os.chdir(asked_for["folder"])
        os.environ.clear()
        os.environ.update(asked_for["env"])
        for one in sum(ends, []):
            os.close(one)
        for number, name in enumerate((os.devnull, asked_for["out"], asked_for["err"])):
            opened = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            os.dup2(opened, number)
            os.close(opened)
        random.seed()
        sys.argv = ["reconcile", *asked_for["arguments"]]
        try:
            entry()
        except SystemExit as done:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(done.code)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(99)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.write(answer, f"{code}\\n".encode())
os._exit(0)
"""


class WarmStart:
    """As many commands at once as there are `places`; one more waits, unless it asks with `run_if_idle`."""

    def __init__(self, places: int) -> None:
        self._folder = TemporaryDirectory()
        pipes = [(*os.pipe(), *os.pipe()) for _ in range(places)]
        theirs = [(asked, answer) for asked, _, _, answer in pipes]
        self._server = subprocess.Popen(
            [sys.executable, "-c", _SERVER, json.dumps(theirs), _IMPORTED],
            cwd=Path(__file__).resolve().parents[2],
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
            pass_fds=[end for ends in theirs for end in ends],
        )
        self._places = []
        for asked, ask, told, answer in pipes:
            os.close(asked)
            os.close(answer)
            self._places.append((os.fdopen(ask, "wb", buffering=0), os.fdopen(told, "rb")))
        self._idle: queue.Queue[int] = queue.Queue()
        for number in range(places):
            self._idle.put(number)

    def __enter__(self) -> WarmStart:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for asks, told in self._places:
            asks.close()  # the end of its input is its end
            told.close()
        self._server.wait()
        self._folder.cleanup()

    def run(self, project: Project, *arguments: str, env: Mapping[str, str | None] | None = None) -> Ran:
        """As `Project.run`, but a command that was killed is no failure."""
        return self._run_at(self._idle.get(), project, arguments, env or {})

    def run_if_idle(self, project: Project, *arguments: str, env: Mapping[str, str | None]) -> Ran | None:
        """None where every place is taken."""
        try:
            number = self._idle.get_nowait()
        except queue.Empty:
            return None
        return self._run_at(number, project, arguments, env)

    def _run_at(
        self, number: int, project: Project, arguments: Sequence[str], env: Mapping[str, str | None]
    ) -> Ran:
        streams = {name: Path(self._folder.name) / f"{name}-{number}" for name in ("out", "err")}
        asked = {
            "arguments": arguments,
            "folder": str(project.root),
            "env": project.environment(**env),
            "limit": int(LIMIT),
        } | {name: str(file) for name, file in streams.items()}
        asks, told = self._places[number]
        try:
            asks.write(json.dumps(asked).encode() + b"\n")
            code = int(told.readline())
            ran = Ran(code, streams["out"].read_text(), streams["err"].read_text())
        finally:
            self._idle.put(number)
        project.check_text(ran.out + ran.err)
        return ran
