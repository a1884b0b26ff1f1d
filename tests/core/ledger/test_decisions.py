"""What a run decides without a call: once, again, and late, when the lockfile has moved on."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from reconciler.core.engine.spec import LifecycleOptions
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Begin, Decision
from reconciler.core.lockfile.entry import Entry, Retired
from reconciler.core.lockfile.model import EMPTY, Lockfile
from tests.core.build import (
    A,
    B,
    C,
    at,
    begin,
    current,
    entry,
    failed,
    lockfile,
    pending,
    superseded,
    uncertain,
)

NOW = at(30)
FILES = {"engines/acme.yaml": "d" * 40}
SERVING = lockfile({"acme": entry(current("1", A))})


def decided(lock: Lockfile, kind: str, key: str = "acme", **what: object) -> Lockfile:
    """The lockfile after the decision, and after it was made once more."""
    decision = Decision("d-1", key, kind, NOW, **what)  # type: ignore[arg-type]
    once = fold(lock, [decision])
    assert fold(once, [decision]) == once
    return once


def kept(lock: Lockfile, key: str = "acme") -> Entry:
    one = lock.entry(key)
    assert one is not None
    return one


# ── move ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_move_takes_the_entry_along_and_drops_what_was_pending_beside() -> None:
    lock = lockfile({"old": entry(current("1", A), pending("2", B))})
    moved = decided(lock, "move", engine_id="eng_1", from_key="old", kept={"protect": True})
    assert moved.engines.keys() == {"acme"}
    assert (kept(moved).pending, kept(moved).engine_ids) == (None, ("eng_1", "eng_2"))
    assert kept(moved).kept.protect


def test_a_move_of_what_is_pending_goes_on_waiting() -> None:
    lock = lockfile({"old": entry(None, pending("1", A))})
    assert decided(lock, "move", about="op_1", from_key="old") == lockfile(
        {"acme": entry(None, pending("1", A))}
    )


@pytest.mark.parametrize(
    "late",
    [
        EMPTY,  # gone
        lockfile({"old": entry(current("9", A))}),  # another one serves
        lockfile({"old": entry(current("1", A)), "acme": entry(current("8", B))}),  # its place is taken
    ],
)
def test_a_move_that_comes_late_changes_nothing(late: Lockfile) -> None:
    assert decided(late, "move", engine_id="eng_1", from_key="old") == late


# ── retire ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_retirement_keeps_every_engine() -> None:
    lock = lockfile({"acme": entry(current("2", B), None, superseded("1", A))})
    retired = decided(lock, "retire", engine_id="eng_2")
    assert retired.engines == {}
    assert retired.retired_of("acme") == (Retired(kept(lock), NOW[:19] + "Z"),)


def test_what_made_nothing_is_retired_without_a_trace() -> None:
    lock = lockfile({"acme": entry(None, failed("1", A, engine_id=None, job_id=None))})
    assert decided(lock, "retire", about="op_1") == EMPTY


@pytest.mark.parametrize(
    "late",
    [
        EMPTY,
        lockfile({"acme": entry(current("9", A))}),
        lockfile({"acme": entry(current("1", A), uncertain("2", B))}),
    ],
)
def test_a_retirement_is_not_carried_out_where_something_else_is_there_or_in_question(late: Lockfile) -> None:
    assert decided(late, "retire", engine_id="eng_1") == late


# ── restore ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_restored_engine_serves_and_the_one_before_is_kept() -> None:
    lock = lockfile({"acme": entry(current("2", B), None, superseded("1", A))})
    restored = decided(lock, "restore", engine_id="eng_1", instead_of="eng_2", files=FILES)
    one = kept(restored)
    assert one.current is not None
    assert (one.current.engine_id, one.current.files, one.engine_ids) == ("eng_1", FILES, ("eng_1", "eng_2"))


def test_what_was_retired_serves_again_as_it_was() -> None:
    lock = lockfile({}, acme=entry(current("1", A), pending("2", B)))
    restored = decided(lock, "restore", engine_id="eng_1", files=FILES)
    assert restored.retired == {}
    assert (kept(restored).pending, kept(restored).engine_ids) == (None, ("eng_1", "eng_2"))


def test_what_was_retired_joins_what_has_its_key_by_now() -> None:
    lock = lockfile({"acme": entry(current("3", C))}, acme=entry(current("1", A)))
    restored = decided(lock, "restore", engine_id="eng_1", instead_of="eng_3", files=FILES)
    assert restored.retired == {}
    assert set(kept(restored).engine_ids) == {"eng_1", "eng_3"}
    assert kept(restored).engine_ids[0] == "eng_1"


@pytest.mark.parametrize(
    "late",
    [EMPTY, lockfile({"acme": entry(current("3", C), None, superseded("2", B), superseded("1", A))})],
)
def test_a_restore_gives_way_to_an_engine_that_came_to_serve_since(late: Lockfile) -> None:
    assert decided(late, "restore", engine_id="eng_1", instead_of="eng_2", files=FILES) == late


# ── discard, resume ────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_discarded_is_kept_in_reserve() -> None:
    lock = lockfile({"acme": entry(current("1", A), pending("2", B))})
    discarded = decided(lock, "discard", about="op_2", kept={"protect": True})
    assert (kept(discarded).pending, kept(discarded).engine_ids) == (None, ("eng_1", "eng_2"))
    assert kept(discarded).kept.protect
    assert decided(SERVING, "discard", about="op_2") == SERVING
    assert decided(EMPTY, "discard", about="op_2") == EMPTY


def test_a_job_that_was_left_is_waited_for_again() -> None:
    lock = lockfile({"acme": entry(current("1", A), None, superseded("2", B, "in_progress"))})
    resumed = kept(decided(lock, "resume", engine_id="eng_2", about="op_2", files=FILES))
    assert resumed.pending is not None
    assert (resumed.pending.operation_id, resumed.pending.files) == ("op_2", FILES)


def test_a_job_of_a_retired_entry_is_waited_for_again() -> None:
    lock = lockfile({}, acme=entry(None, pending("2", B)))
    resumed = decided(lock, "resume", engine_id="eng_2", about="op_2")
    assert (resumed.retired, kept(resumed).engine_ids) == ({}, ("eng_2",))
    assert decided(EMPTY, "resume", engine_id="eng_2", about="op_2") == EMPTY


# ── record, hold ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_the_file_says_beside_its_spec_is_recorded_for_what_it_is_about() -> None:
    fingerprint = kept(SERVING).current.fingerprint  # type: ignore[union-attr]
    recorded = kept(
        decided(
            SERVING, "record", engine_id="eng_1", fingerprint=fingerprint, files=FILES, kept={"protect": True}
        )
    )
    assert recorded.current is not None
    assert (recorded.current.files, recorded.kept) == (FILES, LifecycleOptions(protect=True))
    for late in (EMPTY, lockfile({"acme": entry(current("9", A))})):
        assert decided(late, "record", engine_id="eng_1", kept={"protect": True}) == late


def test_protection_that_is_added_by_what_is_held_back_makes_the_file_read_again() -> None:
    held = kept(decided(SERVING, "hold", engine_id="eng_1", kept={"protect": True}))
    assert held.current is not None
    assert (held.kept.protect, held.current.files) == (True, {})
    waiting = lockfile({"acme": entry(None, pending("1", A))})
    assert decided(waiting, "hold", about="op_1", kept={"protect": True}) == lockfile(
        {"acme": replace(kept(waiting), kept=LifecycleOptions(protect=True))}
    )
    assert decided(EMPTY, "hold", engine_id="eng_1", kept={"protect": True}) == EMPTY


# ── what a file says beside its spec ───────────────────────────────────────────────────────────────────────────────


def test_protection_from_another_version_of_the_file_makes_the_next_plan_read_it_again() -> None:
    lock = lockfile({"acme": entry(current("1", A), pending("2", B))})
    discarded = kept(decided(lock, "discard", about="op_2", files=FILES, kept={"protect": True}))
    assert (discarded.kept.protect, discarded.current and discarded.current.files) == (True, {})
    same = kept(decided(lock, "discard", about="op_2", files=FILES, kept={}))
    assert same.current == current("1", A)


def test_a_call_that_made_nothing_does_not_hide_what_the_file_says() -> None:
    asked = replace(cast("Begin", begin("2", B, 1)), kept={"protect": True})
    open_ = kept(fold(SERVING, [asked]))
    assert (open_.kept.protect, open_.current and open_.current.files) == (True, {})
    waiting = lockfile({"acme": replace(entry(None, pending("1", A)), uncertain=(uncertain("3", C),))})
    both = kept(fold(waiting, [asked]))
    assert [dict(one.files) for one in (both.pending, *both.uncertain) if one] == [{}, {}, asked.files]


@pytest.mark.parametrize("kind", ["resume", "discard"])
def test_one_that_another_operation_came_after_says_nothing_of_protection(kind: str) -> None:
    """The engine that it was about is among those that were replaced, and its file said something else then."""
    protected = replace(entry(current("2", B), None, superseded("1", A)), kept=LifecycleOptions(True))
    lock = lockfile({"acme": protected})
    files = {"engines/acme.yaml": "e" * 40}
    assert (
        decided(lock, kind, engine_id="eng_1", about="op_1", fingerprint="v1:x", files=files, kept={}) == lock
    )
