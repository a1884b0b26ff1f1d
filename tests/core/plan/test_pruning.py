"""Which engines are deleted: never one in use, and of the others what is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.engine.spec import LifecycleOptions, record_of
from reconciler.core.lockfile.entry import Entry, Hold
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.names import out_of_use, used_in
from reconciler.core.lockfile.pruning import UNKNOWN, marked
from reconciler.core.plan.limits import Limit, Policy
from reconciler.core.plan.pruning import Choice, Terms, begun_in, choose, deletions, in_use
from tests.core.build import T0, A, B, C, current, entry, failed, lockfile, pending, superseded
from tests.core.strategies import lockfiles

NOW = "2026-11-25T11:00:00.000Z"  # a day after T0
DAY = 86400.0
ANY = Policy(max_prune=Limit(0, 100))


def terms(**more: Any) -> Terms:
    return replace(Terms(NOW, keep=0, policy=ANY), **more)


def chosen(lock: Lockfile, asked: Terms, used: dict[str, str] | None = None) -> list[str]:
    return [one.engine_id for one in deletions(choose(lock, asked, used or {}))]


def why(lock: Lockfile, asked: Terms, used: dict[str, str] | None = None) -> dict[str, str | None]:
    return {one.listed.engine_id: one.kept or one.guard for one in choose(lock, asked, used or {})}


PAST = [superseded(name, A) for name in "123"]
LOCK = lockfile({"acme": entry(current("9", B), None, *PAST)}, blog=entry(current("8", C), failed("7", C)))


def test_the_newest_of_each_key_are_kept_and_retired_ones_are_not_counted() -> None:
    assert chosen(LOCK, terms()) == ["eng_1", "eng_2", "eng_3", "eng_8", "eng_7"]
    assert chosen(LOCK, terms(keep=1)) == ["eng_1", "eng_2", "eng_8", "eng_7"]
    assert chosen(LOCK, terms(keep=5)) == ["eng_8", "eng_7"]
    assert chosen(LOCK, terms(selected=lambda key: key == "blog")) == ["eng_8", "eng_7"]
    tried = lockfile({"acme": entry(current("9", B), None, PAST[0], superseded("4", A, "failed"))})
    assert chosen(tried, terms(keep=1)) == ["eng_4"]  # nobody can roll back to it


def test_age_is_measured_and_an_unknown_one_is_not_old() -> None:
    old = superseded("0", A, replaced_at=UNKNOWN)
    lock = lockfile({"acme": entry(current("9", B), None, old, PAST[0])})
    assert chosen(lock, terms(older_than=DAY)) == ["eng_1"]
    assert chosen(lock, terms(older_than=DAY + 1)) == []
    assert chosen(lock, terms(older_than=0.0)) == chosen(lock, terms()) == ["eng_0", "eng_1"]
    assert why(lock, terms(older_than=2 * DAY)) == {
        "eng_0": "of unknown age, so not known to be older than 2d 00h",
        "eng_1": "out of use for 1d 00h, less than 2d 00h",
    }
    assert chosen(lock, terms(older_than=1.0, at="2020-01-01T00:00:00Z")) == []  # a clock that was set back


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (entry(current("1", A)), "in use for `shop`"),
        (entry(None, pending("1", A)), "in use for `shop`"),
        (entry(None, failed("1", A)), "in use for `shop`"),
        (entry(current("5", A), None, superseded("1", A, "in_progress")), "its job is still running"),
    ],
)
def test_an_engine_that_another_key_has_in_use_stays(other: Entry, said: str) -> None:
    lock = LOCK.with_entry("shop", other)
    assert "eng_1" not in chosen(lock, terms())
    assert why(lock, terms())["eng_1"] == said


def test_what_is_used_elsewhere_or_was_rolled_back_from_stays() -> None:
    assert why(LOCK, terms(), {"eng_1": "app.json has it"})["eng_1"] == "app.json has it"
    hold = Hold("d-1", fingerprint(A), record_of(A), "Ada", T0)
    held = lockfile({"acme": replace(entry(current("9", B), None, *PAST), hold=hold)})
    assert chosen(held, terms()) == []
    assert "rolled back from" in (why(held, terms())["eng_3"] or "")


def test_protection_and_the_limit_hold_back_and_a_named_key_is_let_through() -> None:
    kept = LifecycleOptions(protect=True)
    guarded = LOCK.with_entry("acme", replace(entry(current("9", B), None, *PAST), kept=kept))
    assert chosen(guarded, terms()) == ["eng_8", "eng_7"]
    assert why(guarded, terms())["eng_1"] == "`acme` is protected"
    allowed = replace(ANY, allow_prune=frozenset({"acme"}))
    assert len(chosen(guarded, terms(policy=allowed))) == 5
    few = Policy(max_prune=Limit(4))
    assert chosen(LOCK, terms(policy=few)) == []
    assert why(LOCK, terms(policy=few))["eng_8"] == (
        "this run would delete 5 of 6 engines; the limit is 4 (max_prune: 4)"
    )
    assert len(chosen(LOCK, terms(policy=Policy(max_prune=Limit(0, 80))))) == 0
    assert len(chosen(LOCK, terms(policy=Policy(max_prune=Limit(0, 84))))) == 5


def test_what_began_is_finished_whatever_is_asked_for_but_not_once_it_is_in_use() -> None:
    begun = lockfile({"acme": marked(entry(current("9", B), None, *PAST), "eng_3", T0)})
    asked = terms(keep=9, older_than=99 * DAY, policy=Policy(max_prune=Limit(0)), begun={"eng_3"})
    assert chosen(begun, asked) == ["eng_3"]
    assert chosen(begun, replace(asked, begun=())) == []  # a mark that no fact stands behind
    assert [one.engine_id for one in begun_in(begun)] == ["eng_3"]
    assert chosen(begun, asked, {"eng_3": "app.json has it"}) == []
    assert begun_in(LOCK) == ()


@given(lockfiles(), st.sets(st.integers(0, 5)), st.integers(0, 3), st.booleans())
@settings(max_examples=200)
def test_what_is_deleted_is_out_of_use_everywhere(
    lock: Lockfile, some: set[int], keep: int, everything: bool
) -> None:
    listed = sorted(out_of_use(lock))
    elsewhere = {engine: "elsewhere" for at, engine in enumerate(listed) if at in some}
    policy = ANY if everything else Policy()
    choices = choose(lock, Terms(NOW, keep=keep, policy=policy), elsewhere)
    gone = {one.engine_id for one in deletions(choices)}
    used = {engine for document in lock.engines.values() for engine in used_in(document)}
    assert used == set(in_use(lock))
    assert gone.isdisjoint(used)
    assert gone.isdisjoint(elsewhere)
    assert gone <= set(listed)
    assert gone.isdisjoint(one.listed.engine_id for one in choices if not one.deletes)
    assert {one.listed.engine_id for one in choices} == set(listed)
    assert not any(one.deletes and one.listed.running for one in choices)


def test_a_choice_deletes_only_without_a_reason_against_it() -> None:
    [one, *_] = choose(LOCK, terms(), {})
    assert one.deletes
    assert not Choice(one.listed, kept="why").deletes
    assert not Choice(one.listed, guard="why").deletes
