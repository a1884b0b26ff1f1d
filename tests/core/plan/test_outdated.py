"""Actions that the branch has overtaken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal
from unicodedata import normalize

import pytest

from reconciler.core.engine.overlay import overlay_names
from reconciler.core.engine.spec import LifecycleOptions, Spec
from reconciler.core.ledger.journal import Decision
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.plan.model import Action, Kind
from reconciler.core.plan.outdated import Branch, hold_outdated, overtaken
from tests.core.build import A, B, C, current, entry, lockfile, pending, plan_of

TIP = "3f2c" * 10
HERE = {"engines/acme.yaml": "b10b" * 10, "engines/blog.yaml": "b10b" * 10, "reconcile.yaml": "here"}


def held(
    moved_on: Mapping[str, str | None],
    lock: Lockfile,
    files: Mapping[str, Spec],
    recorded: Lockfile = EMPTY,
    here: Mapping[str, str] = HERE,
) -> dict[str, Action]:
    branch = Branch("main", TIP, moved_on, here.get, recorded)
    actions = hold_outdated(plan_of(lock, files), lock, branch, "reconcile.yaml")
    return {action.key: action for action in actions if action.guard is not None}


def filed(name: str, spec: Spec, path: str) -> Lockfile:
    return lockfile({path.split("/")[-1].split(".")[0]: entry(current(name, spec, files={path: "d" * 40}))})


def test_an_engine_whose_file_changed_there_is_held_back_and_the_others_are_not() -> None:
    lock = lockfile({"acme": entry(current("1", A)), "blog": entry(current("2", A))})
    found = held({"engines/acme.yaml": "newer"}, lock, {"acme": B, "blog": B})
    assert found.keys() == {"acme"}
    assert found["acme"].guard == (
        "`main` is at 3f2c3f2c3f2c, which changes this engine and is applied by its own run"
    )
    assert not found["acme"].creates
    assert not found["acme"].changes_anything


def test_an_overlay_that_only_the_branch_has_holds_its_engine_back() -> None:
    def overlays(path: str) -> tuple[str, ...]:
        return overlay_names(path, "staging")

    for path in ("engines/acme.staging.yaml", "engines/acme.staging.yml"):
        branch = Branch("main", TIP, {path: "newer"}, HERE.get, EMPTY, overlays)
        actions = hold_outdated(plan_of(EMPTY, {"acme": A, "blog": A}), EMPTY, branch, None)
        assert [action.key for action in actions if action.guard is not None] == ["acme"]
    assert held({"engines/acme.staging.yaml": "newer"}, EMPTY, {"acme": A}) == {}


@pytest.mark.parametrize("there", ["b10b" * 10, None])
def test_what_is_the_same_there_proceeds_and_what_is_gone_there_does_not(there: str | None) -> None:
    found = held({"engines/acme.yaml": there}, EMPTY, {"acme": A})
    assert found.keys() == ({"acme"} if there is None else set())


def test_an_engine_that_is_gone_here_and_was_changed_there_is_not_retired() -> None:
    lock = filed("1", A, "engines/acme.yaml")
    for path in ("engines/acme.yaml", "engines/acme.yml"):
        assert held({path: "newer"}, lock, {}, here={}).keys() == {"acme"}
    assert held({"engines/acme.yaml": None}, lock, {}, here={}) == {}


def test_a_move_is_held_back_where_either_name_says_otherwise() -> None:
    lock = filed("1", A, "engines/acme.yaml")
    here = {"engines/brand.yaml": "b10b" * 10}
    assert held({"engines/acme.yaml": "newer"}, lock, {"brand": A}, here=here).keys() == {"brand"}
    assert held({"engines/brand.yaml": "newer"}, lock, {"brand": A}, here=here).keys() == {"brand"}
    assert held({"engines/other.yaml": "newer"}, lock, {"brand": A}, here=here) == {}


def test_changed_settings_hold_back_whatever_would_change() -> None:
    lock = lockfile({"acme": entry(current("1", A)), "blog": entry(current("2", C))})
    found = held({"reconcile.yaml": "newer"}, lock, {"acme": B, "blog": C})
    assert found.keys() == {"acme"}
    assert "which changes reconcile.yaml" in (found["acme"].guard or "")
    assert held({"reconcile.yaml": "here"}, lock, {"acme": B, "blog": C}) == {}


def test_what_was_decided_before_the_branch_said_otherwise_is_overtaken() -> None:
    lock = lockfile({"acme": entry(current("1", A, files={"engines/acme.yaml": "c0de" * 10}))})
    moved = Decision(
        "d", "blog", "move", "t", engine_id="eng_1", from_key="acme", files={"engines/blog.yaml": "b10b"}
    )
    gone = Decision("d", "acme", "retire", "t", engine_id="eng_1")
    for decision, now, keys in (
        (moved, {"engines/blog.yaml": None}, ["blog"]),
        (moved, {"engines/acme.yml": "back"}, ["blog"]),
        (moved, {"engines/blog.yaml": "b10b", "engines/acme.yaml": None}, []),
        (moved, {"README.md": "new"}, []),
        (gone, {"engines/acme.yaml": "back"}, ["acme"]),
        (gone, {"engines/acme.yaml": None}, []),
        (replace(moved, kind="record"), {"engines/blog.yaml": None}, []),
    ):
        assert overtaken([decision], lock, {}, now) == keys
        assert overtaken([decision], lock, now, now) == []


def test_a_job_is_waited_for_where_the_branch_has_it_pending_too() -> None:
    lock = lockfile({"acme": entry(None, pending("1", A))})
    moved_on = {"engines/acme.yaml": "newer"}
    assert held(moved_on, lock, {"acme": A}, recorded=lock) == {}
    assert held(moved_on, lock, {"acme": A}).keys() == {"acme"}  # known here only


def test_nothing_of_an_overtaken_file_is_recorded_while_its_job_is_waited_for() -> None:
    lock = lockfile({"acme": entry(None, pending("1", A))})
    branch = Branch("main", TIP, {"engines/acme.yaml": "newer"}, HERE.get, lock)
    planned = [replace(one, kept=LifecycleOptions(protect=True)) for one in plan_of(lock, {"acme": A})]
    [action] = hold_outdated(planned, lock, branch, None)
    assert (action.kind, action.kept, dict(action.files)) == (Kind.RESUME, None, {})


@pytest.mark.parametrize(("recorded", "there"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_name_that_a_mac_recorded_is_that_of_the_branch(
    recorded: Literal["NFC", "NFD"], there: Literal["NFC", "NFD"]
) -> None:
    lock = filed("1", A, normalize(recorded, "engines/café.yaml"))
    found = held({normalize(there, "engines/café.yaml"): "newer"}, lock, {})
    assert len(found) == 1
