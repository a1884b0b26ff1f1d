"""The live display of a run, on a real pseudo-terminal."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import pty
import re
from collections.abc import Sequence
from typing import Any

import pytest

from reconciler.adapters.progress.live import LiveProgress
from tests.adapters.progress.screens import Calls, on_terminal, pictures, plain_text, screen
from tests.adapters.progress.waiting import drawing, wait_until

FEW: Calls = [
    ["begun", 3, 1],
    ["waiting", "store", "pjb_S"],
    ["submitting", "acme"],
    ["accepted", "acme", "eng_A", "pjb_A"],
    ["step", "acme", "crawling_sources", "page 3 of 12"],
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
    assert re.search(r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] acme +\d+s  crawling sources: page 3 of 12", seen)
    assert re.search(r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] store +\d+s  waiting for job pjb_S", seen)
    assert re.search(r"legal +\d+s  creating", seen)
    assert re.search(r"━+ 0/4 engines, \d+s", seen)
    assert re.search(r"━+[╸╺]?━* 3/4 engines, 1 failed, 1 uncertain, \d+s", seen)
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


def many(count: int, steps: Sequence[str]) -> list[Sequence[Any]]:
    """So many engines under way, the steps dealt out to them one after the other."""
    calls: list[Sequence[Any]] = [["begun", count, 0]]
    for number in range(count):
        key = f"shop/{number}"
        calls += [
            ["accepted", key, "eng", "pjb"],
            ["step", key, steps[number % len(steps)], f"page {number}"],
        ]
    return calls


@pytest.mark.parametrize(("count", "columns"), [(60, 40), (60, 80), (60, 120), (300, 40)])
def test_many_engines_are_counted_by_step(count: int, columns: int) -> None:
    calls = many(count, ["crawlingSources", "building_glossary", "building_glossary"])
    output, _ = on_terminal([*calls, ["drawn"], ["completed", "shop/0", None], ["ended"]], columns=columns)
    frame = next(shown for shown in pictures(output) if any("building glossary" in line for line in shown))
    third = count // 3
    assert frame[1:] == [
        f"{third:>{4 + (count > 99)}}  crawling sources",
        f"  {2 * third}  building glossary",
    ]
    assert re.search(f"0/{count} engines, \\d+s", frame[0])
    assert max(map(len, re.split(r"[\r\n]+", plain_text(output)))) < columns
    assert screen(output) == []  # what went well is only counted


def test_from_ten_engines_on_they_are_counted() -> None:
    for count, counted in ((9, False), (10, True)):
        output, _ = on_terminal([*many(count, ["crawling"]), ["drawn"], ["ended"]])
        assert ("shop/3" in output) is not counted
        assert (f"{count}  crawling" in plain_text(output)) is counted


def test_of_many_the_slow_and_the_failed_are_named() -> None:
    calls = many(60, ["crawling"])
    calls += [["completed", f"shop/{number}", None] for number in range(10, 60)]
    calls += [["clock", 100], ["drawn"]]
    calls += [["failed", f"shop/{number}", "no crawl"] for number in range(7)]
    output, _ = on_terminal([*calls, ["drawn"], ["ended"]])
    slow = next(shown for shown in pictures(output) if any(line.startswith("slow") for line in shown))
    assert slow[1:3] == ["  10  crawling", "slow, the first 3 of 10:"]
    assert [re.sub(r"^\S ", "", line) for line in slow[3:]] == [
        f"shop/{number}  1m 40s  crawling: page {number}" for number in range(3)
    ]
    assert screen(output) == [
        *(f"! shop/{number}  failed: no crawl" for number in range(5)),
        "further failures are counted, and listed at the end",
    ]


@pytest.mark.parametrize("count", [9, 60])
@pytest.mark.parametrize("lines", [1, 3, 8])
def test_it_never_fills_a_small_terminal(count: int, lines: int) -> None:
    """More rows than it has would scroll, and leave something behind each time it is drawn."""
    calls = many(count, [f"step {number}" for number in range(9)])
    output, _ = on_terminal(
        [*calls, ["drawn"], ["failed", "shop/0", "no"], ["drawn"], ["ended"]], lines=lines
    )
    assert max(len(shown) for shown in pictures(output)[:-1]) <= max(lines, 2)  # with the one that failed
    assert screen(output) == ["! shop/0  failed: no"]


def test_a_terminal_that_changes_its_size() -> None:
    calls = [*many(60, ["crawling_" + "sources_" * 8, "building_glossary"]), ["drawn"]]
    for size in ((40, 24), (20, 5), (100, 30), (30, 9)):
        calls += [["resize", *size], ["drawn"]]
    output, _ = on_terminal([*calls, ["ended"]], columns=120)
    assert screen(output, 120) == []
    after = plain_text(output.rpartition("\x1b[100w")[2].partition("\x1b[30w")[0])
    assert "crawling sources sources" in after  # there is room again
    assert "0/60 engines" in plain_text(output.rpartition("\x1b[30w")[2])


def test_words_are_cut_between_words_and_paths_at_their_end() -> None:
    key = "marketing/landing-pages/summer"
    calls: Calls = [
        ["begun", 1, 0],
        ["accepted", key, "eng_A", "pjb_A"],
        ["step", key, "extracting_brand_voices", "from a very long list of sources"],
        ["drawn"],
        ["ended"],
    ]
    output, _ = on_terminal(calls, columns=40)
    assert re.search(r" …/landing-pages/summer +\d+s  \r", plain_text(output))
    short = [
        [word.replace(key, "shop/web") if isinstance(word, str) else word for word in call] for call in calls
    ]
    output, _ = on_terminal(short, columns=40)
    assert re.search(r" shop/web +\d+s  extracting brand…\r", plain_text(output))
    output, _ = on_terminal(calls, columns=80)
    assert re.search(rf" {key} +\d+s  extracting brand voices\r", plain_text(output))
    output, _ = on_terminal(calls, columns=120)
    assert re.search(r"s  extracting brand voices: from a very long list of sources\r", plain_text(output))


def test_what_failed_hangs_under_its_text() -> None:
    calls: Calls = [["begun", 1, 0], ["submitting", "a"], ["failed", "a", "no " + "word " * 9], ["ended"]]
    output, _ = on_terminal(calls, columns=40)
    assert screen(output) == ["! a  failed: no word word word word word", "  word word word word"]


def test_without_colour_and_unicode() -> None:
    output, _ = on_terminal([*FEW, ["ended"]], color=False, ascii_only=True)
    assert output.isascii()
    assert "\x1b[1m" not in output
    assert re.search(r"-+ +3/4 engines", output)
    assert cursor_is_back(output)


def test_colour_is_decided_by_the_caller() -> None:
    """`--color always` wins over the environment, and that was looked at already."""
    output, _ = on_terminal([*FEW, ["ended"]], env={"NO_COLOR": "1"})
    assert "\x1b[32m✓" in output
    output, _ = on_terminal([*FEW, ["ended"]], color=False, env={"FORCE_COLOR": "1"})
    assert not re.search(r"\x1b\[[0-9;]*m", output)


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
