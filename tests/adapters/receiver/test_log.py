"""The receiver's log: its two forms, its levels, and its budget."""

from __future__ import annotations

import json

from reconciler.adapters.receiver.log import ServeLog

THEN = 1_700_000_000.0


class Lines(list[str]):
    """A log that writes into it, at a time that can be set."""

    def __init__(self, level: str = "info", *, as_json: bool = False) -> None:
        super().__init__()
        self.now = THEN
        self.log = ServeLog(self.append, lambda: self.now, level=level, as_json=as_json)


def test_text() -> None:
    lines = Lines()
    lines.log.say("info", "stored", job="pjb_1", bytes=12, operation=None)
    lines.log.say("warning", "bad_signature", client="a b", odd="line\nbreak", quoted='a"b', empty="")
    assert lines == [
        "2023-11-14T22:13:20.000Z stored job=pjb_1 bytes=12",
        '2023-11-14T22:13:20.000Z warning bad_signature client="a b" odd="line\\nbreak" quoted="a\\"b" empty=""',
    ]


def test_json() -> None:
    lines = Lines(as_json=True)
    lines.log.say("error", "not stored", why="it\nis full", job=None)
    assert json.loads(lines[0]) == {
        "time": "2023-11-14T22:13:20.000Z",
        "level": "error",
        "event": "not stored",
        "why": "it\nis full",
    }
    assert "\n" not in lines[0]


def test_levels() -> None:
    lines = Lines("warning")
    for level in ("error", "warning", "info", "debug"):
        lines.log.say(level, "said")
        lines.log.note(level, "noted")
        assert lines.log.hears(level) is (level in ("error", "warning"))
    assert len(lines) == 4


def test_a_flood_of_requests_is_counted_and_what_matters_is_said() -> None:
    lines = Lines()
    for _ in range(500):
        lines.log.note("error", "not stored")
    assert not lines.log.hears("info")  # counts as one more
    lines.log.say("info", "ended")
    assert lines[-1].endswith("ended")
    flood = len(lines) - 1
    assert flood < 100
    lines.now += 1
    assert lines.log.hears("info")
    lines.log.note("info", "stored")
    assert lines[-2].endswith(f"warning lines left out count={500 - flood + 1}")
    assert lines[-1].endswith("stored")


def test_a_clock_that_is_set_back_does_not_silence_it() -> None:
    lines = Lines()
    for _ in range(500):
        lines.log.note("info", "stored")
    lines.now -= 3600
    lines.log.note("info", "later")
    assert lines[-1].endswith("later")
