"""The loop of a watch: carries out what the machine commands, and tells it what came of it. It decides nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from reconciler.adapters.checkout.following import Moved
from reconciler.cli.watching.child import Child, Ended
from reconciler.cli.watching.metrics import Metrics
from reconciler.cli.watching.subject import Opening, Subject, renewed
from reconciler.cli.watching.telling import Teller
from reconciler.core.errors import ExitCode, ReconcileError
from reconciler.core.watch.machine import End, Held, Look, Machine, Run, Tips, Trouble, Verdict, Wait
from reconciler.core.watch.pushes import Followed, repository_in
from reconciler.core.watch.results import RunResult, result_of
from reconciler.core.watch.troubles import trouble_of

_END = 4.5  # seconds for git, after a signal
_KILL = 5.5  # seconds after which a run that was told to end is killed
_BEAT = 5.0  # seconds between two looks at a run that is in progress
_LONGEST_LOOK = 900.0  # seconds; git's own limits end it before
_LATE = 60.0  # seconds after which the loop counts as overdue
_CLEAN_EVERY = 200  # looks that moved the clone

Found = TypeVar("Found")
Arguments = Callable[[Run, Subject], tuple[list[str], dict[str, str]]]


class Loop:
    """`arguments` gives the command line and the environment of a run."""

    def __init__(
        self,
        machine: Machine,
        subject: Subject,
        opening: Opening,
        arguments: Arguments,
        metrics: Metrics,
        teller: Teller,
    ) -> None:
        self._machine = machine
        self._subject = subject
        self._opening = opening
        self._arguments = arguments
        self._metrics = metrics
        self._teller = teller
        self._wake = asyncio.Event()
        self._child: Child | None = None
        self._stopping: float | None = None
        self._due = time.monotonic() + _LONGEST_LOOK
        self._seen: Tips | None = None  # what the clone was brought to last
        self._lease: tuple[str, bytes] | None = None  # of the ledger's last commit
        self._read = False
        self._moves = 0

    # ── for signals and pages ──────────────────────────────────────────────────────────────────────────────────────

    def stop(self) -> None:
        """The first time everything ends in order, the second time at once."""
        if self._child is not None:
            self._child.interrupt()
        if self._stopping is not None:
            os._exit(ExitCode.INTERRUPTED)
        self._stopping = time.monotonic()
        self._teller.say("info", "ending")
        self._machine.stop()
        self._subject.follower.hurry(_END)
        self._wake.set()

    def nudge(self) -> None:
        self._machine.nudged(time.monotonic())
        self._wake.set()

    def late(self) -> float:
        """Seconds for which the loop is overdue; 0 or less where it is not."""
        return time.monotonic() - self._due

    def unready(self) -> str | None:
        if self._stopping is not None:
            return "shutting down"
        return None if self._read else "the branch has not been fetched and read yet"

    def followed(self) -> Followed:
        return Followed(self._subject.branch, repository_in(self._subject.address))

    # ── turns ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Until it is stopped."""
        while True:
            command = self._machine.next(time.monotonic())
            match command:
                case End():
                    return
                case Look():
                    self._due = time.monotonic() + _LONGEST_LOOK
                    await self._look()
                case Run():
                    await self._carry_out(command)
                case Wait(seconds):
                    self._due = time.monotonic() + seconds + _LATE
                    await self._wait(seconds)

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()

    async def _look(self) -> None:
        began = time.monotonic()
        found = await _in_thread(self._looked)
        if self._stopping is not None:
            return
        if isinstance(found, Trouble):
            self._metrics.failed(found.kind)
            self._machine.not_looked(time.monotonic(), found)
            self._seen = None
            self._tell_look(found)
            return
        self._metrics.look_done(time.monotonic() - began)
        self._have_looked(*found)

    def _have_looked(self, tips: Tips, held: Held | None, trouble: Trouble | None) -> None:
        self._machine.looked(time.monotonic(), tips, held, trouble)
        self._read = self._read or trouble is None
        if trouble is not None and trouble.kind != self._metrics.blocked:
            self._metrics.failed(trouble.kind)
        self._tell_look(trouble)

    def _tell_look(self, trouble: Trouble | None) -> None:
        retry = self._machine.next(time.monotonic())
        again = retry.seconds if isinstance(retry, Wait) and trouble and not trouble.needs_person else None
        self._teller.trouble(trouble, again)
        self._metrics.blocked = None if trouble is None else trouble.kind
        waits_for = self._machine.waits_for
        self._teller.waits_for(waits_for)
        self._metrics.standby = self._machine.standby or waits_for is not None

    def _looked(self) -> tuple[Tips, Held | None, Trouble | None]:
        """In a thread."""
        subject = self._subject
        found = subject.follower.fetch(subject.ledger)
        tips = Tips(found[subject.follower.ref], found.get(subject.ledger or ""))
        trouble = self._machine.trouble
        if self._seen is None or tips.branch != self._seen.branch or trouble is not None:
            trouble = self._brought(tips)
        self._seen = tips if trouble is None else None
        return tips, self._held(tips.ledger), trouble

    def _brought(self, tips: Tips) -> Trouble | None:
        """The clone at the branch's tip, and the project as it is there; or what is in the way."""
        moved = self._subject.follower.move_to(tips.branch)
        if isinstance(moved, Trouble):
            return moved
        if moved.before != moved.now:
            self._tell_moved(moved)
        if moved.before != moved.now or self._subject.trouble is not None or not self._read:
            self._subject = renewed(self._subject, self._opening)
        return self._subject.trouble

    def _tell_moved(self, moved: Moved) -> None:
        self._metrics.moves += 1
        self._metrics.forced += moved.forced
        branch = self._subject.branch
        if moved.forced:
            self._teller.say(
                "warning", "branch was rewritten", branch=branch, before=moved.before, now=moved.now
            )
        else:
            self._teller.say("info", "moved", branch=branch, before=moved.before, now=moved.now)
        self._moves += 1
        if self._moves % _CLEAN_EVERY == 1:
            try:
                self._subject.follower.clean_up()
            except ReconcileError as error:
                self._teller.say("warning", "git gc failed", why=error.message)

    def _held(self, ledger: str | None) -> Held | None:
        if ledger is None:
            return None
        if self._lease is None or self._lease[0] != ledger:
            self._lease = ledger, self._subject.lease_at(ledger)
        return self._subject.held(self._lease[1])

    # ── runs ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _carry_out(self, run: Run) -> None:
        self._due = time.monotonic() + _LONGEST_LOOK
        tips = self._machine.tips
        trouble = None if tips is None else await _in_thread(lambda: self._brought(tips))
        if self._stopping is not None:
            return
        if trouble is not None and tips is not None:
            self._have_looked(tips, self._machine.held, trouble)
            return
        began = time.monotonic()
        self._teller.run_begins()
        self._child = Child(*self._arguments(run, self._subject), self._teller.heard)
        self._metrics.running = True
        try:
            ended = await self._watched(self._child)
        except OSError as error:
            result = RunResult(
                Verdict.RETRY, -1, trouble=Trouble("start", f"no run can be started: {error.strerror}")
            )
            ended = Ended(result.code, None, {})
        else:
            result = result_of(ended.code, ended.document)
        finally:
            self._child = None
            self._metrics.running = self._metrics.lease_held = False
        self._take(run, result, ended, time.monotonic() - began)

    def _take(self, run: Run, result: RunResult, ended: Ended, seconds: float) -> None:
        if self._stopping is not None and result.code in (ExitCode.INTERRUPTED, -signal.SIGTERM):
            result = result._replace(trouble=None)  # it was told to end
        self._metrics.run_done(result, seconds, ended.calls, refresh=run.refresh)
        self._machine.ran(time.monotonic(), run, result.verdict, acted=result.acted)
        self._metrics.standby = self._machine.standby
        self._teller.result(result, refresh=run.refresh, seconds=seconds)

    async def _watched(self, child: Child) -> Ended:
        """The run to its end; meanwhile the loop is alive, and after a signal it is not waited for long."""
        task = asyncio.create_task(child.run())
        while not task.done():
            self._due = time.monotonic() + _LATE
            await asyncio.wait([task], timeout=self._patience())
            if self._stopping is not None and time.monotonic() >= self._stopping + _KILL:
                child.kill()
            elif not task.done() and self._stopping is None and child.pid is not None:
                await self._see_lease(child.pid)
        return task.result()

    def _patience(self) -> float:
        if self._stopping is None:
            return _BEAT
        return max(0.1, min(1.0, self._stopping + _KILL - time.monotonic()))

    async def _see_lease(self, pid: int) -> None:
        with suppress(ReconcileError):
            holder = await asyncio.to_thread(self._subject.holder_pid)
            self._metrics.lease_held = holder == pid


async def _in_thread(work: Callable[[], Found]) -> Found | Trouble:
    """What the work comes to, or why it does not. A bug of ours is no reason to end: the next look may not meet it."""
    try:
        return await asyncio.to_thread(work)
    except ReconcileError as error:
        return trouble_of(error)
    except OSError as error:
        return Trouble(
            "disk",
            f"{error.strerror or type(error).__name__}: {error.filename or 'a file'}",
            needs_person=True,
        )
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(frame.filename)}, line {frame.lineno}"
        return Trouble("bug", f"this is a bug in reconcile: {type(error).__name__} in {where}")
