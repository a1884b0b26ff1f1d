"""Waiting by webhook: what a run does with an inbox, beside the WebSocket and without it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from reconciler.app.driver import Driver
from reconciler.app.learning import claim_taken, take_in
from reconciler.app.recorded import read_recorded_state
from reconciler.core.engine.spec import Spec
from reconciler.core.errors import ExitCode, PlatformError
from reconciler.core.ledger.fold import fold
from reconciler.core.platform.job import Uncertain
from reconciler.core.platform.webhook import Event
from reconciler.core.run.outcome import Outcome, Status
from tests.app.ports import MemoryDeliveries, Scene
from tests.core.build import begin, current, entry, lockfile, pending, uncertain

ACME = Spec("Acme")
SUMMARY = {"instructions": 6}


def completed(name: str = "1", **more: Any) -> Event:
    known: dict[str, Any] = {"engine_id": f"eng_{name}", "status": "completed", "summary": SUMMARY}
    return Event("provisioning.completed", f"pjb_{name}", **(known | more))


def scene_with_inbox(*, websocket: bool = False) -> tuple[Scene, MemoryDeliveries]:
    scene = Scene({"acme": ACME})
    scene.deliveries = MemoryDeliveries(scene.log)
    scene.websocket = websocket
    return scene, scene.deliveries


def come_when(scene: Scene, line: str, *events: Event) -> None:
    """The webhooks come in once this stands in the log, which a thread may write."""
    inbox = scene.deliveries
    assert inbox is not None
    loops: list[asyncio.AbstractEventLoop] = []

    def on_line(said: str) -> None:
        if said.startswith("told begun"):
            loops.append(asyncio.get_running_loop())
        if said.startswith(line):
            loops[0].call_soon_threadsafe(inbox.come, *events)

    scene.log.on_line = on_line


def status_of(outcome: Outcome) -> Status:
    (result,) = outcome.results
    return result.status


def test_a_job_is_waited_for_by_its_webhook_alone() -> None:
    scene, _ = scene_with_inbox()
    come_when(scene, "told waiting", completed("9"), completed("1"), completed("1"))
    outcome = scene.apply()
    assert status_of(outcome) is Status.DONE
    assert scene.log.count_of("watch") == 0
    assert scene.log.count_of("summary") == 0
    assert scene.log.count_of("told completed acme") == 1
    made = scene.lockfile.entry("acme").current
    assert made is not None
    assert (made.engine_id, made.summary) == ("eng_1", SUMMARY)


def test_a_failed_job_is_told_with_its_reason() -> None:
    scene, _ = scene_with_inbox()
    come_when(scene, "told waiting", Event("provisioning.failed", "pjb_1", "eng_1", "failed", "no pages"))
    outcome = scene.apply()
    assert status_of(outcome) is Status.FAILED
    assert "told failed acme: no pages" in scene.log


def test_the_websocket_may_refuse_where_webhooks_come() -> None:
    scene, _ = scene_with_inbox(websocket=True)
    scene.completions.broken["pjb_1"] = PlatformError("no access", status=403)
    come_when(scene, "told: acme: waiting for its webhook", completed())
    assert status_of(scene.apply()) is Status.DONE


def test_the_first_that_tells_wins() -> None:
    scene, _ = scene_with_inbox(websocket=True)
    outcome = scene.apply()  # no webhook comes, and none is needed
    assert status_of(outcome) is Status.DONE
    assert scene.log.count_of("told completed acme") == 1


def test_without_any_news_the_deadline_ends_the_wait() -> None:
    scene, _ = scene_with_inbox()
    outcome = scene.apply(settings=scene.settings(timeout=0.3))
    assert outcome.exit_code == ExitCode.RUNNING
    assert scene.lockfile.entry("acme").pending is not None


def test_a_lost_answer_heals_within_the_run() -> None:
    scene = Scene({"acme": ACME, "web": Spec("Web")})
    scene.deliveries = MemoryDeliveries(scene.log)
    scene.websocket = False
    scene.platform.answers["Acme"] = Uncertain("no answer came")
    healing = completed("8", operation_id="op_1")
    come_when(scene, "durable uncertain", healing, completed("1"))
    outcome = scene.apply()
    assert outcome.exit_code == ExitCode.OK
    made = scene.lockfile.entry("acme").current
    assert made is not None
    assert made.engine_id == "eng_8"


def test_an_inbox_that_breaks_beyond_its_contract_ends_the_run_and_loses_nothing() -> None:
    scene, inbox = scene_with_inbox()
    inbox.breaks = RuntimeError("broken")
    with pytest.raises(RuntimeError, match="broken"):
        scene.apply()
    assert scene.plan().recorded.folded.engines.keys() <= {"acme"}


def test_an_interrupted_run_does_not_wait_for_its_inbox() -> None:
    scene, _ = scene_with_inbox()
    scene.apply(while_running=Driver.interrupt)
    assert "inbox hurried 3.5" in scene.log


# ── before a run ───────────────────────────────────────────────────────────────────────────────────────────────────


def taken_in(scene: Scene, inbox: MemoryDeliveries) -> list[str]:
    recorded = read_recorded_state(scene.lockfile, scene.journal)
    facts = take_in(recorded, scene.journal, scene.clock, inbox.waiting())
    return [fact.type for fact in facts]


def test_what_waits_in_the_inbox_is_journalled_before_anything_is_planned() -> None:
    scene = Scene({"acme": ACME}, lockfile({"acme": entry(pending=pending("1", ACME))}))
    inbox = MemoryDeliveries(scene.log, [completed(), completed("5")])
    assert taken_in(scene, inbox) == ["ended", "summary"]
    assert scene.plan().plan.actions == ()
    assert scene.plan().plan.unwritten == 1
    assert taken_in(scene, inbox) == []
    scene.apply()
    made = scene.lockfile.entry("acme").current
    assert made is not None
    assert made.summary == SUMMARY
    assert claim_taken(inbox, inbox.waiting(), scene.lockfile, scene.journal, None) == 1
    assert inbox.claimed == ["0"]  # the other one is somebody else's


def test_the_begin_goes_along_with_what_was_learnt_of_it() -> None:
    """It may be on the remote alone, and a plan without the remote must not stumble over an engine of nobody."""
    scene = Scene({"acme": ACME})
    operation = begin("1", ACME, 1)
    seen = read_recorded_state(scene.lockfile, scene.journal)
    recorded = replace(seen, records=(operation,), folded=fold(seen.on_disk, [operation]))
    waiting = MemoryDeliveries(scene.log, [completed("8", operation_id="op_1")]).waiting()
    assert len(take_in(recorded, scene.journal, scene.clock, waiting)) == 3
    made = scene.plan().recorded.folded.entry("acme")
    assert made is not None
    assert made.current is not None
    assert made.current.engine_id == "eng_8"


def test_nothing_is_claimed_that_still_tells_something() -> None:
    lock = lockfile({"acme": entry(current("1", ACME), uncertain("2", Spec("B")))})
    scene = Scene({"acme": ACME}, lock)
    inbox = MemoryDeliveries(scene.log, [completed("1"), completed("9", operation_id="op_2")])
    assert claim_taken(inbox, inbox.waiting(), scene.lockfile, scene.journal, None) == 0
    assert inbox.claimed == []
