"""What a pull request was told, over several runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.lockfile.entry import (
    FAILED,
    IN_PROGRESS,
    UNCERTAIN,
    Entry,
    Pending,
    Provisioned,
    Superseded,
)
from reconciler.core.lockfile.model import EMPTY
from reconciler.core.plan.model import Kind
from reconciler.core.pull_request.comment_state import (
    CommentState,
    ends_of,
    first_submitted,
    read_told,
    told_document,
)
from reconciler.core.run.outcome import Result, Status
from tests.core.build import A, current, entry, lockfile, pending

RUNNING = Result("acme", Kind.REPLACE, Status.RUNNING, "eng_2", "eng_1", "pjb_2", "op2")
ENDED = Result("acme", Kind.RESUME, Status.DONE, "eng_2", job_id="pjb_2", operation_id="op2")
OTHER = Result("shop", Kind.CREATE, Status.DONE, "eng_3", operation_id="op3")


def test_a_run_that_waits_for_a_job_ends_what_began_it() -> None:
    told = CommentState().and_then([RUNNING, OTHER])
    assert told.running == {"op2"}
    later = told.and_then([ENDED])
    assert later.results["acme"] == replace(ENDED, kind=Kind.REPLACE, previous="eng_1")
    assert later.results["shop"] == OTHER
    assert not later.running


def test_an_operation_of_its_own_takes_the_place_of_the_earlier_one() -> None:
    again = replace(ENDED, operation_id="op9")
    assert CommentState().and_then([RUNNING]).and_then([again]).results["acme"] == again


def ends(entry: Entry | None) -> tuple[Result, ...]:
    lockfile = EMPTY if entry is None else EMPTY.with_entry("acme", entry)
    return ends_of(CommentState().and_then([RUNNING, OTHER, replace(RUNNING, key="gone")]), lockfile)


def test_what_the_lockfile_says_by_now_is_the_end() -> None:
    spec: dict[str, Any] = {"name": "acme"}
    now = Provisioned("eng_2", "v1:a", spec, operation_id="op2", summary={"instructions": 1})
    assert ends(Entry(now)) == (replace(RUNNING, status=Status.DONE, summary={"instructions": 1}),)
    later = Superseded("eng_2", "v1:a", spec, "2026-11-24T11:08:13Z", operation_id="op2")
    (since_replaced,) = ends(Entry(replace(now, operation_id="op3"), superseded=(later,)))
    assert since_replaced.status is Status.DONE
    pending = Pending(FAILED, "op2", "v1:a", spec, error="no crawl")
    assert ends(Entry(pending=pending)) == (replace(RUNNING, status=Status.FAILED, error="no crawl"),)
    (doubtful,) = ends(Entry(pending=replace(pending, status=UNCERTAIN)))
    assert doubtful.status is Status.UNCERTAIN
    assert "reconcile resolve acme" in (doubtful.hint or "")


def test_what_runs_or_is_not_known_any_more_has_no_end() -> None:
    spec: dict[str, Any] = {"name": "acme"}
    other = Provisioned("eng_9", "v1:b", spec, operation_id="op9")
    overtaken = Superseded(
        "eng_2", "v1:a", spec, "2026-11-24T11:08:13Z", operation_id="op2", status=IN_PROGRESS
    )
    running = Pending(IN_PROGRESS, "op2", "v1:a", spec, engine_id="eng_2", job_id="pjb_2")
    for found in (None, Entry(other), Entry(other, superseded=(overtaken,)), Entry(other, running)):
        assert ends(found) == ()


def size_of(part: Mapping[str, Any]) -> int:
    return len(json.dumps(part)) + 2


texts = st.text(min_size=1, max_size=40)
results = st.builds(
    Result,
    texts,
    st.sampled_from(Kind),
    st.sampled_from(Status),
    engine_id=st.none() | texts,
    previous=st.none() | texts,
    job_id=st.none() | texts,
    operation_id=st.none() | texts,
    error=st.none() | texts,
    hint=st.none() | texts,
)
tolds = st.builds(
    lambda found, unchanged: CommentState(unchanged=unchanged, commit="c").and_then(found),
    st.lists(results, max_size=5),
    st.integers(0, 100),
)


@given(tolds)
def test_what_is_needed_comes_back_out_of_the_document(told: CommentState) -> None:
    read = read_told(json.loads(json.dumps(told_document(told, 100_000, size_of))))
    assert read is not None
    assert read.running == told.running
    assert (read.unchanged, read.left, read.commit) == (told.unchanged, 0, "c")
    kept = {key: (one.kind, one.status, one.engine_id) for key, one in told.results.items()}
    assert {key: (one.kind, one.status, one.engine_id) for key, one in read.results.items()} == kept


@given(tolds, st.integers(0, 600))
def test_what_has_no_room_is_counted(told: CommentState, room: int) -> None:
    document = told_document(told, room, size_of)
    assert len(json.dumps(document["results"])) <= room + 2
    assert len(document["results"]) + document["left"] == len(told.results)


def test_what_runs_is_kept_first() -> None:
    many = [replace(OTHER, key=f"shop/{number}") for number in range(100)]
    read = read_told(told_document(CommentState().and_then([*many, RUNNING]), 1_000, size_of))
    assert read is not None
    assert read.running == {"op2"}
    assert read.left == 101 - len(read.results) > 50


@pytest.mark.parametrize("document", [None, 5, [], {}, {"v": 2}, {"v": "1"}, {"results": []}])
def test_what_is_no_such_document(document: object) -> None:
    assert read_told(document) is None


BAD = [5, {}, {"key": "x"}, {"key": "x", "kind": "create", "status": "great"}, {"kind": [], "status": {}}]


def test_parts_that_cannot_be_read_are_left_out() -> None:
    good = {"key": "acme", "kind": "create", "status": "done", "engineId": 5, "error": "x" * 3_000}
    odd = {"unchanged": -1, "left": True, "commit": 5, "run": ""}
    read = read_told({"v": 1, "results": [*BAD, good], **odd})
    assert read == CommentState({"acme": Result("acme", Kind.CREATE, Status.DONE)})
    assert read_told({"v": 1, "results": "no"}) == CommentState()


def test_when_the_first_of_the_running_jobs_was_submitted() -> None:
    def submitted(name: str, at: str, status: str = IN_PROGRESS) -> Entry:
        return entry(None, pending(name, A, status, submitted_at=at))

    entries = {
        "serves": entry(current("s", A)),
        "failed": submitted("f", "2026-01-01T00:00:00Z", FAILED),
        "odd": submitted("o", "yesterday"),
        "no zone": submitted("n", "2026-01-02T00:00:00"),
        "before all time": submitted("b", "0001-01-01T00:00:00+14:00"),
    }
    assert first_submitted(lockfile(entries)) is None
    entries |= {
        "late": submitted("l", "2026-03-01T12:00:00Z"),
        "early": submitted("e", "2026-03-01T13:00:00+02:00"),
    }
    assert first_submitted(lockfile(entries)) == datetime(2026, 3, 1, 11, tzinfo=UTC)
