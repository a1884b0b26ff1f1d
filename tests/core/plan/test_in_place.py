"""When name, description and locales are changed in place, and when a new engine is needed all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.engine.spec import Source, Spec, record_of
from reconciler.core.lockfile.entry import Entry, Hold
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.diff import PlanInput, actions_for
from reconciler.core.plan.guards import guarded
from reconciler.core.plan.limits import Limit, Policy
from reconciler.core.plan.model import Action, Kind, Plan
from tests.core.build import (
    T0,
    A,
    B,
    C,
    current,
    entry,
    failed,
    lockfile,
    pending,
    superseded,
    uncertain,
    wanted,
)


def plan_of(lock: Lockfile, files: Mapping[str, Spec], in_place: bool = True) -> tuple[Action, ...]:
    desired = {key: wanted(key, spec) for key, spec in files.items()}
    return actions_for(PlanInput(lock, desired, desired.keys(), in_place=in_place))


def only(one: Entry, spec: Spec, in_place: bool = True) -> Action:
    [action] = plan_of(lockfile({"acme": one}), {"acme": spec}, in_place)
    return action


SERVING = entry(current("1", A))


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Acme Corp"},
        {"description": None},
        {"description": "Other"},
        {"locales": ("ja",)},
        {"locales": ()},
        {"name": "Acme Corp", "description": "Other", "locales": ("de", "fr", "pt-BR")},
        {"name": "Acme Corp", "sources": (Source("link", "https://acme.com"),)},
    ],
)
def test_a_change_of_metadata_keeps_the_engine(changes: dict[str, Any]) -> None:
    spec = replace(A, **changes)
    action = only(SERVING, spec)
    assert (action.kind, action.engine_id, action.reason) == (Kind.UPDATE, "eng_1", "engine file changed")
    assert {change.field for change in action.changes} <= {"name", "description", "locales"}
    assert action.changes
    assert (action.creates, action.waits, action.updates, action.submission) == (False, False, True, None)
    sent = action.alteration
    assert sent is not None
    assert (sent.engine_id, sent.spec, sent.fingerprint) == ("eng_1", spec, fingerprint(spec))
    assert only(SERVING, spec, in_place=False).kind is Kind.REPLACE


@pytest.mark.parametrize(
    "sources",
    [
        (),
        (Source("link", "https://acme.com/other"),),
        (Source("link", "https://acme.com"), Source("content", "Formal.")),
        (Source("content", "https://acme.com"),),
    ],
)
def test_other_sources_need_a_new_engine(sources: tuple[Source, ...]) -> None:
    assert only(SERVING, replace(A, name="Acme Corp", sources=sources)).kind is Kind.REPLACE


def test_a_text_that_means_the_same_is_no_other_source() -> None:
    spec = replace(A, sources=(Source("content", "Formal tone.", "tone.md"),))
    moved = replace(spec, name="Acme Corp", sources=(Source("content", "Formal tone. \r\n"),))
    assert only(entry(current("1", spec)), moved).kind is Kind.UPDATE


@pytest.mark.parametrize(
    ("one", "kind"),
    [
        (entry(current("1", A), pending("2", C)), Kind.REPLACE),
        (entry(current("1", A), failed("2", C)), Kind.REPLACE),
        (entry(current("1", A), pending("2", B)), Kind.RESUME),
        (entry(current("1", A), failed("2", B)), Kind.NONE),
        (entry(current("1", A), uncertain("2", C)), Kind.NONE),
        (entry(None, failed("2", A)), Kind.REPLACE),
    ],
)
def test_what_is_pending_goes_before(one: Entry, kind: Kind) -> None:
    assert only(one, B).kind is kind


def test_keeping_the_id_goes_before_an_engine_in_reserve() -> None:
    reserve = entry(current("1", A), None, superseded("0", B))
    assert (only(reserve, B).kind, only(reserve, B).engine_id) == (Kind.UPDATE, "eng_1")
    assert only(reserve, B, in_place=False).kind is Kind.RESTORE
    assert only(entry(current("1", A), None, superseded("0", C)), C).kind is Kind.RESTORE


def test_a_hold_is_not_gone_around() -> None:
    held = replace(SERVING, hold=Hold("d-1", fingerprint(B), record_of(B), "Ada", T0))
    action = only(held, B)
    assert (action.kind, action.rolled_back) == (Kind.REPLACE, True)
    assert only(held, replace(A, name="Acme Corp")).kind is Kind.UPDATE


def test_a_change_without_an_answer_is_made_sure() -> None:
    """The file may ask for what is recorded again, and the engine may have the other all the same."""
    marked = entry(current("1", A, updating=(1,)))
    action = only(marked, A)
    assert (action.kind, action.unconfirmed, action.changes) == (Kind.UPDATE, True, ())
    assert action.reason == "an earlier update got no answer"
    assert only(marked, B).unconfirmed
    assert not only(SERVING, B).unconfirmed
    assert plan_of(lockfile({"acme": marked}), {"acme": A}, in_place=False) == ()


def test_going_back_to_an_engine_whose_change_has_no_answer_says_so() -> None:
    action = only(entry(current("1", A), None, superseded("0", C, updating=(1,))), C)
    assert action.kind is Kind.RESTORE
    assert action.reason is not None
    assert action.reason.endswith("no answer, so the next apply makes sure of its values")
    settled = only(entry(current("1", A), None, superseded("0", C)), C)
    assert settled.reason is not None
    assert "answer" not in settled.reason


def test_protection_and_limits_hold_back_nothing_that_keeps_its_engine() -> None:
    kept = replace(wanted("acme", A).kept, protect=True)
    lock = lockfile({"acme": replace(SERVING, kept=kept), "blog": entry(current("2", A))})
    actions = plan_of(lock, {"acme": B, "blog": B})
    policy = Policy(max_replace=Limit(0), max_create=Limit(0))
    assert guarded(actions, lock, policy) == actions
    assert all(action.updates for action in actions)


def test_what_is_sent_is_part_of_the_digest() -> None:
    one, two = (Plan("production", (only(SERVING, replace(A, name=name)),)) for name in ("One", "Two"))
    assert one.digest != two.digest
    assert one.changes_anything
    assert one.summary()["update"] == 1


def test_an_action_that_is_held_back_or_is_not_whole_sends_nothing() -> None:
    action = only(SERVING, B)
    assert replace(action, guard="held").alteration is None
    assert replace(action, spec=None).alteration is None
    assert replace(action, engine_id=None).alteration is None
