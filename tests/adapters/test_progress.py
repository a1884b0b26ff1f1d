"""Both displays of a run: plain lines into a stream, and the live one on a real pseudo-terminal."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.adapters.progress_live import LiveProgress
from reconciler.adapters.progress_plain import PlainProgress
from reconciler.app.ports import Observer


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 24, 11, 8, 13, 123_000, tzinfo=UTC)

    def __call__(self) -> str:
        return self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Plain:
    """A plain display over a stream and a clock of our own."""

    def __init__(self, *, verbose: bool = False, heartbeat: float = 30.0) -> None:
        self.clock = Hand()
        self.stream = io.StringIO()
        self.progress = PlainProgress(self.stream, self.clock, heartbeat=heartbeat, verbose=verbose)

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    @property
    def texts(self) -> list[str]:
        """The lines without their time."""
        return [line.partition("  ")[2] for line in self.lines]


@pytest.fixture
def plain() -> Any:
    made = Plain()
    yield made
    made.progress.ended()


# ── plain ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_both_are_observers() -> None:
    observers: tuple[Observer, ...] = (PlainProgress(io.StringIO(), Hand()), LiveProgress(io.StringIO()))
    assert len(observers) == 2


def test_the_way_of_one_engine(plain: Plain) -> None:
    go = plain.progress
    go.begun(1, 1)
    go.waiting("store", "pjb_S")
    go.submitting("acme")
    go.accepted("acme", "eng_X", "pjb_Y")
    go.waiting("acme", "pjb_Y")
    go.step("acme", "crawling", "page 3 of 12")
    go.step("acme", "crawling", "page 3 of 12")
    plain.clock.forward(12)
    go.completed("acme", None)
    go.failed("store", "no crawl: 404")
    assert plain.texts == [
        "1 provisioning job to issue",
        "1 running job to wait for",
        "store  waiting for job pjb_S",
        "acme  accepted: eng_X (job pjb_Y)",
        "acme  crawling: page 3 of 12",
        "acme  completed: eng_X (12s)",
        "store  failed: no crawl: 404 (12s)",
    ]
    assert plain.lines[0].startswith("2026-11-24T11:08:13Z  ")
    assert plain.lines[-1].startswith("2026-11-24T11:08:25Z  ")


def test_an_end_is_told_once(plain: Plain) -> None:
    go = plain.progress
    go.begun(1, 0)
    go.accepted("acme", "eng_X", "pjb_Y")
    go.completed("acme", None)
    go.completed("acme", None)
    go.failed("acme", "late and wrong")
    assert plain.texts[2:] == ["acme  completed: eng_X (0s)"]


def test_verbose_tells_more() -> None:
    plain = Plain(verbose=True)
    plain.progress.begun(30, 0)
    plain.progress.submitting("acme")
    plain.progress.accepted("acme", "eng_X", "pjb_Y")
    plain.progress.completed("acme", "eng_X")
    plain.progress.ended()
    assert plain.texts[1:4] == [
        "acme  submitting",
        "acme  accepted: eng_X (job pjb_Y)",
        "acme  completed: eng_X (0s)",
    ]


def test_a_chatty_job_does_not_flood(plain: Plain) -> None:
    go = plain.progress
    go.begun(1, 0)
    go.accepted("acme", "eng_X", "pjb_Y")
    for page in range(50):
        go.step("acme", "crawling", f"page {page}")
    assert len(plain.lines) == 3
    for turn in range(5_000):
        go.step("acme", f"step {turn}", None)
    assert len(plain.lines) < 110


def test_a_thousand_engines_are_counted() -> None:
    plain = Plain()
    go = plain.progress
    go.begun(1_000, 0)
    for number in range(1_000):
        key = f"shop/{number}"
        go.submitting(key)
        go.accepted(key, f"eng_{number}", f"pjb_{number}")
        go.waiting(key, f"pjb_{number}")
        go.step(key, "crawling", "x")
    for number in range(0, 1_000, 2):
        go.completed(f"shop/{number}", None)
    assert len(plain.lines) == 1
    plain.clock.forward(5)
    go.tick()
    go.tick()
    assert plain.texts[1:] == ["500/1,000 engines, 500 under way (5s)"]
    for number in range(1, 1_000, 2):
        go.failed(f"shop/{number}", "no crawl")
    go.ended()
    assert plain.texts[-1] == "1,000/1,000 engines, 500 failed, 0 under way (5s)"
    assert sum("no crawl" in text for text in plain.texts) == 20
    assert len(plain.lines) == 24  # one of them says that the others are only counted


def test_notices_about_single_engines_are_counted_as_failures_are() -> None:
    plain = Plain()
    go = plain.progress
    go.begun(100, 0)
    for number in range(100):
        go.accepted(f"k{number}", "e", "j")
        go.notice(f"k{number}: cannot wait for its job: HTTP 401")
    go.notice("interrupted: no further create call")
    go.ended()
    assert sum("cannot wait" in text for text in plain.texts) == 20
    assert "interrupted: no further create call" in plain.texts


def test_a_heartbeat_while_nothing_happens(plain: Plain) -> None:
    go = plain.progress
    go.begun(2, 3)
    for key in ("a", "b", "c"):
        go.waiting(key, f"pjb_{key}")
    go.submitting("d")
    before = len(plain.lines)
    plain.clock.forward(29)
    go.tick()
    assert len(plain.lines) == before
    plain.clock.forward(61)
    go.tick()
    go.tick()
    assert plain.texts[before:] == ["still waiting for 3 jobs and 1 create call (1m 30s): a, b, c, …"]


def test_the_heartbeat_beats_by_itself_and_ends() -> None:
    stream = io.StringIO()
    go = PlainProgress(
        stream,
        lambda: datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        heartbeat=0.02,
        verbose=False,
    )
    go.begun(0, 1)
    go.waiting("acme", "pjb_Y")
    wait_until(lambda: "still waiting for 1 job (" in stream.getvalue())
    go.ended()
    go.ended()
    assert not drawing()


def test_an_answer_after_all_counts_once(plain: Plain) -> None:
    go = plain.progress
    go.begun(30, 0)
    go.submitting("acme")
    go.uncertain("acme", "cut off")
    go.accepted("acme", "eng_X", "pjb_Y")
    go.completed("acme", None)
    go.step("acme", "late", None)
    plain.clock.forward(5)
    go.tick()
    assert plain.texts[1:] == ["acme  uncertain: cut off", "1/30 engines, 0 under way (5s)"]


class Gone(io.StringIO):
    """A stream whose reader went away."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_a_broken_pipe_ends_the_display_and_nothing_else() -> None:
    stream = Gone()
    go = PlainProgress(stream, Hand(), verbose=True)
    go.begun(1, 0)
    go.submitting("acme")
    go.completed("acme", "eng_X")
    go.ended()
    assert stream.writes == 1
    closed = io.StringIO()
    closed.close()
    PlainProgress(closed, Hand()).notice("nobody hears this")


def test_foreign_text_stays_on_one_line_and_fits_the_encoding(plain: Plain) -> None:
    plain.progress.begun(1, 0)
    plain.progress.accepted("a\n2026-11-24T11:08:13Z  forged", "eng\x1b[2J", "pjb\u202e")
    plain.progress.failed("b", "two\r\nlines \x1b]0;x\x07")
    assert len(plain.lines) == 3
    assert not {"\x1b", "\u202e", "\r", "\x07"} & set(plain.stream.getvalue())
    raw = io.BytesIO()
    ascii_stream = io.TextIOWrapper(raw, encoding="ascii")
    PlainProgress(ascii_stream, Hand()).notice("Übersetzung")
    assert raw.getvalue().endswith(b"\\xdcbersetzung\n")


# ── live ───────────────────────────────────────────────────────────────────────────────────────────────────────────

CHILD = """
import io, json, sys, time
from reconciler.adapters.progress_live import LiveProgress

class Counting(io.TextIOWrapper):
    flushes = 0
    def flush(self):
        self.flushes += 1
        super().flush()

terminal = Counting(sys.stderr.buffer, encoding="utf-8", write_through=True)
go = LiveProgress(terminal, **json.loads(sys.argv[1]))
for name, *arguments in json.loads(sys.stdin.read()):
    if name == "drawn":  # wait until what is known by now has been drawn: the picture after the one under way
        enough = terminal.flushes + 2
        while terminal.flushes < enough:
            time.sleep(0.01)
    elif name == "raise":
        raise SystemExit(3)
    else:
        getattr(go, name)(*arguments)
print(json.dumps({"cpu": time.process_time()}))
"""

Calls = Sequence[Sequence[Any]]


def on_terminal(
    calls: Calls, *, columns: int = 80, lines: int = 24, env: dict[str, str] | None = None, **settings: Any
) -> tuple[str, str]:
    """Run the calls in a process whose standard error is a terminal; what the terminal got, and standard output."""
    near, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    clean = {
        name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")
    }
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, json.dumps(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=far,
        env=clean | {"TERM": "xterm-256color", "PYTHONUTF8": "1"} | (env or {}),
    )
    os.close(far)
    got: list[bytes] = []
    reader = threading.Thread(target=read_all, args=(near, got))
    reader.start()
    out, _ = child.communicate(json.dumps(calls).encode(), timeout=30)
    reader.join()
    os.close(near)
    return b"".join(got).decode(), out.decode()


def read_all(near: int, got: list[bytes]) -> None:
    while True:
        try:
            data = os.read(near, 65_536)
        except OSError:  # how Linux says that nobody has the other side open any more
            return
        if not data:
            return
        got.append(data)


def screen(output: str) -> list[str]:
    """What stands on the terminal in the end; of the control sequences only those that the display uses are known."""
    rows, row, col = [""], 0, 0
    for piece in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", output):
        if piece == "\n":
            row += 1
            rows += [""] * (row + 1 - len(rows))
        elif piece == "\r":
            col = 0
        elif piece.startswith("\x1b["):
            kind, amount = piece[-1], piece[2:-1]
            assert kind in "AKmhl", f"unknown control sequence {piece!r}"
            if kind == "A":
                row = max(0, row - int(amount or 1))
            elif kind == "K":
                rows[row] = "" if amount == "2" else rows[row][:col]
        else:
            rows[row] = rows[row][:col].ljust(col) + piece + rows[row][col + len(piece) :]
            col += len(piece)
    return [line.rstrip() for line in rows if line.strip()]


def plain_text(output: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output)


FEW: Calls = [
    ["begun", 3, 1],
    ["waiting", "store", "pjb_S"],
    ["submitting", "acme"],
    ["accepted", "acme", "eng_A", "pjb_A"],
    ["step", "acme", "crawling", "page 3 of 12"],
    ["submitting", "legal"],
    ["drawn"],
    ["completed", "acme", None],
    ["failed", "legal", "no [bold]crawl[/bold] [/] 404"],
    ["submitting", "support"],
    ["uncertain", "support", "the answer was lost"],
    ["notice", "interrupted: [red]no further[/red] create call"],
    ["drawn"],
]


def test_the_live_display_shows_rows_and_leaves_only_what_ended() -> None:
    output, _ = on_terminal([*FEW, ["ended"]])
    seen = plain_text(output)
    assert re.search(r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] acme   crawling: page 3 of 12 +\d+m?s", seen)
    assert re.search(r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] store  waiting for job pjb_S +\d+m?s", seen)
    assert re.search(r"legal  submitting +\d+m?s", seen)
    assert re.search(r"─+ 0/4 engines, \d+m?s", seen)
    assert re.search(r"━+─* 3/4 engines, 1 failed, 1 uncertain, \d+m?s", seen)
    final = screen(output)
    assert re.fullmatch(r"✓ acme  eng_A \(\d+m?s\)", final[0])
    assert final[1:] == [
        "! legal  failed: no [bold]crawl[/bold] [/] 404",
        "? support  uncertain: the answer was lost",
        "interrupted: [red]no further[/red] create call",
    ]
    assert "\x1b[32m✓" in output
    assert cursor_is_back(output)


def cursor_is_back(output: str) -> bool:
    return "\x1b[?25l" in output and output.rfind("\x1b[?25h") > output.rfind("\x1b[?25l")


@pytest.mark.parametrize("end", [["raise"], ["drawn"]])
def test_the_cursor_comes_back_however_the_process_ends(end: Sequence[Any]) -> None:
    output, _ = on_terminal([*FEW, end])
    assert cursor_is_back(output)
    assert len(screen(output)) == 4


def test_no_more_rows_than_the_terminal_has() -> None:
    calls: list[Sequence[Any]] = [["begun", 40, 0]]
    for number in range(40):
        calls += [["accepted", f"shop/{number}", "e", "j"]]
    calls += [["drawn"], ["failed", "shop/0", "no"], ["completed", "shop/1", None], ["ended"]]
    output, _ = on_terminal(calls, lines=12)
    assert "… and 31 more" in plain_text(output)
    assert "shop/8 " in plain_text(output)
    assert "shop/11 " not in plain_text(output)  # two ended, so two more came into sight
    assert screen(output) == ["! shop/0  failed: no"]  # with many, what went well is only counted


def test_without_colour_and_unicode() -> None:
    output, _ = on_terminal([*FEW, ["ended"]], color=False, ascii_only=True)
    assert output.isascii()
    assert "\x1b[1m" not in output
    assert re.search(r"#+-* 3/4 engines", output)
    colourless, _ = on_terminal([*FEW, ["ended"]], env={"NO_COLOR": "1"})
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", colourless)
    assert cursor_is_back(colourless)


@pytest.mark.parametrize("columns", [10, 24, 45])
def test_a_narrow_terminal_wraps_no_row(columns: int) -> None:
    calls: Calls = [
        ["begun", 1, 0],
        ["accepted", "marketing/landing-pages/東京/2026", "eng_A", "pjb_A"],
        ["step", "marketing/landing-pages/東京/2026", "crawling", "https://acme.com/" + "x" * 300],
        ["drawn"],
        ["ended"],
    ]
    output, _ = on_terminal(calls, columns=columns)
    assert max(map(len, re.split(r"[\r\n]+", plain_text(output)))) < columns
    assert screen(output) == []


def test_hostile_text_does_not_reach_the_terminal() -> None:
    evil = "x\x1b]0;owned\x07\x1b[2J\u202ey\r\nz"
    calls: Calls = [
        ["begun", 2, 0],
        ["accepted", evil, evil, evil],
        ["step", evil, evil, evil],
        ["drawn"],
        ["completed", evil, None],
        ["failed", "b" + evil, evil],
        ["notice", evil],
        ["ended"],
    ]
    output, _ = on_terminal(calls)
    assert not {"\x07", "\u202e"} & set(output)
    assert "\x1b]" not in output
    assert "\x1b[2J" not in output
    assert len(screen(output)) == 3


def test_nothing_to_wait_for_draws_nothing() -> None:
    output, _ = on_terminal([["begun", 0, 0], ["notice", "one thing"], ["ended"]])
    assert plain_text(output).split() == ["one", "thing"]
    assert "\x1b[?25l" not in output


def test_output_of_the_process_is_left_alone() -> None:
    _, out = on_terminal([*FEW, ["ended"]])
    assert json.loads(out)["cpu"] > 0


def test_a_terminal_that_was_hung_up_does_not_stop_the_run() -> None:
    near, far = pty.openpty()
    stream = os.fdopen(far, "w")
    go = LiveProgress(stream)
    go.begun(1, 0)
    go.accepted("acme", "eng_A", "pjb_A")
    os.close(near)
    go.completed("acme", None)
    go.notice("still going")
    go.ended()
    go.notice("and on")
    assert not drawing()
    with contextlib.suppress(OSError):  # what could not be written is tried again
        stream.close()


class Failing(io.StringIO):
    """A terminal that takes so many writes and then fails."""

    def __init__(self, takes: int, error: Exception) -> None:
        super().__init__()
        self.takes, self.error = takes, error

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.takes -= 1
        if self.takes < 0:
            raise self.error
        return super().write(text)


@pytest.mark.parametrize("takes", [0, 1, 3])
@pytest.mark.parametrize(
    "error", [BrokenPipeError(errno.EPIPE, "gone"), OSError(errno.EIO, "gone"), ValueError("closed")]
)
def test_a_terminal_that_fails_ends_the_display_and_nothing_else(
    takes: int, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Failing(takes, error)
    go = LiveProgress(stream)
    go.begun(1, 0)
    go.accepted("acme", "eng_A", "pjb_A")
    wait_until(lambda: stream.takes < 0 and not drawing())
    go.completed("acme", None)
    go.notice("still going")
    go.ended()


def drawing() -> bool:
    return "progress" in {thread.name for thread in threading.enumerate()}


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not come true within 10 seconds"
        time.sleep(0.005)
