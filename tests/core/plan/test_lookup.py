"""Which listed engines a lost answer may be about, and when there is no doubt."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from reconciler.core.lockfile.entry import Pending
from reconciler.core.plan.lookup import (
    AFTER,
    BEFORE,
    Found,
    asked_for,
    commands_for,
    look_through,
    surely_made,
)
from reconciler.core.plan.uncertain import how_to_settle
from reconciler.core.platform.listing import ListedEngine, Listing
from tests.core.build import A, B, current, entry, lockfile, pending, superseded, uncertain

NAME = A.name
OTHER = replace(B, name="Other")
CALL = Pending("uncertain", "op_q", "v1:q", {"name": NAME}, submitted_at="2026-11-24T11:08:13Z")
THEN = datetime.fromisoformat("2026-11-24T11:08:13+00:00").timestamp()


def listed(*engines: tuple[str, str | None, float | None], complete: bool = True) -> Listing:
    return Listing(tuple(ListedEngine(*one) for one in engines), complete)


def ids(found: Found) -> list[str]:
    return [one.engine.engine_id for one in found.candidates]


def test_only_what_nobody_recorded_and_is_named_so() -> None:
    listing = listed(
        ("eng_1", NAME, None), ("eng_2", NAME, None), ("eng_3", "Other", None), ("eng_4", None, None)
    )
    assert ids(look_through(CALL, listing, {"eng_2"})) == ["eng_1"]


def test_nearly_the_same_name_comes_after_the_same() -> None:
    listing = listed(
        ("eng_1", NAME.upper() + "!", THEN), ("eng_2", f"  {NAME}".strip(), THEN + 60), ("eng_3", "x", THEN)
    )
    found = look_through(CALL, listing, ())
    assert ids(found) == ["eng_2", "eng_1"]
    assert [one.exact for one in found.candidates] == [True, False]


@pytest.mark.parametrize(
    ("offset", "fits"), [(0, True), (-BEFORE, True), (AFTER, True), (-BEFORE - 1, False), (AFTER + 1, False)]
)
def test_one_made_at_another_time_is_told_apart(offset: float, fits: bool) -> None:
    found = look_through(CALL, listed(("eng_1", NAME, THEN + offset)), ())
    assert ids(found) == (["eng_1"] if fits else [])
    assert [one.engine_id for one in found.elsewhen] == ([] if fits else ["eng_1"])


def test_the_nearest_in_time_comes_first_and_unknown_times_last() -> None:
    listing = listed(("eng_1", NAME, None), ("eng_2", NAME, THEN + 600), ("eng_3", NAME, THEN + 5))
    assert ids(look_through(CALL, listing, ())) == ["eng_3", "eng_2", "eng_1"]


def test_a_call_whose_time_is_unknown_takes_any() -> None:
    call = Pending("uncertain", "op_q", "v1:q", {"name": NAME}, submitted_at="not a time")
    assert ids(look_through(call, listed(("eng_1", NAME, 1e9)), ())) == ["eng_1"]


def test_a_call_without_a_name_finds_nothing() -> None:
    call = Pending("uncertain", "op_q", "v1:q", {})
    assert ids(look_through(call, listed(("eng_1", NAME, None), ("eng_2", None, None)), ())) == []


# ── no doubt ─────────────────────────────────────────────────────────────────────────────────────────────────────────

MINE = {NAME: {"op_q"}}


def sure(listing: Listing, asked: dict[str, set[str]] = MINE) -> str | None:
    engine = surely_made(CALL, look_through(CALL, listing, ()), listing, asked)
    return engine.engine_id if engine is not None else None


def test_the_only_one_of_this_name_is_the_one() -> None:
    assert (
        sure(listed(("eng_1", NAME, THEN), ("eng_2", "Other", THEN), ("eng_3", NAME.upper(), THEN)))
        == "eng_1"
    )
    assert sure(listed(("eng_1", NAME, None))) == "eng_1"


@pytest.mark.parametrize(
    "listing",
    [
        listed(),
        listed(("eng_1", NAME.upper(), THEN)),
        listed(("eng_1", NAME, THEN), ("eng_2", NAME, THEN)),
        listed(("eng_1", NAME, THEN), ("eng_2", NAME, THEN - 9e6)),
        listed(("eng_1", NAME, THEN - 9e6)),
        listed(("eng_1", NAME, THEN), complete=False),
    ],
)
def test_otherwise_there_is_doubt(listing: Listing) -> None:
    assert sure(listing) is None


def test_another_operation_that_asked_for_the_name_is_a_doubt() -> None:
    assert sure(listed(("eng_1", NAME, THEN)), {NAME: {"op_q", "op_other"}}) is None


def test_names_are_asked_for_by_whatever_is_not_finished() -> None:
    state = lockfile(
        {
            "served": entry(current("x", A), None, superseded("w", A)),
            "running": entry(None, pending("y", A)),
            "lost": entry(current("v", OTHER), uncertain("z", OTHER)),
        }
    )
    assert asked_for(state) == {NAME: {"op_y"}, "Other": {"op_z"}}


def test_what_is_not_finished_counts_in_a_retired_entry_too() -> None:
    gone = entry(None, uncertain("y", A), superseded("w", B))
    assert asked_for(lockfile({}, gone=gone)) == {NAME: {"op_y"}}


# ── in words ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_candidate_has_its_command() -> None:
    listing = Listing(
        (ListedEngine("eng_1", NAME, THEN, "pjb_1"), ListedEngine("eng_2", NAME.upper() + ".", None))
    )
    lines = commands_for("acme", CALL, look_through(CALL, listing, ()), several=True)
    assert (
        lines[0] == "eng_1 has this name, was created at 2026-11-24T11:08:13Z, and is not recorded anywhere"
    )
    assert lines[1].endswith("reconcile resolve acme --operation op_q --engine-id eng_1 --job-id pjb_1")
    assert lines[3].endswith("reconcile resolve acme --operation op_q --engine-id eng_2")


def test_many_are_counted() -> None:
    listing = listed(*((f"eng_{at}", NAME, None) for at in range(9)))
    lines = commands_for("acme", CALL, look_through(CALL, listing, ()), several=False)
    assert (len(lines), lines[-1]) == (11, "… and 4 more")


def test_a_hint_names_what_was_found_and_says_what_nothing_proves() -> None:
    found = look_through(CALL, listed(("eng_1", NAME, THEN)), ())
    hint = how_to_settle("acme", [CALL], {"op_q": found})
    assert "eng_1 has this name" in hint
    assert "resolve acme --engine-id eng_1" in hint
    assert "resolve acme --retry" in hint
    none = how_to_settle("acme", [CALL], {"op_q": Found(NAME)})
    assert "proves nothing" in none
    assert "'<ENGINE_ID>'" in none
    assert how_to_settle("acme", [CALL], {"op_other": found}) == how_to_settle("acme", [CALL])
