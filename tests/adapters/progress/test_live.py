"""The live display of a run, on a real pseudo-terminal."""

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
from typing import Any

import pytest

from reconciler.adapters.progress.live import LiveProgress

# ── live ───────────────────────────────────────────────────────────────────────────────────────────────────────────

CHILD = """
import io, json, sys, time
from reconciler.adapters.progress.live import LiveProgress

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
