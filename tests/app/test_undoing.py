"""A resolution is taken back: the entry is as it was before it, the call open again, on every lockfile that saw it."""

from __future__ import annotations

import pytest

from reconciler.app.settling import settle, undo
from reconciler.core.engine.spec import Spec
from reconciler.core.errors import UsageError
from reconciler.core.ledger import journal
from reconciler.core.ledger.facts import resolutions
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Acceptance, Record
from reconciler.core.ledger.undoing import Resolution, undoing
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.plan.model import Condition, Kind
from tests.app.ports import Scene
from tests.core.build import current, entry, lockfile, superseded, uncertain

ACME, ACME_2, SHOP = Spec("Acme"), Spec("Acme", locales=("de",)), Spec("Shop")
AT = "2026-11-24T13:00:00.000Z"
DECISIONS = [
    ("engine", "eng_typo", None),
    ("engine", "eng_typo", "pjb_1"),
    ("retry", None, None),
    ("forget", None, None),
]
BEFORE = [
    lockfile({"acme": entry(None, uncertain("x", ACME_2)), "shop": entry(current("s", SHOP))}),
    lockfile({"acme": entry(current("old", ACME), uncertain("x", ACME_2))}),
    lockfile({"acme": entry(current("old", ACME), uncertain("x", ACME_2), superseded("older", SHOP))}),
]


def resolved(scene: Scene, decision: str, *ids: str | None) -> Resolution:
    kept: list[Resolution] = []
    settle(scene.lockfile, scene.journal, scene.clock, "acme", decision, *ids, remember=kept.append)
    [resolution] = kept
    return resolution


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize(("decision", "engine_id", "job_id"), DECISIONS)
def test_the_entry_is_as_before_and_the_call_is_open(
    before: Lockfile, decision: str, engine_id: str | None, job_id: str | None
) -> None:
    scene = Scene({"acme": ACME_2}, before)
    resolution = resolved(scene, decision, engine_id, job_id)
    after = undo(scene.lockfile, scene.journal, AT, resolution, "op_new")
    was, now = before.entry("acme"), after.entry("acme")
    assert was is not None
    assert now is not None
    assert now.pending is not None
    assert was.pending is not None
    assert (now.current, now.superseded) == (was.current, was.superseded)
    assert now.pending.operation_id == "op_new"
    assert now.pending.error == "its resolution was undone"
    same = ("fingerprint", "spec", "files", "status", "submitted_at")
    assert [getattr(now.pending, one) for one in same] == [getattr(was.pending, one) for one in same]
    [action] = [one for one in scene.plan().plan.actions if one.key == "acme"]
    assert (action.kind, action.condition) == (Kind.NONE, Condition.UNCERTAIN)
    assert "eng_typo" not in scene.lockfile.content.decode()
    assert resolved(scene, "engine", "eng_right").settled.operation == "op_new"
    serving = scene.lockfile.entry("acme").current
    assert serving is not None
    assert serving.engine_id == "eng_right"


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize(("decision", "engine_id", "job_id"), DECISIONS)
def test_all_facts_together_come_to_the_same_on_every_lockfile(
    before: Lockfile, decision: str, engine_id: str | None, job_id: str | None
) -> None:
    scene = Scene({"acme": ACME_2}, before)
    resolution = resolved(scene, decision, engine_id, job_id)
    middle = scene.lockfile.read()[0]
    facts: list[Record] = [resolution.begin, resolution.settled, *undoing(resolution, "op_new", AT)]
    after = fold(middle, facts)
    assert fold(before, facts) == after
    assert fold(after, facts) == after
    assert fold(middle, undoing(resolution, "op_new", AT)) == after
    assert journal.parse(journal.render(facts), "j")[0] == tuple(facts)
    assert [one.type for one in resolutions(facts)] == []


def test_an_answer_of_the_call_itself_is_not_taken_back() -> None:
    scene = Scene({"acme": ACME_2}, BEFORE[0])
    resolution = resolved(scene, "retry")
    told = Acceptance("op_x", "pjb_x", "eng_x", "2026-11-24T12:30:00.000Z")
    after = fold(EMPTY, [resolution.begin, resolution.settled, told, *undoing(resolution, "op_new", AT)])
    found = after.entry("acme")
    assert found is not None
    assert "eng_x" in found.engine_ids
    assert [one.operation_id for one in found.unresolved] == ["op_new"]


def test_what_was_built_on_stays() -> None:
    scene = Scene({"acme": ACME_2}, BEFORE[1])
    resolution = resolved(scene, "retry")
    changed = scene.lockfile.read()[0].with_entries({"acme": entry(current("newer", ACME_2))})
    scene.lockfile.write(changed)
    with pytest.raises(UsageError, match="`acme` has changed since it was resolved") as caught:
        undo(scene.lockfile, scene.journal, AT, resolution, "op_new")
    assert "reconcile status --only acme" in (caught.value.hint or "")
    assert scene.lockfile.read()[0] == changed
