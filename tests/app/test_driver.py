from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

import pytest

from reconciler.app import driver as driver_module
from reconciler.app.driver import Driver
from reconciler.core.engine.spec import Spec
from reconciler.core.errors import ExitCode, PlatformError
from reconciler.core.platform.job import Accepted, News, Progress, Refused, Uncertain
from reconciler.core.run.outcome import Outcome, Status
from tests.app.ports import Scene
from tests.core.build import current, entry, lockfile, pending

ACME, BLOG = Spec("Acme"), Spec("Blog")
ACME_2 = Spec("Acme", locales=("de",))


def statuses(outcome: Outcome) -> dict[str, Status]:
    return {result.key: result.status for result in outcome.results}


def many(count: int) -> dict[str, Spec]:
    return {f"e{number:04}": Spec(f"Engine {number}") for number in range(count)}


# ── the order of things ────────────────────────────────────────────────────────────────────────────────────────────


def test_each_step_is_durable_before_the_next() -> None:
    scene = Scene({"acme": ACME})
    scene.platform.summary = {"instructions": 6}
    outcome = scene.apply()
    assert [line for line in scene.log if not line.startswith("told")] == [
        "durable begin op_1",
        "POST op_1",
        "durable accepted op_1",
        "watch pjb_1",
        "durable ended op_1",
        "summary pjb_1",
        "durable summary op_1",
        "lockfile written",
        "journal compacted",
    ]
    assert statuses(outcome) == {"acme": Status.DONE}
    assert outcome.wrote
    assert outcome.exit_code == ExitCode.OK
    assert scene.lockfile.entry("acme").current is not None
    assert scene.plan().plan.actions == ()


def test_a_job_that_ended_with_the_answer_is_not_waited_for_and_told_as_completed() -> None:
    scene = Scene({"acme": ACME})
    scene.platform.at_once = ["Acme"]
    scene.apply()
    assert scene.log.count_of("watch") == 0
    assert scene.log.index_of("told accepted acme eng_1 pjb_1") < scene.log.index_of("told completed acme")


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_an_answer_with_a_terminal_status_is_told_and_recorded(status: str) -> None:
    scene = Scene({"acme": ACME})
    scene.platform.answers["Acme"] = Accepted("pjb_9", "eng_9", status)
    outcome = scene.apply()
    assert scene.log.count_of(f"told {status} acme") == 1
    assert statuses(outcome) == {"acme": Status.DONE if status == "completed" else Status.FAILED}


def test_who_looks_on_is_told_each_step() -> None:
    scene = Scene({"acme": ACME})
    scene.apply()
    assert [line for line in scene.log if line.startswith("told")] == [
        "told begun 1 0",
        "told submitting acme",
        "told accepted acme eng_1 pjb_1",
        "told waiting acme pjb_1",
        "told step acme crawl acme.com",
        "told completed acme",
    ]


def test_the_replaced_engine_serves_until_the_new_one_completed() -> None:
    scene = Scene({"acme": ACME_2}, lockfile({"acme": entry(current("old", ACME))}))
    scene.completions.failing = {"pjb_1": "the crawl failed"}
    outcome = scene.apply()
    assert statuses(outcome) == {"acme": Status.FAILED}
    kept = scene.lockfile.entry("acme")
    assert kept.current is not None
    assert kept.current.engine_id == "eng_old"
    scene.completions.failing = {}
    scene.apply(retry_failed=True)
    replaced = scene.lockfile.entry("acme")
    assert replaced.current is not None
    assert replaced.current.engine_id == "eng_2"
    assert [one.engine_id for one in replaced.superseded] == ["eng_1", "eng_old"]


def test_the_operation_id_is_the_end_of_the_callback_url() -> None:
    scene = Scene({"acme": ACME})
    scene.apply(settings=scene.settings(callback_url="https://ci.example/hook"))
    assert scene.platform.callbacks == ["https://ci.example/hook/op_1"]


def test_no_more_calls_at_once_than_asked_for() -> None:
    scene = Scene(many(40))
    scene.apply(settings=scene.settings(concurrency=3))
    assert scene.platform.most_at_work == 3
    assert len(scene.platform.engines) == 40


def test_records_that_wait_for_the_disk_go_out_together() -> None:
    """While one append is at work the others gather; they must not each cost an fsync of their own."""
    scene = Scene(many(40))
    for name in (spec.name for spec in scene.engines.specs.values()):
        scene.platform.slow[name] = asyncio.Event()
    settings = scene.settings(concurrency=40)

    async def drive() -> Outcome:
        planned = scene.plan()
        driving = asyncio.create_task(scene.driver(planned, settings).drive(planned.recorded.on_disk))
        await scene.until("POST", count=40)
        scene.journal.gate.clear()
        for event in scene.platform.slow.values():
            event.set()
        await scene.until("told accepted", count=40)
        scene.journal.gate.set()
        return await driving

    outcome = asyncio.run(drive())
    assert outcome.counts()["done"] == 40
    assert scene.journal.batches[0] == 40
    assert len(scene.journal.batches) < 20
    assert sum(scene.journal.batches) == 120


def test_a_thousand_creates_cost_no_more_each_than_a_quarter_of_them() -> None:
    def calls_for(count: int) -> float:
        scene = Scene(many(count))
        calls = _count_calls(scene.apply)
        assert len(scene.platform.engines) == count
        return calls / count

    assert calls_for(1000) < 1.25 * calls_for(250)


def _count_calls(work: object) -> int:
    """Python calls made by `work`, in every thread; the same on a busy machine as on an idle one."""
    count = 0

    def count_call(frame: object, event: str, argument: object) -> None:
        nonlocal count
        if event == "call":
            count += 1

    threading.setprofile(count_call)
    before = sys.getprofile()
    sys.setprofile(count_call)
    try:
        work()  # type: ignore[operator]
    finally:
        sys.setprofile(before)
        threading.setprofile(None)
    return count


# ── waiting and its ends ───────────────────────────────────────────────────────────────────────────────────────────


def test_at_the_deadline_the_job_stays_and_the_next_run_resumes_it() -> None:
    scene = Scene({"acme": ACME})
    scene.completions.running = {"pjb_1": asyncio.Event()}
    outcome = scene.apply(settings=scene.settings(timeout=0.05))
    assert statuses(outcome) == {"acme": Status.RUNNING}
    assert outcome.exit_code == ExitCode.RUNNING
    assert scene.log.count_of("told: deadline reached") == 1
    left = scene.lockfile.entry("acme").pending
    assert left is not None
    assert left.engine_id == "eng_1"
    scene.completions.running = {}
    assert statuses(scene.apply()) == {"acme": Status.DONE}
    assert len(scene.platform.engines) == 1


def test_at_the_deadline_what_has_not_begun_is_not_begun() -> None:
    scene = Scene({"acme": ACME, "blog": BLOG})
    scene.platform.slow["Acme"] = asyncio.Event()
    settings = scene.settings(concurrency=1, timeout=0.05)

    async def drive() -> Outcome:
        planned = scene.plan()
        driving = asyncio.create_task(scene.driver(planned, settings).drive(planned.recorded.on_disk))
        await scene.until("told: deadline reached")
        scene.platform.slow["Acme"].set()
        return await driving

    outcome = asyncio.run(drive())
    assert statuses(outcome) == {"acme": Status.RUNNING, "blog": Status.NOT_STARTED}
    assert scene.platform.operations == ["op_1"]


def test_detached_nothing_is_waited_for() -> None:
    scene = Scene({"acme": ACME})
    outcome = scene.apply(settings=scene.settings(detach=True))
    assert statuses(outcome) == {"acme": Status.RUNNING}
    assert outcome.exit_code == ExitCode.OK
    assert scene.log.count_of("watch") == 0
    assert scene.journal.content == b""


def test_a_wait_that_the_platform_refuses_leaves_the_job_pending() -> None:
    scene = Scene({"acme": ACME, "blog": BLOG})
    scene.completions.broken = {"pjb_1": PlatformError("no such job")}
    outcome = scene.apply()
    assert statuses(outcome) == {"acme": Status.RUNNING, "blog": Status.DONE}
    assert outcome.results[0].error == "no such job"


def test_a_watch_that_falls_silent_ends_the_wait_but_not_the_job() -> None:
    scene = Scene({"acme": ACME})
    scene.completions.silent = ["pjb_1"]
    assert statuses(scene.apply()) == {"acme": Status.RUNNING}


def test_strange_and_repeated_news_changes_nothing() -> None:
    scene = Scene({"acme": ACME})
    scene.completions.extra = [
        News("pjb_of_somebody_else", "failed", "boo"),
        News("pjb_1", "no such word"),
        Progress("pjb_1", "crawl"),
        News("pjb_1", "completed"),
        News("pjb_1", "failed", "too late"),
    ]
    assert statuses(scene.apply()) == {"acme": Status.DONE}
    done = scene.lockfile.entry("acme")
    assert done.pending is None
    assert done.current is not None


def test_a_running_job_is_waited_for_without_a_call() -> None:
    scene = Scene({"acme": ACME}, lockfile({"acme": entry(None, pending("x", ACME))}))
    assert statuses(scene.apply()) == {"acme": Status.DONE}
    assert scene.platform.operations == []
    assert scene.log.count_of("told waiting acme pjb_x") == 1


# ── what the platform says no to ───────────────────────────────────────────────────────────────────────────────────


def test_a_refusal_that_hits_every_call_stops_creating_but_not_waiting() -> None:
    scene = Scene({"acme": ACME, "blog": BLOG, "shop": Spec("Shop")})
    scene.platform.answers["Blog"] = Refused("credit limit reached", 402)
    outcome = scene.apply(settings=scene.settings(concurrency=1))
    assert statuses(outcome) == {"acme": Status.DONE, "blog": Status.NOT_STARTED, "shop": Status.NOT_STARTED}
    assert outcome.halted == "credit limit reached"
    assert outcome.exit_code == ExitCode.FAILED
    assert set(scene.lockfile.read()[0].engines) == {"acme"}


def test_a_refusal_of_one_spec_stops_no_other() -> None:
    scene = Scene({"acme": ACME, "blog": BLOG})
    scene.platform.answers["Acme"] = Refused("name is too long", 400)
    outcome = scene.apply(settings=scene.settings(concurrency=1))
    assert statuses(outcome) == {"acme": Status.FAILED, "blog": Status.DONE}
    assert scene.log.count_of("told failed acme: name is too long") == 1


def test_an_unknown_outcome_is_uncertain_and_never_sent_again() -> None:
    scene = Scene({"acme": ACME})
    scene.platform.answers["Acme"] = Uncertain("the connection was lost")
    outcome = scene.apply()
    assert outcome.exit_code == ExitCode.UNCERTAIN
    assert scene.log.count_of("told uncertain acme: the connection was lost") == 1
    again = scene.plan()
    assert not again.plan.changes_anything
    assert scene.platform.operations == ["op_1"]


# ── interrupts ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_grace_leaves_room_to_end_within_five_seconds() -> None:
    assert driver_module.GRACE < 4.5
    text = Path(__file__).parents[2].joinpath("docs/how-it-works.md").read_text()
    assert f"get {driver_module.GRACE} seconds" in text


def test_an_answer_within_the_grace_is_recorded() -> None:
    scene = Scene({"acme": ACME, "blog": BLOG})
    scene.platform.slow["Acme"] = asyncio.Event()

    def interrupt(driver: Driver) -> None:
        driver.interrupt()
        asyncio.get_running_loop().call_later(0.05, scene.platform.slow["Acme"].set)

    outcome = scene.apply(while_running=interrupt, settings=scene.settings(concurrency=1))
    assert statuses(outcome) == {"acme": Status.RUNNING, "blog": Status.NOT_STARTED}
    assert outcome.exit_code == ExitCode.INTERRUPTED
    left = scene.lockfile.entry("acme").pending
    assert left is not None
    assert left.engine_id == "eng_1"


def test_no_answer_within_the_grace_is_uncertain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "GRACE", 0.05)
    scene = Scene({"acme": ACME, "blog": BLOG})
    scene.platform.slow = {"Acme": asyncio.Event(), "Blog": asyncio.Event()}
    outcome = scene.apply(while_running=Driver.interrupt)
    assert statuses(outcome) == {"acme": Status.UNCERTAIN, "blog": Status.UNCERTAIN}
    assert outcome.exit_code == ExitCode.INTERRUPTED
    assert scene.platform.at_work == 0
    assert scene.plan().plan.summary()["uncertain"] == 2


def test_an_answer_that_comes_with_the_end_of_the_grace_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The grace ends, and in the same turn of the loop the answer is there: it is taken, and the run goes on."""
    monkeypatch.setattr(driver_module, "GRACE", 0.0)
    for turns in range(6):
        scene = Scene({"acme": ACME})
        answered = scene.platform.slow["Acme"] = asyncio.Event()

        def interrupt(driver: Driver, answered: asyncio.Event = answered, turns: int = turns) -> None:
            driver.interrupt()
            _after_turns(turns, answered)

        outcome = scene.apply(while_running=interrupt)
        assert outcome.exit_code == ExitCode.INTERRUPTED
        left = scene.lockfile.entry("acme").pending
        assert left is not None
        assert (left.status, left.engine_id) in {("in_progress", "eng_1"), ("uncertain", None)}


def _after_turns(turns: int, event: asyncio.Event) -> None:
    if turns:
        asyncio.get_running_loop().call_soon(_after_turns, turns - 1, event)
    else:
        event.set()


def test_interrupted_while_jobs_run_they_are_left_to_the_next_run() -> None:
    scene = Scene({"acme": ACME})
    scene.completions.running = {"pjb_1": asyncio.Event()}

    async def drive() -> Outcome:
        planned = scene.plan()
        driver = scene.driver(planned)
        driving = asyncio.create_task(driver.drive(planned.recorded.on_disk))
        await scene.until("watch pjb_1")
        driver.interrupt()
        driver.interrupt()
        return await driving

    outcome = asyncio.run(drive())
    assert statuses(outcome) == {"acme": Status.RUNNING}
    assert outcome.interrupted


def test_interrupted_while_a_begin_is_written_it_is_not_sent() -> None:
    scene = Scene({"acme": ACME})
    scene.journal.gate.clear()

    async def drive() -> Outcome:
        planned = scene.plan()
        driver = scene.driver(planned)
        driving = asyncio.create_task(driver.drive(planned.recorded.on_disk))
        await asyncio.sleep(0)
        driver.interrupt()
        await asyncio.sleep(0)
        scene.journal.gate.set()
        return await driving

    outcome = asyncio.run(drive())
    assert statuses(outcome) == {"acme": Status.NOT_STARTED}
    assert scene.platform.operations == []
    assert scene.plan().plan.summary()["create"] == 1
