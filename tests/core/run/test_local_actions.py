"""The local part of a plan: no engine is forgotten, and the entry is where the plan said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.engine.spec import Spec
from reconciler.core.lockfile.entry import IN_PROGRESS, Entry
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.run.local_actions import perform_all
from tests.core.build import (
    A,
    B,
    C,
    at,
    current,
    entry,
    failed,
    lockfile,
    pending,
    plan_of,
    refused,
    superseded,
)
from tests.core.strategies import few_specs, lockfiles
from tests.core.world import entries_of

LATER = at(30)
files = st.dictionaries(st.sampled_from(["acme", "blog", "new"]), few_specs, max_size=3)


def performed(lock: Lockfile, specs: dict[str, Spec]) -> Lockfile:
    return perform_all(lock, plan_of(lock, specs), LATER)


def at_key(lock: Lockfile, key: str) -> Entry:
    one = lock.entry(key)
    assert one is not None
    return one


@given(lockfiles(), files)
def test_no_engine_is_forgotten_and_none_is_named_twice(lock: Lockfile, specs: dict[str, Spec]) -> None:
    def engines(which: Lockfile) -> list[str]:
        return sorted(engine for _, one in entries_of(which) for engine in one.engine_ids)

    assert engines(performed(lock, specs)) == engines(lock)


@given(lockfiles(), files)
def test_the_given_lockfile_stays_as_it_was(lock: Lockfile, specs: dict[str, Spec]) -> None:
    before = repr(lock)
    performed(lock, specs)
    assert repr(lock) == before


def test_what_calls_the_platform_changes_nothing_here() -> None:
    running = pending("2", A, files={"engines/b.yaml": "b10b" * 10})
    lock = lockfile(
        {"a": entry(current("1", A)), "b": entry(None, running), "c": entry(None, failed("3", A))}
    )
    assert performed(lock, {"a": B, "b": A, "c": A, "d": A}) == lock


def test_a_discard_keeps_the_engine_that_was_let_go() -> None:
    one = at_key(performed(lockfile({"a": entry(current("1", A), pending("2", B))}), {"a": A}), "a")
    assert one.current == current("1", A)
    assert one.pending is None
    assert [old.engine_id for old in one.superseded] == ["eng_2"]


def test_a_restore_switches_back() -> None:
    one = at_key(performed(lockfile({"a": entry(current("2", B), None, superseded("1", A))}), {"a": A}), "a")
    assert one.current is not None
    assert one.current.engine_id == "eng_1"


def test_a_move_takes_the_whole_entry_and_its_new_files() -> None:
    lock = lockfile({"old": entry(current("1", A), None, superseded("0", C))})
    after = performed(lock, {"new": A})
    assert list(after.engines) == ["new"]
    one = at_key(after, "new")
    assert one.current == current("1", A, files={"engines/new.yaml": "b10b" * 10})
    assert one.superseded == (superseded("0", C),)


def test_a_move_lets_go_of_a_replacement_nobody_asks_for() -> None:
    one = at_key(performed(lockfile({"old": entry(current("1", A), pending("2", B))}), {"new": A}), "new")
    assert one.pending is None
    assert [old.engine_id for old in one.superseded] == ["eng_2"]


def test_a_move_carries_on_the_job_that_it_is_about() -> None:
    one = at_key(performed(lockfile({"old": entry(current("1", B), pending("2", A))}), {"new": A}), "new")
    assert one.pending == pending("2", A, files={"engines/new.yaml": "b10b" * 10})


def test_a_chain_of_moves_and_retirements_comes_out_right() -> None:
    lock = lockfile({"a": entry(current("1", A)), "b": entry(current("2", B)), "c": entry(current("3", C))})
    after = performed(lock, {"x": A, "y": B})
    assert sorted(after.engines) == ["x", "y"]
    assert [one.entry.engine_ids for one in after.retired_of("c")] == [("eng_3",)]


def test_a_retirement_keeps_everything_and_the_ones_before_it() -> None:
    lock = lockfile({"a": entry(current("2", A), pending("3", B))}, a=entry(current("1", C)))
    after = performed(lock, {})
    assert "a" not in after.engines
    assert [one.entry for one in after.retired_of("a")] == [
        entry(current("1", C)),
        entry(current("2", A), pending("3", B)),
    ]
    assert after.retired_of("a")[1].retired_at == "2026-11-24T11:00:30Z"


def test_an_entry_without_an_engine_is_not_worth_retiring() -> None:
    after = performed(lockfile({"a": entry(None, refused("1", A))}), {})
    assert after == lockfile({})


@pytest.mark.parametrize(
    ("retired", "serving", "waiting"),
    [
        (entry(current("1", A)), "eng_1", None),
        (entry(current("1", A), pending("2", B)), "eng_1", None),
        (entry(current("2", B), None, superseded("1", A)), "eng_1", None),
        (entry(None, pending("1", A)), None, "eng_1"),
        (entry(current("2", B), pending("1", A)), "eng_2", "eng_1"),
        (entry(current("2", B), None, superseded("1", A, IN_PROGRESS)), "eng_2", "eng_1"),
    ],
)
def test_what_comes_back_from_retirement(retired: Entry, serving: str | None, waiting: str | None) -> None:
    lock = lockfile({}, acme=retired)
    after = performed(lock, {"acme": A})
    one = at_key(after, "acme")
    assert (one.current and one.current.engine_id) == serving
    assert (one.pending and one.pending.engine_id) == waiting
    for part in (one.current, one.pending):
        if part is not None and part.engine_id == "eng_1":
            assert part.files == {"engines/acme.yaml": "b10b" * 10}
    assert after.retired == {}


def test_a_resume_takes_note_of_files_that_were_touched_meanwhile() -> None:
    one = at_key(
        performed(lockfile({"a": entry(None, pending("1", A, files={"x": "d" * 40}))}), {"a": A}), "a"
    )
    assert one.pending == pending("1", A, files={"engines/a.yaml": "b10b" * 10})


def test_only_the_retired_entry_that_was_brought_back_leaves_the_list() -> None:
    lock = lockfile({}, acme=entry(current("1", A)))
    again = performed(performed(lock, {"acme": B}), {})  # nothing is made here, so nothing new is retired
    assert again == lock
    two = lockfile({"acme": entry(current("2", B))}, acme=entry(current("1", A)))
    after = performed(performed(two, {}), {"acme": A})
    assert at_key(after, "acme").engine_ids == ("eng_1",)
    assert [one.entry.engine_ids for one in after.retired_of("acme")] == [("eng_2",)]


def test_a_resume_of_an_overtaken_job_makes_it_pending_again() -> None:
    lock = lockfile({"a": entry(None, pending("2", B), superseded("1", A, IN_PROGRESS))})
    one = at_key(performed(lock, {"a": A}), "a")
    assert one.pending is not None
    assert one.pending.engine_id == "eng_1"
    assert [old.engine_id for old in one.superseded] == ["eng_2"]
