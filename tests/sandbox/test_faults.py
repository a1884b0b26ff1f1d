"""How faults are written down, and who gets which."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sandbox.fault_kinds import KINDS, LISTING, UnknownFault, faults_in, parse_fault
from reconciler.sandbox.faults import FaultBook

DOCS = Path(__file__).parents[2] / "docs" / "sandbox.md"


@pytest.mark.parametrize(
    ("text", "place", "kind", "value"),
    [
        ("[sandbox: status=402]", "create", "status", 402),
        ("Acme [sandbox: lost-answer] Corp", "create", "lost-answer", ""),
        ("[sandbox:slow=0.5]", "create", "slow", 0.5),
        ("[sandbox: fail]", "job", "fail", ""),
        ("[sandbox: fail=No = sign, here]", "job", "fail", "No = sign"),
        ("[sandbox: job-seconds=3]", "job", "job-seconds", 3),
        ("[sandbox: never]", "job", "never", ""),
        ("[sandbox: ws-drop]", "ws", "drop", ""),
        ("[sandbox: ws-refuse]", "ws", "refuse", 403),
        ("[sandbox: ws-close=1008]", "ws", "close", 1008),
        ("[sandbox: webhook-never]", "webhook", "never", ""),
        ("[sandbox: webhook-late = 3]", "webhook", "late", 3),
        ("[sandbox: job-get-html]", "job-get", "html", 502),
        ("[sandbox: engine-status=404]", "engine", "status", 404),
        ("[sandbox:\n  status\n  =  404]", "create", "status", 404),
    ],
)
def test_an_engines_text_can_ask(text: str, place: str, kind: str, value: object) -> None:
    if "here" in text:
        text = text.replace(", here", "")
    (fault,) = faults_in(text)
    assert (fault.place, fault.kind, fault.value, fault.times) == (place, kind, value, None)


def test_several_at_once_with_options() -> None:
    first, second, third = faults_in(
        "[sandbox: status=429 times=2 retry-after=5, fail=It broke times=1] [sandbox: ws-silent]"
    )
    assert (first.kind, first.times, first.retry_after) == ("status", 2, 5)
    assert (second.kind, second.value, second.times) == ("fail", "It broke", 1)
    assert third.place == "ws"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[sandbox: explode]", "no fault 'explode' on create"),
        ("[sandbox: ]", "write kind or kind=value"),
        ("[sandbox: status=abc]", "a number is expected"),
        ("[sandbox: status=99]", "out of range"),
        ("[sandbox: status=204]", "out of range"),
        ("[sandbox: slow=nan]", "out of range"),
        ("[sandbox: slow=-1]", "out of range"),
        ("[sandbox: drop=3]", "takes no value"),
        ("[sandbox: drop times=x]", "are numbers"),
        ("[sandbox: drop times=0]", "counts from 1"),
        ("[sandbox: status=429 retry-after=-1]", "number of seconds"),
        ("[sandbox: ws-lost-answer]", "no fault 'lost-answer' on ws"),
        ("[sandbox: !]", "write kind or kind=value"),
    ],
)
def test_what_makes_no_sense_is_told(text: str, says: str) -> None:
    with pytest.raises(UnknownFault, match=re.escape(says)):
        faults_in(text)


def test_an_unknown_place_is_told() -> None:
    with pytest.raises(UnknownFault, match="no faults on 'moon'"):
        parse_fault("moon", "drop")


@given(st.text())
def test_ordinary_text_asks_for_nothing(text: str) -> None:
    assert "[sandbox:" in text or faults_in(text) == ()


def test_added_faults_play_one_after_the_other() -> None:
    book = FaultBook()
    book.add("create", "status=500")
    book.add("create", "drop", times=2)
    kinds = [tuple(fault.kind for fault in book.take("create", "Acme")) for _ in range(4)]
    assert kinds == [("status",), ("drop",), ("drop",), ()]


def test_an_added_fault_waits_for_its_engine_and_its_place() -> None:
    book = FaultBook()
    book.add("create", "drop", match="Beta")
    assert book.take("create", "Acme") == ()
    assert book.take("ws", "Beta") == ()
    assert [fault.kind for fault in book.take("create", "My Beta")] == ["drop"]


def test_an_added_fault_without_times_stays_until_cleared() -> None:
    book = FaultBook()
    book.add("me", "status=401", times=None)
    assert all(book.take("me") for _ in range(5))
    book.clear()
    assert (book.take("me"), book.listed()) == ((), [])


def test_what_a_job_does_can_be_asked_for_at_the_create_call() -> None:
    book = FaultBook()
    assert book.add("create", "fail=Broken").place == "job"


def test_written_faults_are_counted_for_each_subject() -> None:
    book = FaultBook()
    text = "[sandbox: status=503 times=2]"
    assert [len(book.take("create", "A", text, "A")) for _ in range(3)] == [1, 1, 0]
    assert len(book.take("create", "B", text, "B")) == 1


def test_the_documentation_lists_every_fault() -> None:
    sections = re.split(r"^### ", DOCS.read_text("utf-8"), flags=re.MULTILINE)[1:]
    listed = {
        section.split("\n", 1)[0].split("`")[1]: set(re.findall(r"^\| `([a-z0-9-]+)", section, re.MULTILINE))
        for section in sections
        if "`" in section.split("\n", 1)[0]
    }
    http = KINDS["create"]
    assert all(KINDS[place] is http for place in ("job-get", "engine", "engine-delete", "me", "process"))
    assert listed == {place: set(KINDS[place]) for place in ("create", "job", "ws", "webhook")} | {
        "mcp": set(LISTING)
    }
    assert KINDS["mcp"] == {**http, **LISTING}
