"""What the ledger, the lockfile's log and the lockfile itself tell of the past, together."""

from __future__ import annotations

from dataclasses import replace

from reconciler.app.history import LedgerCommit, history
from reconciler.core.ledger.journal import Acceptance, Begin, End, Update
from reconciler.core.lockfile.entry import Entry, Pending, Provisioned, Retired, Superseded
from reconciler.core.lockfile.model import EMPTY

SPEC = {"name": "Acme"}
SERVING = Provisioned("eng_2", "v1:b", SPEC, operation_id="op-2", provisioned_at="2026-11-20T11:00:00Z")
BEFORE = Superseded(
    "eng_1", "v1:a", SPEC, "2026-11-20T11:00:00Z", operation_id="op-1", provisioned_at="2026-11-01T11:00:00Z"
)
OVERTAKEN = Superseded(
    "eng_0", "v1:0", SPEC, "2026-11-02T11:00:00Z", status="failed", submitted_at="2026-11-02T10:00:00Z"
)
WAITING = Pending(
    "in_progress",
    "op-3",
    "v1:c",
    SPEC,
    engine_id="eng_3",
    job_id="pjb_3",
    submitted_at="2026-11-24T11:00:00Z",
)
LOCKFILE = EMPTY.with_entry("acme", Entry(SERVING, WAITING, (BEFORE, OVERTAKEN))).with_retired(
    "old", (Retired(Entry(Provisioned("eng_9", "v1:z", SPEC)), "2026-11-22T10:00:00Z"),)
)
COMMIT = LedgerCommit(
    "c1",
    "Ann",
    "https://ci/runs/7",
    (
        Begin("op-2", "acme", "v1:b", SPEC, {}, "2026-11-20T10:58:55Z"),
        Acceptance("op-2", "pjb_2", "eng_2", "2026-11-20T10:58:56Z"),
        End("op-2", "completed", "2026-11-20T11:00:00Z"),
        Begin("op-3", "acme", "v1:c", SPEC, {}, "2026-11-24T11:00:00Z"),
    ),
)


def test_a_lockfile_tells_of_its_engines_newest_first() -> None:
    told = [(one.at[:10], one.key, one.status, one.engine_id) for one in history([], [], standing=LOCKFILE)]
    assert told == [
        ("2026-11-24", "acme", "accepted", "eng_3"),
        ("2026-11-22", "old", "retired", "eng_9"),
        ("2026-11-20", "acme", "completed", "eng_2"),
        ("2026-11-02", "acme", "failed", "eng_0"),
        ("2026-11-01", "acme", "completed", "eng_1"),
    ]


def test_an_update_is_told_by_the_ledger_or_else_by_the_lockfile() -> None:
    updated = replace(SERVING, revision=1, updated_at="2026-11-23T09:00:00Z")
    standing = EMPTY.with_entry("acme", Entry(updated))
    [first, *_] = history([], [], standing=standing)
    assert (first.at, first.status, first.engine_id) == ("2026-11-23T09:00:00Z", "updated", "eng_2")
    fact = Update("u-1", "acme", "eng_2", 1, "v1:b", SPEC, {}, "2026-11-23T09:00:00.123Z")
    told = history([COMMIT, LedgerCommit("c2", "Bob", None, (fact,))], [], standing=standing)
    assert [(one.by, one.commit) for one in told if one.status == "updated"] == [("Bob", "c2")]


def test_what_others_tell_better_is_told_once() -> None:
    told = history([COMMIT], [], "acme", standing=LOCKFILE)
    [serving] = [one for one in told if one.engine_id == "eng_2"]
    assert (serving.by, serving.commit) == ("Ann", "c1")


def test_a_job_that_ended_says_how_long_it_took() -> None:
    took = {one.operation: one.took for one in history([COMMIT], [])}
    assert took == {"op-2": 65.0, "op-3": None}


def test_without_a_lockfile_only_the_logs_tell() -> None:
    assert history([], []) == []


def test_what_was_recreated_says_what_was_gone() -> None:
    begin = Begin("op-4", "acme", "v1:b", SPEC, {}, "2026-11-25T11:00:00Z", instead_of="eng_2")
    facts = (begin, Acceptance("op-4", "pjb_4", "eng_4", begin.at), End("op-4", "completed", begin.at))
    [told] = history([LedgerCommit("c2", "Ann", None, facts)], [], standing=EMPTY)
    assert told.status == "completed, eng_2 was gone (drift)"
