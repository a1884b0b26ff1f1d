"""The progress of a run on a terminal, redrawn in place: a line for the whole, and what is under way.

Few engines have a row each. Many are counted by step, and only those that stand out are named: the slow ones here, and
the first that failed above. The calls of the run only keep the book; rich's thread draws, so a terminal that is held
back holds nothing else back.
"""

from __future__ import annotations

import atexit
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from typing import TextIO, cast

from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.control import Control
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.segment import ControlType, Segment, SegmentLines
from rich.spinner import Spinner
from rich.table import Column, Table
from rich.text import Text

from reconciler.adapters.progress.tally import MANY, NAMED, Row, Tally, humanized
from reconciler.core.display import cut_to_width, display_width, padded
from reconciler.core.duration import format_duration
from reconciler.core.platform.job import shorten

FRAMES_A_SECOND = 8
_SLOW_SHOWN = 3
_STEPS_SHOWN = 6
_BAR = 20  # cells
_TIME = 8  # cells: `59m 59s`
_KEY = 40  # cells at most
_WORD = 8  # cells below which a step is not shown


class LiveProgress:
    """An `Observer` for a terminal. `stream` is the terminal, standard error if none is given.

    `show` makes foreign text harmless and one line. Between `begun` and `ended` the cursor is hidden; it comes back
    with `ended`, and at the latest when the process exits.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        color: bool = True,
        ascii_only: bool = False,
        show: Callable[[str], str] = shorten,
    ) -> None:
        self._console = Console(
            file=cast(TextIO, _Lasting(stream, ascii_only)),
            force_terminal=True,
            color_system="auto" if color else None,
            no_color=not color,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self._done, self._ellipsis = ("+", "...") if ascii_only else ("✓", "…")
        self._spinner = Spinner("line" if ascii_only else "dots", style="cyan")
        self._show = lru_cache(4_096)(show)  # a row is drawn many times before its text changes
        self._tally = Tally()
        self._told = 0
        self._live = _Display(self._frame, self._console)

    def begun(self, creates: int, waits: int, updates: int = 0) -> None:
        self._tally.expected, self._tally.began = creates + waits + updates, time.monotonic()
        if creates + waits + updates:
            atexit.register(self.ended)
            self._live.start()

    def submitting(self, key: str) -> None:
        self._row(key)

    def updating(self, key: str) -> None:
        self._row(key).step = "updating"

    def accepted(self, key: str, engine_id: str, job_id: str) -> None:
        row = self._row(key)
        row.engine_id, row.job_id = engine_id, job_id

    def waiting(self, key: str, job_id: str) -> None:
        self._row(key).job_id = job_id

    def step(self, key: str, step: str, detail: str | None) -> None:
        row = self._tally.get(key)
        if row is not None:
            row.step, row.detail = humanized(step), detail

    def completed(self, key: str, engine_id: str | None) -> None:
        now = time.monotonic()
        row = self._tally.end(key, "completed", now)
        if row is not None and not self._tally.many:
            engine, took = engine_id or row.engine_id or "completed", format_duration(now - row.began)
            self._report(self._done, "green", key, f"{engine} ({took})")

    def failed(self, key: str, error: str) -> None:
        if self._tally.end(key, "failed", time.monotonic()) is not None:
            self._warn("!", "red", key, f"failed: {error}")

    def uncertain(self, key: str, reason: str) -> None:
        if self._tally.end(key, "uncertain", time.monotonic()) is not None:
            self._warn("?", "magenta", key, f"uncertain: {reason}")

    def notice(self, text: str) -> None:
        key, _, rest = text.partition(": ")
        if self._tally.get(key) is not None:  # there may be one for each of a thousand
            self._warn("!", "red", key, rest)
        else:
            self._live.say(Text(self._show(text), "bold"))

    def ended(self) -> None:
        atexit.unregister(self.ended)
        self._live.stop()

    def _row(self, key: str) -> Row:
        return self._tally.row(key, time.monotonic())

    def _warn(self, sign: str, style: str, key: str, text: str) -> None:
        self._told += 1
        if not self._tally.many or self._told <= NAMED:
            self._report(sign, style, key, text)
        if self._tally.many and self._told == NAMED:
            self._live.say(Text("further failures are counted, and listed at the end", "dim"))

    def _report(self, sign: str, style: str, key: str, text: str) -> None:
        """A line that stays. Foreign text goes in as `Text`, in which markup means nothing."""
        line = Table.grid(Column(), Column(overflow="fold"), padding=(0, 1, 0, 0))
        line.add_row(Text(sign, style), Text.assemble((self._show(key), "bold"), "  ", self._show(text)))
        self._live.say(line)

    # ── drawing ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _frame(self) -> RenderableType:
        """What is to be seen now. The last column stays free: some terminals wrap as soon as it is written to."""
        now, (width, height) = time.monotonic(), self._console.size
        width = max(width - 1, 1)
        lines = self._counts(now, width) if self._tally.many else self._rows(now, width)
        whole = Group(self._total(now, width), *islice(lines, max(height - 2, 0)))
        return Constrain(whole, width)

    def _total(self, now: float, width: int) -> RenderableType:
        """The bar goes first where there is no room, then the time."""
        tally = self._tally
        short, elapsed = tally.sentence(), format_duration(int(now - tally.began))
        text = f"{short}, {elapsed}"
        if display_width(text) > width:
            return self._line((self._fit(short, width), "bold"))
        if display_width(text) + _BAR + 1 > width:
            return self._line((text, "bold"))
        whole = Table.grid(padding=(0, 1, 0, 0))
        bar = ProgressBar(
            max(tally.expected, 1),
            tally.ended,
            _BAR,
            style="dim",
            complete_style="green",
            finished_style="green",
        )
        whole.add_row(bar, self._line((text, "bold")))
        return whole

    def _counts(self, now: float, width: int) -> Iterator[Text]:
        phases = self._tally.phases()
        column = max((len(f"{number:,}") for number, _ in phases), default=0) + 2
        for number, words in phases[:_STEPS_SHOWN]:
            text = self._fit(self._show(words), width - column - 2)
            yield self._line((f"{number:,}".rjust(column), "cyan"), "  ", text)
        others = sum(number for number, _ in phases[_STEPS_SHOWN:])
        if others:
            yield self._line((f"{others:,}".rjust(column), "cyan"), "  in other steps")
        slow = self._tally.slow(now)
        if slow:
            head = "slow:" if len(slow) <= _SLOW_SHOWN else f"slow, the first {_SLOW_SHOWN} of {len(slow):,}:"
            yield self._line((self._fit(head, width), "yellow"))
            yield from self._engines(slow[:_SLOW_SHOWN], now, width)

    def _rows(self, now: float, width: int) -> Iterator[Text]:
        return self._engines(self._tally.under_way()[:MANY], now, width)

    def _engines(self, rows: Sequence[Row], now: float, width: int) -> Iterator[Text]:
        most = min(_KEY, max(8, width - 2 - _TIME))  # which engine it is matters more than what it does
        keys = [self._fit_key(self._show(row.key), most) for row in rows]
        column = max(map(display_width, keys), default=0)
        room = width - 2 - column - _TIME - 2
        spinner = cast(Text, self._spinner.render(now))  # it has no text beside it
        for row, key in zip(rows, keys, strict=True):
            elapsed = format_duration(int(now - row.began)).rjust(_TIME)
            doing = self._show(row.doing)
            if display_width(doing) > room:
                doing = self._fit(self._show(row.phase), room) if room >= _WORD else ""
            name = padded(key, column), "bold"
            yield self._line(spinner, " ", name, (elapsed, "dim"), "  ", doing)

    def _line(self, *parts: str | Text | tuple[str, str]) -> Text:
        return Text.assemble(*parts, no_wrap=True, overflow="crop")

    def _fit(self, text: str, width: int) -> str:
        """`text` in at most `width` cells, cut between two words where there are several."""
        if display_width(text) <= width:
            return text
        if width <= display_width(self._ellipsis):
            return ""
        cut = cut_to_width(text, width - display_width(self._ellipsis), "")
        whole = cut if text.startswith(cut + " ") else cut.rpartition(" ")[0] or cut
        return whole.rstrip() + self._ellipsis

    def _fit_key(self, key: str, width: int) -> str:
        """A path is known best by its end."""
        while display_width(key) > width and "/" in key.removeprefix(f"{self._ellipsis}/"):
            key = f"{self._ellipsis}/{key.removeprefix(f'{self._ellipsis}/').partition('/')[2]}"
        return self._fit(key, width)


class _Display(Live):
    """Draws frames, and above them lines that stay, all of it in rich's thread while one is running."""

    def __init__(self, frame: Callable[[], RenderableType], console: Console) -> None:
        self._said: deque[RenderableType] = deque()
        self._frame = frame
        self._over = False
        self._drawn: list[int] = []  # cells of each line of the last frame
        super().__init__(
            get_renderable=self._next_frame,
            console=console,
            refresh_per_second=FRAMES_A_SECOND,
            transient=True,
            redirect_stdout=False,  # it may be a pipe that reads JSON: nothing of it is to be led here
            vertical_overflow="crop",
        )

    def say(self, line: RenderableType) -> None:
        self._said.append(line)
        if not self.is_started:
            self._say_all()

    def refresh(self) -> None:
        self._erase_wrapped()
        self._say_all()
        super().refresh()

    def stop(self) -> None:
        self._over = True  # the last frame is empty: rich would draw all of it, however small the terminal is
        super().stop()

    def _next_frame(self) -> RenderableType:
        if self._over:
            return ""
        lines = self.console.render_lines(self._frame(), pad=False)
        self._drawn = [Segment.get_line_length(line) for line in lines]
        return SegmentLines(lines, new_lines=True)

    def _erase_wrapped(self) -> None:
        """A terminal that became narrower has wrapped the last frame, so that it has more rows than rich erases."""
        rows = sum((cells - 1) // self.console.width for cells in self._drawn if cells)
        erase = (ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1))
        self.console.control(Control(*erase * rows))

    def _say_all(self) -> None:
        lines = [self._said.popleft() for _ in range(len(self._said))]
        if lines:
            self.console.print(Group(*lines), overflow="fold")


class _Lasting:
    """A terminal that may go away, or be closed. The run matters and its display does not, so it goes on in silence."""

    def __init__(self, stream: TextIO, ascii_only: bool) -> None:
        self._stream = stream
        self.encoding = "ascii" if ascii_only else "utf-8"  # what rich draws its bar with

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()

    def isatty(self) -> bool:
        return True
