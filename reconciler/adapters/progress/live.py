"""The progress of a run on a terminal: a line for each engine under way and one for the whole, redrawn in place.

The calls of the run only keep the book; one thread draws, eight times a second, and only as many rows as there is
room for. So a run over a thousand engines costs no more to show than one over twenty.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from typing import TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions
from rich.live import Live
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from reconciler.adapters.progress.tally import ONLY_COUNTED, Row, Tally
from reconciler.core.duration import format_duration
from reconciler.core.platform.job import shorten

FRAMES_A_SECOND = 8
_MOST_ROWS = 40
_BAR = 20  # cells
_TIME = 8  # cells: `59m 59s`
_PLAIN, _DIM, _BOLD = Style.null(), Style(dim=True), Style(bold=True)
_GREEN, _RED, _CYAN, _MAGENTA = (Style(color=name) for name in ("green", "red", "cyan", "magenta"))


class LiveProgress:
    """An `Observer` for a terminal. `stream` is the terminal, standard error if none is given.

    `show` makes foreign text harmless and one line. Between `begun` and `ended` the cursor is hidden; it comes back
    with `ended`, and at the latest when the process exits.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        color: bool = True,
        ascii_only: bool = False,
        show: Callable[[str], str] = shorten,
    ) -> None:
        self._console = _Terminal(
            file=stream,
            stderr=stream is None,
            color_system="auto" if color else None,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self._signs = _ASCII if ascii_only else _UNICODE
        self._show = lru_cache(4_096)(show)  # a row is drawn many times before its text changes
        self._tally = Tally()
        # Re-entrant: a signal handler may speak while its own thread is drawing.
        self._turn = threading.RLock()
        self._above: list[Text] = []  # finished lines, to be printed above the display
        self._over = threading.Event()
        # Standard output may be a pipe that reads JSON: nothing of it is to be led here.
        self._live = Live(
            get_renderable=lambda: _Frame(self._segments),
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            vertical_overflow="crop",
        )
        self._painter: threading.Thread | None = None

    def begun(self, creates: int, waits: int) -> None:
        with self._turn:
            self._tally.expected, self._tally.began = creates + waits, time.monotonic()
        if creates + waits == 0 or self._painter is not None:
            return
        try:
            self._live.start(refresh=True)
        except (OSError, ValueError):
            return  # as in `_paint`
        atexit.register(self.ended)
        self._painter = threading.Thread(target=self._paint_until_over, name="progress", daemon=True)
        self._painter.start()

    def submitting(self, key: str) -> None:
        with self._turn:
            self._row(key)

    def accepted(self, key: str, engine_id: str, job_id: str) -> None:
        with self._turn:
            row = self._row(key)
            row.engine_id, row.job_id = engine_id, job_id

    def waiting(self, key: str, job_id: str) -> None:
        with self._turn:
            self._row(key).job_id = job_id

    def step(self, key: str, step: str, detail: str | None) -> None:
        with self._turn:
            row = self._tally.active.get(key)
            if row is not None:
                row.step, row.detail = step, detail

    def completed(self, key: str, engine_id: str | None) -> None:
        with self._turn:
            now = time.monotonic()
            row = self._tally.end(key, "completed", now)
            if row is not None and not self._tally.many:
                engine, took = engine_id or row.engine_id or "completed", format_duration(now - row.began)
                self._report(self._signs.done, _GREEN, key, f"{engine} ({took})")

    def failed(self, key: str, error: str) -> None:
        with self._turn:
            if self._tally.end(key, "failed", time.monotonic()) is not None:
                self._warn("!", _RED, key, f"failed: {error}")

    def uncertain(self, key: str, reason: str) -> None:
        with self._turn:
            if self._tally.end(key, "uncertain", time.monotonic()) is not None:
                self._warn("?", _MAGENTA, key, f"uncertain: {reason}")

    def notice(self, text: str) -> None:
        with self._turn:
            key, _, rest = text.partition(": ")
            if key in self._tally.active:  # there may be one for each of a thousand
                self._warn("!", _RED, key, rest)
            else:
                self._above.append(Text(self._show(text), _BOLD))
        if self._painter is None:
            self._paint()  # nothing is drawn that it would have to wait for

    def ended(self) -> None:
        self._over.set()
        if self._painter is None or self._painter is threading.current_thread():
            return
        self._painter.join()
        self._painter = None
        self._paint()
        try:
            self._live.stop()
        except (OSError, ValueError):
            return  # the terminal went away, and there is no cursor to bring back
        finally:
            atexit.unregister(self.ended)

    def _row(self, key: str) -> Row:
        return self._tally.row(key, time.monotonic())

    def _warn(self, sign: str, style: Style, key: str, text: str) -> None:
        if self._tally.tells():
            self._report(sign, style, key, text)
            if self._tally.told_last:
                self._above.append(Text(ONLY_COUNTED, _DIM))

    def _report(self, sign: str, style: Style, key: str, text: str) -> None:
        """A line that stays. Foreign text goes in as `Text`, in which markup means nothing."""
        self._above.append(
            Text.assemble((sign, style), " ", (self._show(key), _BOLD), "  ", self._show(text))
        )

    # ── drawing ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _paint_until_over(self) -> None:
        while not self._over.wait(1 / FRAMES_A_SECOND):
            self._paint()

    def _paint(self) -> None:
        with self._turn:
            above, self._above = self._above, []
        try:
            if above:
                self._console.print(Text("\n").join(above), overflow="fold")
            if self._painter is not None:
                self._live.refresh()
        except (OSError, ValueError):
            # The terminal went away (ValueError: the stream was closed). The run matters and its display does not.
            self._over.set()

    def _segments(self, width: int, height: int) -> Iterator[Segment]:
        with self._turn:
            now = time.monotonic()
            room = max(1, min(_MOST_ROWS, height - 3))
            active = len(self._tally.active)
            rows = list(islice(self._tally.active.values(), room))
            yield from self._row_segments(rows, now, width)
            if active > room:
                yield Segment(_cut(f"  {self._signs.ellipsis} and {active - room:,} more", width), _DIM)
                yield Segment.line()
            yield from self._total(now, width)

    def _row_segments(self, rows: list[Row], now: float, width: int) -> Iterator[Segment]:
        keys = [self._show(row.key) for row in rows]
        column = min(max(map(cell_len, keys), default=0), 40, max(8, width // 3))
        spinner = self._signs.spinner[int(now * FRAMES_A_SECOND) % len(self._signs.spinner)]
        words = width - 2 - column - 2 - _TIME
        for row, key in zip(rows, keys, strict=True):
            yield Segment(spinner + " ", _CYAN)
            yield Segment(self._fit(key, min(column, width - 2)), _BOLD)
            if words >= 8:
                yield Segment("  " + self._fit(self._show(row.doing), words), _PLAIN)
                yield Segment(format_duration(now - row.began).rjust(_TIME), _DIM)
            yield Segment.line()

    def _total(self, now: float, width: int) -> Iterator[Segment]:
        tally, signs = self._tally, self._signs
        text = f"{tally.sentence()}, {format_duration(now - tally.began)}"
        if len(text) + _BAR + 1 <= width:
            filled = _BAR * min(tally.ended, tally.expected) // max(tally.expected, 1)
            yield Segment(signs.full * filled, _GREEN)
            yield Segment(signs.empty * (_BAR - filled) + " ", _DIM)
        yield Segment(_cut(text, width), _BOLD)

    def _fit(self, text: str, width: int) -> str:
        """`text` in exactly `width` cells."""
        ellipsis = self._signs.ellipsis
        if cell_len(text) > width > len(ellipsis):
            return set_cell_size(text, width - len(ellipsis)) + ellipsis
        return set_cell_size(text, width)


class _Terminal(Console):
    def on_broken_pipe(self) -> None:
        """What rich does here would end the process, and the run with it."""
        raise OSError("the terminal went away")


class _Frame:
    """One picture; asked for its segments when the terminal's size is known."""

    def __init__(self, segments: Callable[[int, int], Iterator[Segment]]) -> None:
        self._segments = segments

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        # The last column stays free: some terminals wrap as soon as it is written to.
        yield from self._segments(max(options.max_width - 1, 1), console.size.height)


class _Signs:
    def __init__(self, spinner: str, done: str, ellipsis: str, full: str, empty: str) -> None:
        self.spinner, self.done, self.ellipsis, self.full, self.empty = spinner, done, ellipsis, full, empty


_UNICODE = _Signs("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "✓", "…", "━", "─")
_ASCII = _Signs("|/-\\", "+", "...", "#", "-")


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width)
