"""The progress of a run as plain, timestamped lines: for logs, pipes and build services.

Few engines are told step by step. With many, only what goes wrong is, and a line of counts every few seconds; so a
log of a thousand engines stays readable. While nothing happens, a heartbeat shows that the run is alive: build
services end a job that is silent for too long.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import TextIO

from reconciler.adapters.progress.tally import ONLY_COUNTED, Ending, Row, Tally
from reconciler.core.duration import format_duration
from reconciler.core.platform.job import shorten

COUNTS_EVERY = 5.0  # seconds between two lines of counts
_STEPS = 100  # lines of one job's steps; one that reports more is told no further
_SAME_STEP = 1.0  # seconds between two lines that differ in the detail only
_NAMED = 3  # engines that a heartbeat names


class PlainProgress:
    """An `Observer` that writes lines to `stream`.

    `clock` gives UTC, `2026-11-24T11:08:13.123Z`. `heartbeat` is the longest silence in seconds; 0 turns it off.
    `verbose` tells every engine's acceptance and completion also when there are many. `show` makes foreign text
    harmless and one line. From `begun` to `ended` a thread calls `tick` every second.
    """

    def __init__(
        self,
        stream: TextIO,
        clock: Callable[[], str],
        *,
        heartbeat: float = 30.0,
        verbose: bool = False,
        show: Callable[[str], str] = shorten,
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._heartbeat = heartbeat
        self._verbose = verbose
        self._show = show
        self._tally = Tally()
        # Re-entrant: a signal handler may speak while its own thread is speaking.
        self._turn = threading.RLock()
        self._over = threading.Event()
        self._ticker: threading.Thread | None = None
        self._broken = False
        self._spoke = 0.0  # when the last line was written
        self._counted = 0.0  # when the counts were written last
        self._changed = False  # since then
        self._steps_told: dict[str, float] = {}

    def begun(self, creates: int, waits: int) -> None:
        with self._turn:
            now = self._now()
            self._tally.expected, self._tally.began = creates + waits, now
            self._spoke = self._counted = now
            if creates:
                self._say(None, f"{creates:,} provisioning job{'s' if creates != 1 else ''} to issue")
            if waits:
                self._say(None, f"{waits:,} running job{'s' if waits != 1 else ''} to wait for")
        if creates + waits and self._ticker is None:
            self._ticker = threading.Thread(target=self._tick_until_over, name="progress", daemon=True)
            self._ticker.start()

    def submitting(self, key: str) -> None:
        with self._turn:
            self._row(key)
            if self._verbose:
                self._say(key, "submitting")

    def accepted(self, key: str, engine_id: str, job_id: str) -> None:
        with self._turn:
            row = self._row(key)
            row.engine_id, row.job_id = engine_id, job_id
            if self._tells_all:
                self._say(key, f"accepted: {self._show(engine_id)} (job {self._show(job_id)})")

    def waiting(self, key: str, job_id: str) -> None:
        with self._turn:
            row = self._row(key)
            known = row.job_id == job_id
            row.job_id = job_id
            if self._tells_all and not known:
                self._say(key, f"waiting for job {self._show(job_id)}")

    def step(self, key: str, step: str, detail: str | None) -> None:
        with self._turn:
            row = self._tally.active.get(key)
            if row is None or (row.step, row.detail) == (step, detail):
                return
            same = row.step == step
            row.step, row.detail = step, detail
            if not self._tally.many:
                self._report_step(row, same)

    def completed(self, key: str, engine_id: str | None) -> None:
        with self._turn:
            row = self._end(key, "completed")
            if row is not None and self._tells_all:
                name = engine_id or row.engine_id
                engine = f": {self._show(name)}" if name else ""
                self._say(key, f"completed{engine} ({format_duration(self._now() - row.began)})")

    def failed(self, key: str, error: str) -> None:
        with self._turn:
            row = self._end(key, "failed")
            if row is not None:
                elapsed = format_duration(self._now() - row.began)
                self._warn(key, f"failed: {self._show(error)} ({elapsed})")

    def uncertain(self, key: str, reason: str) -> None:
        with self._turn:
            if self._end(key, "uncertain") is not None:
                self._warn(key, f"uncertain: {self._show(reason)}")

    def notice(self, text: str) -> None:
        with self._turn:
            about_one = text.partition(": ")[0] in self._tally.active
            if about_one:  # there may be one for each of a thousand
                self._warn(None, self._show(text))
            else:
                self._say(None, self._show(text))

    def ended(self) -> None:
        self._over.set()
        if self._ticker is not None and self._ticker is not threading.current_thread():
            self._ticker.join()
            self._ticker = None
            with self._turn:
                if self._tally.many and self._changed:
                    self._say_counts()

    def tick(self) -> None:
        """Say what is due by now: counts when they changed, or that the run is still waiting."""
        with self._turn:
            now = self._now()
            if self._tally.many and self._changed and now - self._counted >= COUNTS_EVERY:
                self._say_counts()
            elif self._heartbeat and self._tally.active and now - self._spoke >= self._heartbeat:
                self._say(None, self._still_waiting(now))

    def _tick_until_over(self) -> None:
        every = min(1.0, self._heartbeat / 2) if self._heartbeat else 1.0
        while not self._over.wait(every):
            self.tick()

    @property
    def _tells_all(self) -> bool:
        return self._verbose or not self._tally.many

    def _row(self, key: str) -> Row:
        return self._tally.row(key, self._now())

    def _end(self, key: str, ending: Ending) -> Row | None:
        self._changed = True
        return self._tally.end(key, ending, self._now())

    def _report_step(self, row: Row, same: bool) -> None:
        now = self._now()
        if row.steps >= _STEPS or (same and now - self._steps_told.get(row.key, 0.0) < _SAME_STEP):
            return
        row.steps += 1
        self._steps_told[row.key] = now
        self._say(row.key, self._show(row.doing))

    def _warn(self, key: str | None, text: str) -> None:
        if self._tally.tells():
            self._say(key, text)
            if self._tally.told_last:
                self._say(None, ONLY_COUNTED)

    def _say_counts(self) -> None:
        now = self._now()
        self._counted, self._changed = now, False
        elapsed = format_duration(now - self._tally.began)
        self._say(None, f"{self._tally.sentence()}, {len(self._tally.active):,} under way ({elapsed})")

    def _still_waiting(self, now: float) -> str:
        rows = list(self._tally.active.values())
        jobs = sum(row.job_id is not None for row in rows)
        kinds = ((jobs, "job"), (len(rows) - jobs, "create call"))
        what = " and ".join(
            f"{number:,} {noun}{'s' if number != 1 else ''}" for number, noun in kinds if number
        )
        names = [self._show(row.key) for row in rows[:_NAMED]] + (["…"] if len(rows) > _NAMED else [])
        return f"still waiting for {what} ({format_duration(now - self._tally.began)}): {', '.join(names)}"

    def _now(self) -> float:
        return datetime.fromisoformat(self._clock()).timestamp()

    def _say(self, key: str | None, text: str) -> None:
        if self._broken:
            return
        at = self._clock()
        self._spoke = datetime.fromisoformat(at).timestamp()
        about = f"{self._show(key)}  " if key is not None else ""
        line = f"{at[:19]}Z  {about}{text}\n"
        try:
            self._stream.write(_encodable(line, self._stream))
            self._stream.flush()
        except (OSError, ValueError):
            # Whoever read our lines went away (ValueError: the stream was closed). The run matters and its display
            # does not; so it goes on in silence.
            self._broken = True


def _encodable(line: str, stream: TextIO) -> str:
    """The line with what the stream's encoding lacks spelled out."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return line.encode(encoding, "backslashreplace").decode(encoding)
