"""Whose change is it: each action seen from a branch and its base."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.engine.spec import Desired, Spec
from reconciler.core.lockfile.entry import Entry, Pending
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.attribution import (
    Evidence,
    attributed,
    by_origin,
    foreign,
    origin_of,
    paths_of_gone,
)
from reconciler.core.plan.model import Action, Kind, Origin, Plan
from tests.core.build import (
    A,
    B,
    current,
    entry,
    failed,
    lockfile,
    pending,
    plan_of,
    superseded,
    uncertain,
    wanted,
)

FILE = "engines/acme.yaml"
BRANCH, MERGED, RUNNING = Origin.BRANCH, Origin.MERGED, Origin.RUNNING


def only_action(one: Entry | None, spec: Spec | None) -> Action:
    lock = Lockfile() if one is None else lockfile({"acme": one})
    (action,) = plan_of(lock, {} if spec is None else {"acme": spec})
    return action


def evidence(
    spec: Spec, at_base: Spec | None, *, same: bool = False, running: Pending | None = None
) -> Evidence:
    """`acme` asks for `spec` now, and asked for `at_base` then (None: there was no file)."""
    here = wanted("acme", spec)
    then = None if at_base is None else wanted("acme", at_base, "b10b" * 10 if same else "01db")
    return Evidence(
        here.files,
        {} if then is None else then.files,
        meaning=here.fingerprint,
        base_meaning=then,
        pending=running,
    )


@pytest.mark.parametrize(
    ("one", "at_base", "same", "origin"),
    [
        (None, None, False, BRANCH),  # a new file
        (None, A, True, MERGED),  # the base has it, byte by byte
        (None, A, False, MERGED),  # the base has it, written differently
        (None, B, False, BRANCH),  # the base asks for something else
        (entry(current("x", B)), B, False, BRANCH),  # a replacement by this branch
        (entry(current("x", B)), A, True, MERGED),
        (entry(current("x", B), None, superseded("y", A)), B, False, BRANCH),  # this branch reverts
        (entry(current("x", B), None, superseded("y", A)), A, True, MERGED),
        (entry(current("x", A), pending("y", B)), B, False, BRANCH),  # a discard
        (entry(None, failed("x", A)), A, True, MERGED),
        (entry(None, failed("x", A)), B, False, BRANCH),
    ],
)
def test_who_asks_for_it(one: Entry | None, at_base: Spec | None, same: bool, origin: Origin) -> None:
    action = only_action(one, A)
    assert origin_of(action, evidence(A, at_base, same=same)) is origin


@pytest.mark.parametrize("at_base", [None, A, B])
@pytest.mark.parametrize("make", [pending, uncertain])
def test_a_run_that_is_at_exactly_this_is_another_run(make: object, at_base: Spec | None) -> None:
    running: Pending = make("x", A)  # type: ignore[operator]
    action = only_action(entry(None, running), A)
    assert origin_of(action, evidence(A, at_base, running=running)) is RUNNING


def test_a_run_that_is_at_something_else_does_not_take_the_change_away() -> None:
    running = pending("x", B)
    action = only_action(entry(None, running), A)
    assert action.kind is Kind.REPLACE
    assert origin_of(action, evidence(A, B, running=running)) is BRANCH


def test_an_uncertain_operation_that_this_branch_edits_past_is_this_branchs_business() -> None:
    running = uncertain("x", B)
    action = only_action(entry(None, running), A)
    assert origin_of(action, evidence(A, B, running=running)) is BRANCH
    assert origin_of(action, evidence(A, A, same=True, running=running)) is RUNNING


def test_a_retirement_is_this_branchs_when_the_base_had_the_file() -> None:
    action = only_action(entry(current("x", A)), None)
    gone = paths_of_gone("acme", [FILE, "engines/glossary.md"], "engines")
    assert origin_of(action, Evidence(base={FILE: "01db"}, gone=gone)) is BRANCH
    assert origin_of(action, Evidence(gone=gone)) is MERGED


def test_an_uncertain_engine_whose_file_is_gone() -> None:
    action = only_action(entry(None, uncertain("x", A)), None)
    assert origin_of(action, Evidence(gone=(FILE,), pending=uncertain("x", A))) is RUNNING
    assert origin_of(action, Evidence(base={FILE: "01db"}, gone=(FILE,))) is BRANCH


def test_a_move_is_this_branchs_when_it_made_or_removed_one_of_the_files() -> None:
    (action,) = plan_of(lockfile({"old": entry(current("x", A))}), {"acme": A})
    assert action.kind is Kind.MOVE
    old, here = ("engines/old.yaml",), evidence(A, A, same=True)
    assert origin_of(action, replace(here, gone=old)) is MERGED
    assert origin_of(action, replace(here, gone=old, base={**here.base, old[0]: "01db"})) is BRANCH
    assert origin_of(action, replace(evidence(A, None), gone=old)) is BRANCH


def test_a_text_file_counts_as_the_engine_file_does() -> None:
    action = only_action(None, A)
    here = replace(evidence(A, B, same=True), here={FILE: "b10b" * 10, "engines/text.md": "aaaa"})
    assert origin_of(action, here) is BRANCH
    same_text = replace(here, base={FILE: "b10b" * 10, "engines/text.md": "aaaa"})
    assert origin_of(action, same_text) is MERGED


def test_what_cannot_be_told_counts_as_changed() -> None:
    unreadable = replace(evidence(A, A), base_meaning=None)
    assert origin_of(only_action(None, A), unreadable) is BRANCH


def test_what_is_kept_beside_the_spec_counts_where_the_action_is_about_it() -> None:
    here = replace(wanted("acme", A), protect=True)
    action = Action("acme", Kind.RECORD, "protection added to its file", file=FILE, kept=here.kept)
    then: Desired = wanted("acme", A, "01db")
    known = Evidence({FILE: "b10b" * 10}, {FILE: "01db"}, meaning=here.fingerprint, base_meaning=then)
    assert origin_of(action, known) is BRANCH
    assert origin_of(action, replace(known, base_meaning=replace(then, protect=True))) is MERGED


def test_a_branch_that_edits_the_lockfile_owns_what_comes_of_it() -> None:
    action = only_action(None, A)
    assert origin_of(action, replace(evidence(A, A, same=True), relisted=True)) is BRANCH


@given(st.sampled_from([None, A, B]), st.booleans(), st.booleans())
def test_every_action_gets_an_origin_and_the_plan_stays_the_same_plan(
    at_base: Spec | None, same: bool, relisted: bool
) -> None:
    action = only_action(None, A)
    known = {"acme": replace(evidence(A, at_base, same=same), relisted=relisted)}
    (marked,) = attributed([action], known)
    assert marked.origin is not None
    assert replace(marked, origin=None) == action
    assert Plan("production", (marked,)).digest == Plan("production", (action,)).digest


def test_order_and_selection() -> None:
    actions = [
        Action("a", Kind.CREATE, "", origin=RUNNING),
        Action("b", Kind.CREATE, "", origin=MERGED),
        Action("c", Kind.CREATE, "", origin=BRANCH),
        Action("d", Kind.CREATE, "", origin=BRANCH),
    ]
    assert [one.key for one in by_origin(actions)] == ["c", "d", "b", "a"]
    assert [one.key for one in foreign(actions)] == ["a", "b"]
    unmarked = [Action("b", Kind.CREATE, ""), Action("a", Kind.CREATE, "")]
    assert by_origin(unmarked) == unmarked
    assert foreign(unmarked) == []


@pytest.mark.parametrize(
    ("key", "recorded", "folder", "paths"),
    [
        ("a", [], "engines", ("engines/a.yaml", "engines/a.yml")),
        ("x/a", ["l10n/x/a.yml", "l10n/x/a.md"], "l10n", ("l10n/x/a.yml", "l10n/x/a.yaml")),
        ("a", ["engines/ba.yaml"], "engines/", ("engines/a.yaml", "engines/a.yml")),
        ("a", [], ".", ("a.yaml", "a.yml")),
        ("é", ["engines/e\u0301.yaml"], "engines", ("engines/e\u0301.yaml", "engines/é.yaml", "engines/é.yml")),
    ],
)  # fmt: skip
def test_what_a_file_that_is_gone_was_called(
    key: str, recorded: list[str], folder: str, paths: tuple[str, ...]
) -> None:
    assert paths_of_gone(key, recorded, folder) == paths
