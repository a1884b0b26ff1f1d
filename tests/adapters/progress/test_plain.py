"""The plain display of a run: timestamped lines into a stream."""

from __future__ import annotations

import errno
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.adapters.progress.live import LiveProgress
from reconciler.adapters.progress.plain import PlainProgress
from reconciler.app.ports import Observer
from tests.adapters.progress.waiting import drawing, wait_until


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

    def __init__(self, *, verbose: bool = False) -> None:
        self.clock = Hand()
        self.stream = io.StringIO()
        self.progress = PlainProgress(self.stream, self.clock, verbose=verbose)

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
    go.step("acme", "crawling_sources", "page 3 of 12")
    go.step("acme", "crawling_sources", "page 3 of 12")
    plain.clock.forward(12)
    go.completed("acme", None)
    go.failed("store", "no crawl: 404")
    assert plain.texts == [
        "1 provisioning job to create, 1 running job to wait for",
        "store  waiting for job pjb_S",
        "acme  accepted: eng_X (job pjb_Y)",
        "acme  crawling sources: page 3 of 12",
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
    plain.progress.step("acme", "crawling", None)
    plain.progress.completed("acme", "eng_X")
    plain.progress.ended()
    assert plain.texts[1:5] == [
        "acme  creating",
        "acme  accepted: eng_X (job pjb_Y)",
        "acme  crawling",
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


@pytest.mark.parametrize("count", [10, 60, 1_000])
def test_many_take_a_line_a_phase_and_one_a_minute(count: int) -> None:
    plain = Plain()
    go = plain.progress
    go.begun(count, 0)
    for number in range(count):
        key = f"shop/{number}"
        go.submitting(key)
        go.accepted(key, f"eng_{number}", f"pjb_{number}")
        go.waiting(key, f"pjb_{number}")
        go.step(key, "crawling_sources" if number % 5 else "building_glossary", f"page {number}")
    assert plain.texts == [
        f"{count:,} provisioning jobs to create",
        f"0/{count:,} engines; waiting for {count:,} jobs",
    ]
    for _ in range(150):
        plain.clock.forward(1)
        go.tick()
    steps = f"{count // 5} building glossary, {count * 4 // 5} crawling sources"
    assert plain.texts[2:] == [f"0/{count:,} engines ({took}); {steps}" for took in ("1m 00s", "2m 00s")]
    for number in range(count):
        go.completed(f"shop/{number}", None)
    go.ended()
    assert plain.texts[4:] == [f"{count:,}/{count:,} engines (2m 30s)"]


def test_what_went_wrong_with_many_is_named_once() -> None:
    plain = Plain()
    go = plain.progress
    go.begun(100, 0)
    for number in range(100):
        go.accepted(f"k{number}", "e", "j")
    for number in range(5):
        go.failed(f"k{number}", "the link answered 404 " + "again and " * 30)
    go.uncertain("k5", "no answer")
    assert len(plain.lines) == 2
    plain.clock.forward(60)
    go.tick()
    counts, steps, *wrong = plain.texts[2].split("; ")
    assert (counts, steps) == ("6/100 engines, 5 failed, 1 uncertain (1m 00s)", "94 waiting")
    assert [one.partition(" failed: ")[0] for one in wrong] == ["k0", "k1", "k2", "3 more went wrong"]
    assert all(one.endswith(("again …", "and …", "wrong")) and len(one) < 130 for one in wrong)
    plain.clock.forward(60)
    go.tick()
    assert plain.texts[3] == "6/100 engines, 5 failed, 1 uncertain (2m 00s); 94 waiting"
    go.ended()


def test_notices_about_single_engines_are_counted_as_failures_are() -> None:
    plain = Plain()
    go = plain.progress
    go.begun(100, 0)
    for number in range(100):
        go.accepted(f"k{number}", "e", "j")
        go.notice(f"k{number}: cannot wait for its job: HTTP 401")
    go.notice("interrupted: no further create call")
    go.ended()
    assert plain.texts[2] == "interrupted: no further create call"
    assert plain.texts[3].endswith("k2 cannot wait for its job: HTTP 401; 97 more went wrong")
    assert len(plain.lines) == 4


def test_unknown_steps_fill_no_line() -> None:
    """A platform may name as many steps as it likes."""
    plain = Plain()
    go = plain.progress
    go.begun(100, 0)
    for number in range(100):
        go.accepted(f"k{number}", "e", "j")
        go.step(f"k{number}", f"step_{number}\x1b[2J", None)
    go.ended()
    assert plain.texts[-1].count(" step ") == 6
    assert "\x1b" not in plain.stream.getvalue()


def test_a_heartbeat_while_nothing_happens(plain: Plain) -> None:
    go = plain.progress
    go.begun(2, 3)
    for key in ("a", "b", "c"):
        go.waiting(key, f"pjb_{key}")
    go.submitting("d")
    before = len(plain.lines)
    plain.clock.forward(59)
    go.tick()
    assert len(plain.lines) == before
    plain.clock.forward(31)
    go.tick()
    go.tick()
    assert plain.texts[before:] == ["still waiting for 3 jobs and 1 create call (1m 30s): a, b, c, …"]


def test_the_heartbeat_beats_by_itself_and_ends(plain: Plain) -> None:
    go = plain.progress
    go.begun(0, 1)
    go.waiting("acme", "pjb_Y")
    plain.clock.forward(60)
    wait_until(lambda: "still waiting for 1 job (" in plain.stream.getvalue())
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
    plain.clock.forward(60)
    go.tick()
    assert plain.texts[1:] == ["1/30 engines (1m 00s); 29 queued; acme uncertain: cut off"]


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
