"""The live display in a process of its own on a pseudo-terminal, and what stands on that terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Sequence
from typing import Any

CHILD = """
import fcntl, io, json, struct, sys, termios, time
from reconciler.adapters.progress.live import LiveProgress

terminal = io.TextIOWrapper(sys.stderr.buffer, encoding="utf-8", write_through=True)
go = LiveProgress(terminal, **json.loads(sys.argv[1]))
refresh, pictures = go._live.refresh, []

def counted():
    refresh()
    pictures.append(True)

go._live.refresh = counted
for name, *arguments in json.loads(sys.stdin.read()):
    if name == "drawn":  # wait until what is known by now has been drawn: the picture after the one under way
        enough = len(pictures) + 2
        while len(pictures) < enough:
            time.sleep(0.01)
    elif name == "raise":
        raise SystemExit(3)
    elif name == "resize":  # between two pictures; the mark says where
        with go._live._lock:
            print(f"\\x1b[{arguments[0]}w", end="", file=terminal, flush=True)
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *reversed(arguments), 0, 0))
    elif name == "clock":  # all that was begun by now began so many seconds earlier
        go._tally.began -= arguments[0]
        for row in go._tally.under_way():
            row.began -= arguments[0]
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


def screen(output: str, columns: int = 80) -> list[str]:
    """What stands on the terminal in the end; of the control sequences only those that the display uses are known.

    As most terminals do, it wraps what stands there when it becomes narrower.
    """
    rows, row, col = [""], 0, 0
    for piece in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", output):
        if piece == "\n":
            row += 1
            rows += [""] * (row + 1 - len(rows))
        elif piece == "\r":
            col = 0
        elif piece.startswith("\x1b["):
            kind, amount = piece[-1], piece[2:-1]
            assert kind in "AKmhlw", f"unknown control sequence {piece!r}"
            if kind == "A":
                row = max(0, row - int(amount or 1))
            elif kind == "K":
                rows[row] = "" if amount == "2" else rows[row][:col]
            elif kind == "w":
                columns = int(amount)
                wrapped = [
                    [line[at : at + columns] for at in range(0, len(line) or 1, columns)] for line in rows
                ]
                row, col = sum(map(len, wrapped[: row + 1])) - 1, col % columns
                rows = [part for parts in wrapped for part in parts]
        else:
            rows[row] = rows[row][:col].ljust(col) + piece + rows[row][col + len(piece) :]
            col += len(piece)
    return [line.rstrip() for line in rows if line.strip()]


def pictures(output: str) -> list[list[str]]:
    """What stood on the terminal before each time it was drawn anew."""
    starts = [found.start() for found in re.finditer(r"\r\x1b\[2K", output)]
    return [screen(output[:start]) for start in [*starts, len(output)]]


def plain_text(output: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output)
