from __future__ import annotations

import asyncio
from collections.abc import Callable

from reconciler.app.finishing import OVERTAKEN
from reconciler.core.engine.spec import Spec
from reconciler.core.ledger import journal
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.run.outcome import Outcome, Status
from tests.app.ports import Scene
from tests.core.build import accepted, begin, current, entry, lockfile, superseded

ACME, BLOG, SHOP = Spec("Acme"), Spec("Blog"), Spec("Shop")
ACME_2 = Spec("Acme", locales=("de",))


def apply_while(scene: Scene, change: Callable[[Lockfile], Lockfile]) -> Outcome:
    """Apply, and while its first job runs somebody else writes the lockfile."""
    running = asyncio.Event()
    jobs = {f"pjb_{name}": running for name in (1, 2, 3, "x")}
    scene.completions.running = jobs

    async def drive() -> Outcome:
        planned = scene.plan()
        driving = asyncio.create_task(scene.driver(planned).drive(planned.recorded.on_disk))
        await scene.until("watch")
        changed = change(scene.lockfile.read()[0])
        scene.lockfile.content = lockfile_format.render(changed)
        running.set()
        return await driving

    return asyncio.run(drive())


def engine(scene: Scene, key: str) -> str | None:
    now = scene.lockfile.entry(key).current
    return None if now is None else now.engine_id


def test_what_somebody_else_wrote_meanwhile_stays() -> None:
    scene = Scene({"acme": ACME, "blog": BLOG}, lockfile({"blog": entry(current("blog", BLOG))}))
    theirs = entry(current("shop", SHOP))
    outcome = apply_while(scene, lambda lock: lock.with_entries({"shop": theirs, "blog": None}))
    assert outcome.wrote
    assert set(scene.lockfile.read()[0].engines) == {"acme", "shop"}
    assert engine(scene, "acme") == "eng_1"
    assert scene.journal.content == b""


def test_an_engine_that_only_the_journal_of_an_earlier_run_knew_is_not_forgotten() -> None:
    """The earlier run died after the answer. This one waits for its job, and meanwhile the file changes."""
    scene = Scene({"acme": ACME})
    scene.journal.content = journal.render([begin("x", ACME, 1), accepted("x", 2)])
    outcome = apply_while(scene, lambda lock: lock.with_entry("shop", entry(current("shop", SHOP))))
    assert [result.status for result in outcome.results] == [Status.DONE]
    assert engine(scene, "acme") == "eng_x"
    assert engine(scene, "shop") == "eng_shop"


def test_moves_and_retirements_survive_somebody_elses_change() -> None:
    before = lockfile({"old": entry(current("old", BLOG)), "gone": entry(current("gone", SHOP))})
    scene = Scene({"acme": ACME, "new": BLOG}, before)
    apply_while(scene, lambda lock: lock.with_entry("other", entry(current("other", ACME))))
    after = scene.lockfile.read()[0]
    assert set(after.engines) == {"acme", "new", "other"}
    assert engine(scene, "new") == "eng_old"
    assert [one.entry.engine_ids for one in after.retired_of("gone")] == [("eng_gone",)]


def test_both_made_an_engine_for_one_key_and_both_are_kept() -> None:
    scene = Scene({"acme": ACME})
    older = current("theirs", ACME, provisioned_at="2020-01-01T00:00:00Z")
    apply_while(scene, lambda lock: lock.with_entry("acme", entry(older)))
    assert set(scene.lockfile.entry("acme").engine_ids) == {"eng_1", "eng_theirs"}
    assert engine(scene, "acme") == "eng_1"


def test_where_both_changed_one_entry_nothing_is_reported_as_done_that_is_not() -> None:
    """A restore of ours meets their replacement of the same entry: theirs stands, and the report says so."""
    before = lockfile({"blog": entry(current("b", ACME_2), None, superseded("a", BLOG))})
    scene = Scene({"acme": ACME, "blog": BLOG}, before)
    theirs = entry(current("c", SHOP), None, superseded("a", BLOG), superseded("b", ACME_2))
    outcome = apply_while(scene, lambda lock: lock.with_entry("blog", theirs))
    by_key = {result.key: result for result in outcome.results}
    assert by_key["acme"].status is Status.DONE
    assert (by_key["blog"].status, by_key["blog"].error) == (Status.NOT_STARTED, OVERTAKEN)
    assert engine(scene, "acme") == "eng_1"
    assert engine(scene, "blog") == "eng_c"
    assert scene.plan().plan.summary()["restore"] == 1


def test_a_lockfile_that_became_unreadable_meanwhile_is_left_alone_and_the_journal_kept() -> None:
    scene = Scene({"acme": ACME})
    scene.completions.running = {"pjb_1": asyncio.Event()}
    conflict = b"<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n"

    async def drive() -> Outcome:
        planned = scene.plan()
        driving = asyncio.create_task(scene.driver(planned).drive(planned.recorded.on_disk))
        await scene.until("watch")
        scene.lockfile.content = conflict
        scene.completions.running["pjb_1"].set()
        return await driving

    outcome = asyncio.run(drive())
    assert outcome.unwritten is not None
    assert "conflict markers" in outcome.unwritten
    assert scene.lockfile.content == conflict
    assert scene.journal.types() == ["begin", "accepted", "ended"]
    scene.lockfile.content = b""
    scene.apply()
    assert engine(scene, "acme") == "eng_1"
