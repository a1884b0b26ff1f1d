"""The progress of a run as plain, timestamped lines: for logs, pipes and build services.

Few engines are shown step by step. Many are counted: a line when a phase begins, when the run ends, and each minute in
between, which names what went wrong since the last one. So a log of a thousand engines stays readable, and no build
service takes the job for a dead one.
"""

from __future__ import annotations

import textwrap
import threading
from collections.abc import Callable
from datetime import datetime
from typing import TextIO

from reconciler.adapters.progress.tally import Row, Tally, humanized
from reconciler.core.duration import format_duration
from reconciler.core.platform.job import shorten

EVERY = 60.0  # seconds: the longest silence, and with many engines the shortest one, too
_STEPS = 100  # lines of one job's steps; one that reports more is shown no further
_SAME_STEP = 1.0  # seconds between two lines that differ in the detail only
_PHASES = 6  # steps that one line counts
_NAMED = 3  # engines that one line names
_REASON = 120  # characters of why one failed, in a line of counts


class PlainProgress:
    """An `Observer` that writes lines to `stream`.

    `clock` gives UTC, `2026-11-24T11:08:13.123Z`. `verbose` shows every engine step by step also when there are many.
    `show` makes foreign text harmless and one line. From `begun` to `ended` a thread calls `tick` every second.
    """

    def __init__(
        self,
        stream: TextIO,
        clock: Callable[[], str],
        *,
        verbose: bool = False,
        show: Callable[[str], str] = shorten,
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._verbose = verbose
        self._show = show
        self._tally = Tally()
        # Re-entrant: a signal handler may speak while its own thread is speaking.
        self._turn = threading.RLock()
        self._over = threading.Event()
        self._ticker: threading.Thread | None = None
        self._broken = False
        self._creating = False
        self._spoke = 0.0  # when the last line was written
        self._counted = 0.0  # when the counts were written last
        self._wrong: list[str] = []  # what went wrong since then
        self._steps_told: dict[str, float] = {}

    def begun(self, creates: int, waits: int, updates: int = 0) -> None:
        with self._turn:
            now = self._now()
            self._tally.expected, self._tally.began = creates + waits + updates, now
            self._spoke = self._counted = now
            self._creating = creates > 0
            kinds = (
                (creates, "provisioning job", "to create"),
                (updates, "engine", "to update"),
                (waits, "running job", "to wait for"),
            )
            parts = [
                f"{number:,} {noun}{'s' * (number != 1)} {what}" for number, noun, what in kinds if number
            ]
            if parts:
                self._say(None, ", ".join(parts))
        if creates + waits + updates and self._ticker is None:
            self._ticker = threading.Thread(target=self._tick_until_over, name="progress", daemon=True)
            self._ticker.start()

    def submitting(self, key: str) -> None:
        with self._turn:
            self._row(key)
            if self._verbose:
                self._say(key, "creating")

    def updating(self, key: str) -> None:
        with self._turn:
            self._row(key).step = "updating"
            if self._verbose:
                self._say(key, "updating")

    def accepted(self, key: str, engine_id: str, job_id: str) -> None:
        with self._turn:
            row = self._row(key)
            row.engine_id, row.job_id = engine_id, job_id
            if self._tells_all:
                self._say(key, f"accepted: {self._show(engine_id)} (job {self._show(job_id)})")
            self._look_at_phase()

    def waiting(self, key: str, job_id: str) -> None:
        with self._turn:
            row = self._row(key)
            known = row.job_id == job_id
            row.job_id = job_id
            if self._tells_all and not known:
                self._say(key, f"waiting for job {self._show(job_id)}")

    def step(self, key: str, step: str, detail: str | None) -> None:
        with self._turn:
            row = self._tally.get(key)
            words = humanized(step)
            if row is None or (row.step, row.detail) == (words, detail):
                return
            same = row.step == words
            row.step, row.detail = words, detail
            if self._tells_all:
                self._report_step(row, same)

    def completed(self, key: str, engine_id: str | None) -> None:
        with self._turn:
            row = self._tally.end(key, "completed", self._now())
            if row is not None and self._tells_all:
                name = engine_id or row.engine_id
                engine = f": {self._show(name)}" if name else ""
                self._say(key, f"completed{engine} ({self._since(row.began)})")

    def failed(self, key: str, error: str) -> None:
        with self._turn:
            row = self._tally.end(key, "failed", self._now())
            if row is not None:
                self._warn(key, f"failed: {error}", f" ({self._since(row.began)})")

    def uncertain(self, key: str, reason: str) -> None:
        with self._turn:
            if self._tally.end(key, "uncertain", self._now()) is not None:
                self._warn(key, f"uncertain: {reason}")

    def notice(self, text: str) -> None:
        with self._turn:
            key, _, rest = text.partition(": ")
            if self._tally.get(key) is not None:  # there may be one for each of a thousand
                self._warn(key, rest)
            else:
                self._say(None, self._show(text))

    def ended(self) -> None:
        self._over.set()
        if self._ticker is not None and self._ticker is not threading.current_thread():
            self._ticker.join()
            self._ticker = None
            with self._turn:
                if self._tally.many:
                    self._say_counts()

    def tick(self) -> None:
        """Say what is due by now: the counts, or that the run is still waiting."""
        with self._turn:
            now = self._now()
            if self._tally.many:
                if now - self._counted >= EVERY:
                    self._say_counts()
            elif self._tally.under_way() and now - self._spoke >= EVERY:
                self._say(None, self._still_waiting())

    def _tick_until_over(self) -> None:
        while not self._over.wait(1.0):
            self.tick()

    @property
    def _tells_all(self) -> bool:
        return self._verbose or not self._tally.many

    def _row(self, key: str) -> Row:
        return self._tally.row(key, self._now())

    def _report_step(self, row: Row, same: bool) -> None:
        now = self._now()
        if row.steps >= _STEPS or (same and now - self._steps_told.get(row.key, 0.0) < _SAME_STEP):
            return
        row.steps += 1
        self._steps_told[row.key] = now
        self._say(row.key, self._show(row.doing))

    def _warn(self, key: str, text: str, after: str = "") -> None:
        if self._tells_all:
            self._say(key, self._show(text) + after)
        else:
            self._wrong.append(
                f"{self._show(key)} {textwrap.shorten(self._show(text), _REASON, placeholder=' …')}"
            )
        self._look_at_phase()

    def _look_at_phase(self) -> None:
        """Every create call was answered: from now on the run only waits."""
        if self._creating and not self._tally.creating:
            self._creating = False
            waiting = len(self._tally.under_way())
            if self._tally.many and waiting:
                self._say(
                    None, f"{self._tally.sentence()}; waiting for {waiting:,} job{'s' * (waiting != 1)}"
                )

    def _say_counts(self) -> None:
        self._counted = self._now()
        parts = [f"{self._tally.sentence()} ({self._since(self._tally.began)})"]
        steps = ", ".join(
            f"{number:,} {self._show(words)}" for number, words in self._tally.phases()[:_PHASES]
        )
        others = len(self._wrong) - _NAMED
        parts += [steps] * bool(steps) + self._wrong[:_NAMED] + [f"{others:,} more went wrong"] * (others > 0)
        self._wrong.clear()
        self._say(None, "; ".join(parts))

    def _still_waiting(self) -> str:
        rows = self._tally.under_way()
        jobs = sum(row.job_id is not None for row in rows)
        kinds = ((jobs, "job"), (len(rows) - jobs, "create call"))
        what = " and ".join(
            f"{number:,} {noun}{'s' if number != 1 else ''}" for number, noun in kinds if number
        )
        names = [self._show(row.key) for row in rows[:_NAMED]] + (["…"] if len(rows) > _NAMED else [])
        return f"still waiting for {what} ({self._since(self._tally.began)}): {', '.join(names)}"

    def _since(self, began: float) -> str:
        return format_duration(self._now() - began)

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
