from __future__ import annotations

import pytest

from reconciler.app.planning import Request, plan_to_collect
from reconciler.app.recorded import read_recorded_state
from reconciler.app.settling import settle, settle_found, undo
from reconciler.core.engine.spec import Spec
from reconciler.core.errors import ExitCode, StorageError, UsageError
from reconciler.core.ledger import journal
from reconciler.core.ledger.journal import Settlement
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.ledger.seal import seal_for
from reconciler.core.ledger.sealed import Unverified, sealed
from reconciler.core.ledger.undoing import Resolution
from reconciler.core.lockfile.entry import Entry
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.plan.model import Condition, Kind
from reconciler.core.platform.listing import ListedEngine
from tests.app.ports import Scene
from tests.core.build import begin, current, entry, lockfile, pending, superseded, uncertain

ACME, BLOG, SHOP = Spec("Acme"), Spec("Blog"), Spec("Shop")
ACME_2 = Spec("Acme", locales=("de",))


def doubtful() -> Scene:
    """Nobody knows what became of acme's create call; it would have replaced a serving engine."""
    before = lockfile({"acme": entry(current("old", ACME), uncertain("x", ACME_2))})
    return Scene({"acme": ACME_2}, before)


def decide(scene: Scene, key: str, decision: str, *ids: str | None) -> Lockfile:
    return settle(scene.lockfile, scene.journal, scene.clock, key, decision, *ids)


def test_the_engine_is_there_and_ready() -> None:
    scene = doubtful()
    settled = decide(scene, "acme", "engine", "eng_found")
    assert scene.lockfile.read()[0] == settled
    now = scene.lockfile.entry("acme")
    assert now.pending is None
    assert now.current is not None
    assert now.current.engine_id == "eng_found"
    assert [one.engine_id for one in now.superseded] == ["eng_old"]
    assert scene.journal.content == b""
    assert scene.plan().plan.unchanged == ("acme",)


def test_the_engine_is_there_and_its_job_is_waited_for() -> None:
    scene = doubtful()
    decide(scene, "acme", "engine", "eng_found", "pjb_found")
    now = scene.lockfile.entry("acme")
    assert now.current is not None
    assert now.current.engine_id == "eng_old"
    (action,) = scene.plan().plan.actions
    assert (action.kind, action.job_id, action.engine_id) == (Kind.RESUME, "pjb_found", "eng_found")


def in_doubt(spec: Spec = ACME, before: Lockfile = EMPTY) -> Scene:
    """Another key's begin is all that is known of a call for acme."""
    scene = Scene({"acme": spec}, before)
    told = sealed([begin("q", spec, 1)], seal_for("other", "/x", "ledger"))
    scene.journal.of_the_ledger = Unverified(told)
    return scene


def test_a_call_in_doubt_is_resolved_like_any_other() -> None:
    scene = in_doubt()
    [action] = scene.plan().plan.actions
    assert (action.kind, action.condition) == (Kind.NONE, Condition.UNCERTAIN)
    settled = decide(scene, "acme", "engine", "eng_found")
    assert scene.lockfile.entry("acme").engine_ids == ("eng_found",)
    assert settled == scene.lockfile.read()[0]
    assert scene.plan().plan.unchanged == ("acme",)


def test_a_call_in_doubt_that_made_nothing_leaves_the_entry_as_it_is() -> None:
    scene = in_doubt(ACME_2, lockfile({"acme": entry(current("old", ACME))}))
    before = scene.lockfile.content
    decide(scene, "acme", "retry")
    assert scene.lockfile.content == before
    with pytest.raises(UsageError, match="no engine `other`"):
        decide(in_doubt(), "other", "retry")


def test_a_call_in_doubt_is_reported_where_only_jobs_are_collected() -> None:
    scene = in_doubt()
    plan = plan_to_collect(scene.lockfile, scene.journal, Request()).plan
    assert [(one.key, one.condition) for one in plan.actions] == [("acme", Condition.UNCERTAIN)]
    assert [one.message.partition(" on")[0] for one in plan.diagnostics] == ["1 unverified record"]


def test_a_resolution_of_a_call_in_doubt_that_is_only_here_is_still_to_be_shared() -> None:
    scene = in_doubt()
    told = scene.journal.of_the_ledger
    assert told is not None
    scene.journal.append([begin("q", ACME, 1), Settlement("op_q", "retry", "2026-11-24T12:00:00.000Z")])
    recorded = read_recorded_state(scene.lockfile, scene.journal, RemoteSnapshot(unverified=told))
    assert (recorded.doubts, recorded.unwritten) == ({}, 1)


def test_nothing_was_made_and_the_next_apply_creates_it() -> None:
    scene = doubtful()
    decide(scene, "acme", "retry")
    assert [action.kind for action in scene.plan().plan.actions] == [Kind.REPLACE]


def test_a_first_create_that_is_to_be_tried_again_leaves_no_entry() -> None:
    scene = Scene({"acme": ACME}, lockfile({"acme": entry(None, uncertain("x", ACME))}))
    decide(scene, "acme", "retry")
    assert scene.lockfile.read()[0].engines == {}
    assert [action.kind for action in scene.plan().plan.actions] == [Kind.CREATE]


def test_it_is_left_alone_until_its_file_changes() -> None:
    scene = doubtful()
    decide(scene, "acme", "forget")
    (action,) = scene.plan().plan.actions
    assert (action.kind, action.condition) == (Kind.NONE, Condition.FAILED)
    scene.engines.specs["acme"] = BLOG
    assert [action.kind for action in scene.plan().plan.actions] == [Kind.REPLACE]


def test_what_only_the_journal_knows_can_be_settled() -> None:
    scene = Scene({"acme": ACME})
    scene.journal.content = journal.render([begin("x", ACME, 0)])
    decide(scene, "acme", "engine", "eng_found")
    assert scene.lockfile.entry("acme").engine_ids == ("eng_found",)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("acmee", "the lockfile has no engine `acmee`"),
        ("zzzzzzz", "the lockfile has no engine `zzzzzzz`"),
        ("blog", "`blog` has no call with an unknown outcome"),
        ("shop", "`shop` has no call with an unknown outcome"),
    ],
)
def test_a_key_with_nothing_to_settle_is_refused(key: str, message: str) -> None:
    scene = Scene(
        {},
        lockfile(
            {
                "acme": entry(None, uncertain("x", ACME)),
                "blog": entry(current("b", BLOG)),
                "shop": entry(None, pending("s", SHOP)),
            }
        ),
    )
    before = scene.lockfile.content
    with pytest.raises(UsageError) as caught:
        decide(scene, key, "retry")
    assert caught.value.message == message
    assert caught.value.hint
    assert caught.value.exit_code == ExitCode.USAGE
    assert (scene.lockfile.content, scene.journal.content, scene.log) == (before, b"", [])


@pytest.mark.parametrize("known", ["eng_old", "eng_b", "eng_p", "eng_s", "eng_r"])
def test_an_engine_that_is_already_recorded_cannot_be_the_lost_one(known: str) -> None:
    """Serving, pending, superseded or retired, of this key or another: one engine would stand there twice."""
    before = lockfile(
        {
            "acme": entry(current("old", ACME), uncertain("x", ACME_2)),
            "blog": entry(current("b", BLOG), pending("p", ACME), superseded("s", SHOP)),
        },
        gone=entry(current("r", SHOP)),
    )
    scene = Scene({}, before)
    with pytest.raises(UsageError, match=f"`{known}` is already recorded"):
        decide(scene, "acme", "engine", known)
    assert scene.log == []


def test_a_decision_that_reached_only_the_journal_counts_in_the_next_run() -> None:
    scene = doubtful()
    scene.lockfile.refuses = StorageError("free some disk space")
    with pytest.raises(StorageError):
        decide(scene, "acme", "engine", "eng_found")
    assert scene.journal.types() == ["begin", "resolved"]  # one without the other says nothing elsewhere
    planned = scene.plan()
    assert planned.plan.unwritten == 1
    assert planned.plan.unchanged == ("acme",)
    scene.lockfile.refuses = None
    assert scene.apply().wrote
    assert scene.lockfile.entry("acme").engine_ids == ("eng_found", "eng_old")


def test_a_decision_that_the_journal_refuses_changes_nothing() -> None:
    scene = doubtful()
    before = scene.lockfile.content
    scene.journal.refuse = lambda kinds: StorageError("free some disk space")
    with pytest.raises(StorageError):
        decide(scene, "acme", "retry")
    assert scene.lockfile.content == before


def test_an_unwritable_lockfile_is_known_before_anything_is_recorded() -> None:
    scene = doubtful()
    scene.lockfile.refuses_to_be_checked = StorageError("read-only file system")
    with pytest.raises(StorageError):
        decide(scene, "acme", "retry")
    assert scene.journal.content == b""


def test_a_decision_is_final() -> None:
    scene = doubtful()
    decide(scene, "acme", "engine", "eng_found")
    with pytest.raises(UsageError, match="no call with an unknown outcome"):
        decide(scene, "acme", "retry")


def test_of_several_calls_without_an_answer_one_has_to_be_named() -> None:
    before = Entry(current("old", ACME), uncertain("y", BLOG), uncertain=(uncertain("x", ACME_2),))
    scene = Scene({"acme": ACME_2}, lockfile({"acme": before}))
    with pytest.raises(UsageError, match="2 calls with an unknown outcome: choose one") as caught:
        decide(scene, "acme", "retry")
    assert "reconcile resolve acme --operation op_x --retry" in (caught.value.hint or "")
    assert "reconcile resolve acme --operation op_y --retry" in (caught.value.hint or "")
    with pytest.raises(UsageError, match="`op_z` is not one of them"):
        settle(scene.lockfile, scene.journal, scene.clock, "acme", "retry", operation="op_z")
    (action,) = scene.plan().plan.actions
    assert "reconcile resolve acme --operation op_x --engine-id '<ENGINE_ID>'" in (action.hint or "")
    assert "reconcile resolve acme --operation op_y --engine-id '<ENGINE_ID>'" in (action.hint or "")
    settle(scene.lockfile, scene.journal, scene.clock, "acme", "retry", operation="op_x")
    left = scene.lockfile.entry("acme")
    assert [call.operation_id for call in left.unresolved] == ["op_y"]
    assert [one.condition for one in scene.plan().plan.actions] == [Condition.UNCERTAIN]
    decide(scene, "acme", "engine", "eng_y")
    assert scene.lockfile.entry("acme").unresolved == ()


@pytest.mark.parametrize("decision", ["retry", "forget"])
def test_what_was_resolved_at_a_desk_stays_a_fact_until_it_is_published(decision: str) -> None:
    scene = doubtful()
    scene.journal.shares = True
    decide(scene, "acme", decision)
    assert scene.journal.types() == ["begin", "resolved"]
    scene.engines.specs["acme"] = ACME
    scene.apply()  # a run that does not publish keeps it as well
    assert scene.journal.types() == ["begin", "resolved"]
    scene.journal.compact(published=True)
    assert scene.journal.types() == []


# ── looked up ──────────────────────────────────────────────────────────────────────────────────────────────────────

FOUND = {"acme": ("op_x", ListedEngine("eng_found", "Acme"))}


def look_up(
    scene: Scene, found: dict[str, tuple[str, ListedEngine]]
) -> tuple[tuple[str, ...], list[Resolution]]:
    kept: list[Resolution] = []
    settled = settle_found(scene.lockfile, scene.journal, scene.clock, found, remember=kept.append)
    return settled, kept


def test_an_engine_that_was_looked_up_is_recorded_and_can_be_taken_back() -> None:
    scene = doubtful()
    settled, [resolution] = look_up(scene, FOUND)
    assert settled == ("acme",)
    now = scene.lockfile.entry("acme")
    assert (now.current and now.current.engine_id, now.pending) == ("eng_found", None)
    assert (resolution.begin.key, resolution.instead_of) == ("acme", "eng_old")
    undo(scene.lockfile, scene.journal, scene.clock.now(), resolution, "op_again")
    assert [one.operation_id for one in scene.lockfile.entry("acme").unresolved] == ["op_again"]


def test_the_job_of_one_that_was_looked_up_is_waited_for() -> None:
    scene = doubtful()
    look_up(scene, {"acme": ("op_x", ListedEngine("eng_found", "Acme", None, "pjb_found"))})
    (action,) = scene.plan().plan.actions
    assert (action.kind, action.job_id) == (Kind.RESUME, "pjb_found")


@pytest.mark.parametrize(
    "found",
    [
        {"acme": ("op_other", ListedEngine("eng_found"))},  # settled meanwhile
        {"acme": ("op_x", ListedEngine("eng_old"))},  # recorded meanwhile
        {"gone": ("op_x", ListedEngine("eng_found"))},
        {},
    ],
)
def test_what_is_not_right_any_more_is_left(found: dict[str, tuple[str, ListedEngine]]) -> None:
    scene = doubtful()
    before = scene.lockfile.read()[0]
    assert look_up(scene, found) == ((), [])
    assert scene.lockfile.read()[0] == before


def test_a_name_that_another_call_asked_for_meanwhile_is_left() -> None:
    before = lockfile(
        {"acme": entry(None, uncertain("x", ACME_2)), "blog": entry(None, pending("y", ACME))},
    )
    assert look_up(Scene({"acme": ACME_2}, before), FOUND) == ((), [])
