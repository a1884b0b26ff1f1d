"""Sharing through a remote that fails, and through interrupts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import pytest

from reconciler.app import driver as driver_module
from reconciler.app import ledger_writer as sharing
from reconciler.core.engine.spec import Spec
from reconciler.core.errors import (
    ExitCode,
    GitError,
    JournalError,
    PushRefused,
    RemoteUnreachable,
)
from reconciler.core.ledger.journal import Record
from reconciler.core.lockfile.model import EMPTY
from reconciler.core.run.outcome import Status
from tests.app.memory_ledger import SharedScene
from tests.core.build import accepted, begin, current, entry

ACME, BLOG, SHOP = Spec("Acme"), Spec("Blog"), Spec("Shop")
THREE = {"acme": ACME, "blog": BLOG, "shop": SHOP}
GONE = RemoteUnreachable("the remote is gone")


async def until(holds: Callable[[], object], what: str = "it") -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, f"did not come about: {what}"
        await asyncio.sleep(0.002)


def running(scene: SharedScene, *jobs: int) -> list[asyncio.Event]:
    """These jobs run until their event is set."""
    events = [asyncio.Event() for _ in jobs]
    scene.completions.running |= {f"pjb_{job}": event for job, event in zip(jobs, events, strict=True)}
    return events


def losing(
    scene: SharedScene, lose: Callable[[SharedScene], None], *, heals: bool = True
) -> Callable[[], object]:
    """The lease is lost while the first of three calls is under way, and noticed when it is to be renewed."""
    scene.platform.slow["Acme"] = asyncio.Event()

    async def during() -> None:
        await until(lambda: scene.log.count_of("POST"), "the first call is under way")
        await until(lambda: len(scene.remote.pushes) == 2, "and the next is announced")
        lose(scene)
        await until(
            lambda: scene.ledger_writer is not None and scene.ledger_writer.lost, "the loss is noticed"
        )
        if heals:
            scene.ledger.before = lambda name, records: None
        scene.platform.slow["Acme"].set()

    return during


def _left(scene: SharedScene) -> float:
    from reconciler.core.ledger.lease import seconds_left

    return seconds_left(scene.remote.lease, scene.moved_clock.now())


# ── a remote that fails ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_goes_on_when_the_remote_is_back() -> None:
    scene = SharedScene({f"e{number}": Spec(f"E{number}") for number in range(6)})
    failures = 0

    def gone_for_a_while(name: str, records: Sequence[Record]) -> Exception | None:
        nonlocal failures
        if scene.remote.pushes and failures < 3:
            failures += 1
            return GONE
        return None

    scene.ledger.before = gone_for_a_while
    outcome = scene.share(concurrency=1)
    assert failures == 3
    assert outcome.exit_code == ExitCode.OK
    assert len(scene.platform.engines) == 6


def test_a_remote_that_stays_away_ends_creating_before_the_lease_does() -> None:
    scene = SharedScene({f"e{number}": Spec(f"E{number}") for number in range(6)}, ttl=1.2)
    scene.ledger.before = lambda name, records: GONE if scene.remote.pushes else None
    late: list[float] = []
    scene.log.on_line = lambda line: late.append(_left(scene)) if line.startswith("POST") else None
    outcome = scene.share(concurrency=1)
    assert 0 < len(scene.platform.operations) < 6
    assert min(late) > 0
    assert outcome.lease_lost
    assert outcome.unpublished
    assert "accepted" in scene.journal.types()
    scene.ledger.before = lambda name, records: None
    scene.moved_clock.ahead = 100
    assert scene.share().exit_code == ExitCode.OK
    assert len(scene.platform.engines) == len(scene.platform.operations) == 6


def test_nothing_is_created_where_the_remote_is_gone_from_the_start() -> None:
    scene = SharedScene(THREE)
    planned = scene.shared_plan()
    scene.ledger.before = lambda name, records: GONE
    outcome = scene.share(planned=planned)
    assert scene.platform.operations == []
    assert outcome.exit_code == ExitCode.FAILED
    assert outcome.unpublished is not None
    assert "the remote is gone" in outcome.unpublished


def test_the_last_push_is_tried_again() -> None:
    scene = SharedScene(THREE)
    failures = 0

    def gone_for_a_while(name: str, records: Sequence[Record]) -> Exception | None:
        nonlocal failures
        if name == "publish" and failures < 3:
            failures += 1
            return GONE
        return None

    scene.ledger.before = gone_for_a_while
    assert scene.share().published
    assert len(scene.pauses) == 3


@pytest.mark.parametrize("name", ["record", "publish"])
def test_an_answer_of_the_remote_that_is_lost_does_no_harm(name: str) -> None:
    """The push arrived, and the run does not know."""
    scene = SharedScene(THREE)
    lost = 0

    def answer_lost(called: str, records: Sequence[Record]) -> Exception | None:
        nonlocal lost
        if called == name and lost == 0 and (name == "publish" or len(scene.remote.pushes) == 2):
            lost += 1
            return GONE
        return None

    scene.ledger.after = answer_lost
    [end] = running(scene, 3)

    async def during() -> None:
        await until(lambda: len(scene.remote.pushes) >= 2)
        end.set()

    outcome = scene.share(during)
    assert lost == 1
    assert outcome.exit_code == ExitCode.OK
    assert outcome.published
    assert not outcome.lease_lost
    assert scene.remote.shared.records == ()
    assert scene.remote.lease.holder is None
    assert len(scene.platform.operations) == 3


def test_a_lease_that_was_taken_without_our_hearing_of_it_is_given_back() -> None:
    scene = SharedScene(THREE)
    scene.ledger.after = lambda name, records: GONE if len(scene.remote.pushes) == 1 else None
    outcome = scene.share()
    assert scene.platform.operations == []
    assert outcome.exit_code == ExitCode.FAILED
    assert scene.remote.lease.holder is None
    scene.ledger.after = lambda name, records: None
    assert scene.share().exit_code == ExitCode.OK, "its begins are known to be unsent, not uncertain"
    assert len(scene.platform.operations) == 3


def test_a_stranger_on_the_ledger_does_not_end_our_lease() -> None:
    """Somebody who lost the lease brings what it knows."""
    scene = SharedScene({"acme": ACME})
    [end] = running(scene, 1)
    facts = (begin("old", Spec("Old"), 1, "old"), accepted("old", 2))

    async def during() -> None:
        await until(lambda: scene.remote.has("begin"))
        scene.remote.put(records=(*scene.remote.shared.records, *facts))
        await until(lambda: scene.remote.has("accepted") and len(scene.remote.pushes) == 2)
        assert all(fact in scene.remote.shared.records for fact in facts)
        end.set()

    outcome = scene.share(during)
    assert outcome.exit_code == ExitCode.OK
    assert outcome.published
    stranger = scene.remote.shared.lockfile.entry("old")
    assert stranger is not None
    assert stranger.engine_ids == ("eng_old",)


def test_a_branch_that_moved_is_merged_not_overwritten() -> None:
    scene = SharedScene({"acme": ACME})
    other = EMPTY.with_entries({"blog": entry(current("blog", BLOG))})
    [end] = running(scene, 1)

    async def during() -> None:
        await until(lambda: scene.log.count_of("POST"))
        scene.remote.change_branch(other)
        end.set()

    outcome = scene.share(during)
    assert outcome.published
    assert set(scene.remote.shared.lockfile.engines) == {"acme", "blog"}
    assert scene.lockfile.read()[0] == scene.remote.shared.lockfile


def test_a_refused_lockfile_is_published_by_the_next_run_without_a_call() -> None:
    scene = SharedScene(THREE)
    no = PushRefused("main is protected", hint="allow it")
    scene.ledger.before = lambda name, records: no if name == "publish" else None
    outcome = scene.share()
    assert outcome.exit_code == ExitCode.FAILED
    assert outcome.unpublished == "main is protected; allow it"
    assert scene.journal.types().count("accepted") == 3
    assert scene.remote.has("accepted")
    assert scene.remote.lease.holder is None
    assert scene.lockfile.entry("acme").current is not None, "the work tree's own lockfile has it"

    elsewhere = SharedScene(THREE, scene.remote)
    planned = elsewhere.shared_plan()
    assert planned.plan.changes_anything
    assert elsewhere.share(planned=planned).published
    assert elsewhere.platform.operations == []
    assert set(scene.remote.shared.lockfile.engines) == set(THREE)
    scene.ledger.before = lambda name, records: None
    assert scene.share().published, "and the first machine has nothing left to do"
    assert len(scene.platform.operations) == 3
    assert scene.journal.types() == []


def test_where_begins_are_refused_nothing_is_created() -> None:
    scene = SharedScene(THREE)
    scene.ledger.before = lambda name, records: None if name == "look" else PushRefused("no permission")
    outcome = scene.share()
    assert scene.platform.operations == []
    assert outcome.exit_code == ExitCode.FAILED
    assert "no permission" in (outcome.halted or "")


def test_renewals_that_are_refused_are_not_tried_without_a_pause() -> None:
    scene = SharedScene({"acme": ACME}, ttl=0.9)
    [end] = running(scene, 1)

    async def during() -> None:
        await until(lambda: scene.remote.has("begin"))
        scene.ledger.before = lambda name, records: PushRefused("no more") if name == "record" else None
        await until(lambda: scene.ledger_writer is not None and scene.ledger_writer.lost, "the lease expired")
        end.set()

    outcome = scene.share(during)
    assert scene.ledger.tried < 10
    assert outcome.lease_lost


def test_a_ledger_that_becomes_unreadable_ends_the_creating_and_nothing_hangs() -> None:
    scene = SharedScene(THREE, ttl=1.5)

    def unreadable(scene: SharedScene) -> None:
        scene.remote.put()
        scene.ledger.before = lambda name, records: JournalError("line 1: junk") if name == "look" else None

    during = losing(scene, unreadable, heals=False)
    outcome = scene.share(during, concurrency=1)
    assert scene.platform.operations == ["op_1"]
    assert outcome.unpublished is not None
    assert "junk" in outcome.unpublished
    assert scene.lockfile.entry("acme").current is not None
    assert "accepted" in scene.journal.types()


@pytest.mark.parametrize("error", [GitError("git fast-import failed: no space left"), PushRefused("no")])
def test_answers_that_cannot_be_pushed_stay_here_and_the_run_goes_on(error: GitError) -> None:
    scene = SharedScene({"acme": ACME})
    [end] = running(scene, 1)
    tried = 0

    def once(name: str, records: Sequence[Record]) -> Exception | None:
        nonlocal tried
        if any(record.type == "accepted" for record in records) and tried == 0:
            tried += 1
            return error
        return None

    scene.ledger.before = once

    async def during() -> None:
        await until(lambda: tried)
        end.set()

    outcome = scene.share(during)
    assert outcome.published
    assert [result.status for result in outcome.results] == [Status.DONE]


def test_an_error_of_our_own_in_a_push_ends_the_run_and_is_raised_after_all_is_recorded() -> None:
    scene = SharedScene(THREE)
    bug = ZeroDivisionError("ours")
    scene.ledger.before = lambda name, records: bug if name == "record" else None
    with pytest.raises(ZeroDivisionError):
        scene.share()
    assert scene.platform.operations == []


# ── interrupts ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_interrupted_run_publishes_and_gives_the_lease_back() -> None:
    scene = SharedScene(THREE)
    running(scene, 1, 2, 3)

    async def during() -> None:
        await until(lambda: scene.log.count_of("watch") == 3)

    start = time.monotonic()
    outcome = scene.share(during, interrupt=True)
    assert time.monotonic() - start < 5
    assert outcome.exit_code == ExitCode.INTERRUPTED
    assert outcome.published
    assert scene.remote.lease.holder is None
    written = scene.remote.shared.lockfile.entry("acme")
    assert written is not None
    assert written.pending is not None


def test_an_interrupt_does_not_wait_for_a_remote_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "END", 0.4)
    monkeypatch.setattr(driver_module, "SHARED_GRACE", 0.2)
    scene = SharedScene(THREE)

    async def during() -> None:
        scene.ledger.gate.clear()
        await until(lambda: scene.ledger.tried, "the first push hangs")

    start = time.monotonic()
    outcome = scene.share(during, interrupt=True)
    assert time.monotonic() - start < 3
    assert outcome.exit_code == ExitCode.INTERRUPTED
    assert scene.platform.operations == []


def test_an_interrupt_does_not_wait_for_the_next_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "FIRST_PAUSE", 30.0)
    monkeypatch.setattr(sharing, "LAST_PAUSE", 30.0)
    scene = SharedScene({f"e{number}": Spec(f"E{number}") for number in range(6)})
    scene.ledger.before = lambda name, records: GONE if scene.remote.pushes else None

    async def during() -> None:
        await until(lambda: scene.ledger.tried >= 2, "a push has failed")
        await asyncio.sleep(0)

    start = time.monotonic()
    outcome = scene.share(during, concurrency=1, interrupt=True)
    assert time.monotonic() - start < 5
    assert outcome.exit_code == ExitCode.INTERRUPTED
    assert outcome.unpublished
