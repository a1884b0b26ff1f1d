"""What a watch logs, and what it does not log again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.adapters.receiver.log import ServeLog
from reconciler.cli.watching.telling import Teller
from reconciler.core.watch.machine import Trouble, Verdict
from reconciler.core.watch.results import Item, RunResult

DIRTY = Trouble("dirty", "changes: a.yaml", "run `git status`", needs_person=True)
DOWN = Trouble("remote", "no answer")
HELD = Item("acme", "guarded", "replace", "eng_1", "too many", "allow it")
DRIFTED = Item("shop", "drifted", "none", "eng_2", "changed there")


class Told:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.teller = Teller(ServeLog(self.lines.append, lambda: 0.0, as_json=True))

    def events(self) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.lines]
        self.lines.clear()
        return found

    def names(self) -> list[str]:
        return [event["event"] for event in self.events()]

    def result(self, *left: Item, refresh: bool = False, **more: Any) -> list[str]:
        states = {"up_to_date": 1}
        found = RunResult(more.pop("verdict", Verdict.ATTENTION), 6, states=states, left=left, **more)
        self.teller.result(found, refresh=refresh, seconds=1.0)
        return self.names()


@pytest.fixture
def told() -> Told:
    return Told()


def test_what_a_person_has_to_mend_is_told_once(told: Told) -> None:
    for _ in range(5):
        told.teller.trouble(DIRTY)
    [event] = told.events()
    assert (event["level"], event["event"], event["kind"]) == ("error", "blocked", "dirty")
    told.teller.trouble(None)
    told.teller.trouble(None)
    assert told.names() == ["mended"]


def test_what_is_tried_again_is_told_with_the_time_of_the_next_try(told: Told) -> None:
    for pause in (5.0, 10.0):
        told.teller.trouble(DOWN, pause)
    assert [event["retry_in"] for event in told.events()] == [5.0, 10.0]


def test_an_engine_that_is_held_back_is_told_once(told: Told) -> None:
    assert told.result(HELD) == ["engine held back"]
    assert told.result(HELD) == []
    assert told.result(HELD._replace(reason="protected")) == ["engine held back"]
    assert told.result() == ["engine settled"]


def test_another_call_in_doubt_for_the_same_key_is_told(told: Told) -> None:
    """The first one was resolved while another replica had the lease."""
    doubt = Item("acme", "uncertain", "none", None, "got no answer", None, "op_1")
    assert told.result(doubt) == ["engine uncertain"]
    assert told.result(doubt) == []
    assert told.result(doubt._replace(operation="op_2")) == ["engine uncertain"]
    assert told.result(doubt._replace(operation=None)) == []


def test_drift_stands_until_the_next_refresh(told: Told) -> None:
    assert told.result(DRIFTED, refresh=True) == ["engine drifted", "round ended"]
    assert told.result() == []
    assert told.result(DRIFTED, refresh=True) == ["round ended"]
    assert told.result(refresh=True) == ["engine settled", "round ended"]


def test_thousands_of_engines_are_counted(told: Told) -> None:
    names = told.result(*(HELD._replace(key=f"engine-{number}") for number in range(5000)))
    assert len(names) == 51
    assert names[-1] == "more engines"


def test_standing_by_is_told_when_it_begins_and_ends(told: Told) -> None:
    held = RunResult(Verdict.HELD, 5, trouble=Trouble("lease", "another run holds it"))
    for _ in range(3):
        told.teller.result(held, refresh=False, seconds=1.0)
    assert told.names() == ["standing by"]
    assert "taken over" in told.result(verdict=Verdict.CONVERGED, acted=True)


def test_waiting_for_the_lease_is_told_when_it_begins_and_ends(told: Told) -> None:
    for _ in range(3):
        told.teller.waits_for("laptop (7)")
    [event] = told.events()
    assert (event["event"], event["why"]) == ("standing by", "laptop (7) holds the lease")
    for _ in range(3):
        told.teller.waits_for(None)
    assert told.names() == ["lease is free"]
    told.teller.result(RunResult(Verdict.HELD, 5), refresh=False, seconds=1.0)
    told.teller.waits_for("laptop (7)")
    assert told.names() == ["standing by"]


@pytest.mark.parametrize(
    ("line", "again"),
    [("warning: the lockfile is large", []), ("1 provisioning job to create", ["run"]), ("error: no", [])],
)
def test_what_runs_say_again(told: Told, line: str, again: list[str]) -> None:
    told.teller.run_begins()
    told.teller.heard(line)
    told.events()
    told.teller.run_begins()
    told.teller.heard(line)
    assert told.names() == again


@pytest.mark.parametrize(
    "say",
    [
        lambda teller: teller.heard("acme: key lk_secret_value_12345 was refused"),
        lambda teller: teller.trouble(Trouble("remote", "https://me:pa55word@host/x: lk_secret_value_12345")),
        lambda teller: teller.result(
            RunResult(Verdict.ATTENTION, 1, states={}, left=[HELD._replace(reason="lk_secret_value_12345")]),
            refresh=False,
            seconds=0.0,
        ),
    ],
)
def test_no_secret_and_no_control_character_is_told(
    told: Told, say: Callable[[Teller], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINGO_API_KEY", "lk_secret_value_12345")
    say(told.teller)
    [line] = told.lines
    assert "12345" not in line
    assert "pa55word" not in line


@pytest.mark.parametrize("as_json", [True, False])
def test_what_acts_on_terminals_is_shown_as_text(as_json: bool) -> None:
    lines: list[str] = []
    teller = Teller(ServeLog(lines.append, lambda: 0.0, as_json=as_json))
    teller.heard("a\x1b[31m\x07\u202e\u2028::error::b")
    assert lines[0].isprintable()
