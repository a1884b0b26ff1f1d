"""What a plan asks git about files that are gone or cannot be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from reconciler.app.planning import Request, make_plan, validate_engines
from reconciler.core.engine.fingerprint import blob_id
from reconciler.core.errors import Diagnostic, InvalidInput
from reconciler.core.plan.model import Kind, Plan
from tests.app.ports import MemoryEngines, Scene
from tests.app.test_planning import ACME, recorded
from tests.core.build import current, entry, lockfile


class HalfCheckout:
    """Git, which has these keys and does not have them checked out."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys
        self.asked: dict[str, Sequence[str]] = {}

    def not_gone(self, files: Mapping[str, Sequence[str]]) -> list[Diagnostic]:
        self.asked |= files
        return [Diagnostic("not checked out", key=key) for key in files if key in self.keys]

    def folder_not_gone(self) -> Diagnostic | None:
        return Diagnostic("not checked out", hint="check it out") if self.keys else None


def test_git_is_asked_about_files_that_are_gone_and_no_others() -> None:
    recorded_before = lockfile({key: entry(recorded(key, ACME)) for key in ("acme", "old")})
    scene = Scene({"acme": ACME}, recorded_before)

    def planned(checkout: HalfCheckout) -> Plan:
        made = make_plan(scene.engines, scene.lockfile, scene.journal, Request(), checkout=lambda: checkout)
        return made.plan

    half = HalfCheckout("old")
    plan = planned(half)
    assert (plan.invalid, plan.actions) == (True, ())
    assert [one.key for one in plan.diagnostics] == ["old"]
    assert list(half.asked) == ["old"]
    assert [action.kind for action in planned(HalfCheckout()).actions] == [Kind.RETIRE]
    scene.engines = MemoryEngines({"acme": ACME, "old": ACME})
    whole = HalfCheckout("acme", "old")
    assert not planned(whole).actions
    assert whole.asked == {}


def test_git_is_asked_about_the_files_of_an_engine_that_cannot_be_read() -> None:
    files = {"engines/acme.yaml": blob_id(repr(ACME).encode()), "texts/a.md": "b10b"}
    scene = Scene({}, lockfile({"acme": entry(current("acme", ACME, files=files))}))
    broken = [Diagnostic("`a.md` does not exist", "engines/acme.yaml", key="acme")]
    scene.engines = MemoryEngines({}, {"acme": broken})
    half = HalfCheckout("acme")
    made = make_plan(scene.engines, scene.lockfile, scene.journal, Request(), checkout=lambda: half)
    assert [one.message for one in made.plan.diagnostics] == ["`a.md` does not exist", "not checked out"]
    assert "texts/a.md" in half.asked["acme"]


def test_an_engine_does_not_move_away_from_a_file_that_is_only_not_checked_out() -> None:
    scene = Scene({"new": ACME}, lockfile({"old": entry(recorded("old", ACME))}))
    half = HalfCheckout("old")
    made = make_plan(scene.engines, scene.lockfile, scene.journal, Request(), checkout=lambda: half)
    assert made.plan.invalid
    assert list(half.asked) == ["old"]


def test_an_engines_folder_that_is_not_checked_out_is_named_as_that() -> None:
    class NoEngines(MemoryEngines):
        def discover(self) -> tuple[dict[str, str], list[Diagnostic]]:
            raise InvalidInput("there is no folder engines/")

    with pytest.raises(InvalidInput, match="not checked out"):
        validate_engines(NoEngines({}), None, lambda: HalfCheckout("acme"))
    with pytest.raises(InvalidInput, match="no folder"):
        validate_engines(NoEngines({}), None, lambda: HalfCheckout())
    with pytest.raises(InvalidInput, match="no folder"):
        validate_engines(NoEngines({}))
