"""Sharing through a remote: how many pushes, in which order, and what a lost lease does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from reconciler.app import ledger_writer as sharing
from reconciler.core.engine.spec import Spec
from reconciler.core.errors import ExitCode, LeaseHeld, RemoteUnreachable
from reconciler.core.ledger.lease import give_back
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from tests.app.memory_ledger import Remote, SharedScene, taken_by_another
from tests.core.build import accepted, begin

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


# ── the order and the number of pushes ─────────────────────────────────────────────────────────────────────────────


def _exactly(scene: SharedScene, line: str) -> int:
    return scene.log.index(line)


# ── a lease that is lost ───────────────────────────────────────────────────────────────────────────────────────────


def broken(scene: SharedScene) -> None:
    scene.remote.put(lease=give_back(scene.remote.lease))


def deleted(scene: SharedScene) -> None:
    scene.remote.shared = RemoteSnapshot(None, (), branch_tip="b0")


def rewritten(scene: SharedScene) -> None:
    scene.remote.put(records=(), lease=give_back(scene.remote.lease))


def taken_over(scene: SharedScene) -> None:
    scene.moved_clock.ahead = 3600
    taken_by_another(scene.remote)


def clock_moved(scene: SharedScene) -> None:
    """Nobody took it yet, but anybody may."""
    scene.moved_clock.ahead = 3600
    scene.ledger.before = lambda name, records: GONE if name == "record" else None


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


def test_one_wave_costs_three_pushes() -> None:
    scene = SharedScene(THREE)
    ends = running(scene, 1, 2, 3)

    async def during() -> None:
        await until(lambda: scene.remote.has("accepted"), "the answers are pushed")
        for end in ends:
            end.set()

    outcome = scene.share(during)
    assert outcome.exit_code == ExitCode.OK
    assert outcome.published
    assert scene.remote.pushes == [["begin"] * 3, ["accepted"] * 3, ["ended"] * 3]
    assert scene.remote.shared.records == ()
    assert scene.remote.lease == give_back(scene.remote.lease)
    assert scene.remote.shared.lockfile == scene.lockfile.read()[0]
    assert scene.journal.types() == []


def test_a_wave_that_ends_at_once_costs_two() -> None:
    scene = SharedScene(THREE)
    assert scene.share().exit_code == ExitCode.OK
    assert len(scene.remote.pushes) == 2


def test_nothing_is_called_whose_begin_is_not_on_the_remote() -> None:
    scene = SharedScene({f"e{number}": Spec(f"E{number}") for number in range(40)})
    assert scene.share(concurrency=3).exit_code == ExitCode.OK
    for number in range(1, 41):
        pushed, durable, called = (
            scene.log.index_of(f"{what} op_{number}")
            if what == "POST"
            else _exactly(scene, f"{what} op_{number}")
            for what in ("pushed begin", "durable begin", "POST")
        )
        assert pushed < durable < called


def test_an_answer_is_on_the_remote_within_a_second() -> None:
    scene = SharedScene({"acme": ACME})
    [end] = running(scene, 1)
    took = 0.0

    async def during() -> None:
        nonlocal took
        await until(lambda: scene.log.count_of("durable accepted"))
        start = time.monotonic()
        await until(lambda: scene.remote.has("accepted"))
        took = time.monotonic() - start
        end.set()

    scene.share(during)
    assert took < 1.5, "RESULT_DELAY, and what a busy machine adds"
    assert sharing.RESULT_DELAY < 1


def test_a_push_that_hangs_delays_no_fsync() -> None:
    scene = SharedScene({"acme": ACME, "blog": BLOG})
    scene.platform.slow["Blog"] = asyncio.Event()
    ends = running(scene, 1, 2)

    async def during() -> None:
        await until(lambda: scene.log.count_of("durable accepted") == 1)
        tried = scene.ledger.tried
        scene.ledger.gate.clear()
        await until(lambda: scene.ledger.tried > tried, "the push of the first answer hangs")
        scene.platform.slow["Blog"].set()
        await until(lambda: scene.log.count_of("durable accepted") == 2, "the second answer is durable")
        assert not scene.remote.has("accepted")
        scene.ledger.gate.set()
        for end in ends:
            end.set()

    assert scene.share(during).exit_code == ExitCode.OK


def test_the_lease_is_renewed_while_jobs_run() -> None:
    scene = SharedScene({"acme": ACME}, ttl=0.6)
    [end] = running(scene, 1)

    async def during() -> None:
        await until(lambda: scene.remote.lease.holder is not None)
        seen = {scene.remote.lease.expires_at}

        def renewed() -> bool:
            seen.add(scene.remote.lease.expires_at)
            return len(seen) >= 4

        await until(renewed, "three renewals")
        end.set()

    outcome = scene.share(during)
    assert outcome.exit_code == ExitCode.OK
    assert not outcome.lease_lost


@pytest.mark.parametrize("lose", [broken, deleted, rewritten, taken_over, clock_moved])
def test_without_the_lease_nothing_is_created_and_what_is_known_gets_there(
    lose: Callable[[SharedScene], None],
) -> None:
    scene = SharedScene(THREE, ttl=1.5)
    outcome = scene.share(losing(scene, lose), concurrency=1)
    assert scene.platform.operations == ["op_1"]
    assert outcome.exit_code == ExitCode.LEASE
    assert outcome.lease_lost
    known = {(record.type, record.operation) for record in scene.remote.shared.records}
    assert ("accepted", "op_1") in known
    assert {operation for kind, operation in known if kind == "begin"} <= {
        operation for kind, operation in known if kind in ("accepted", "refused")
    }
    token = scene.remote.lease.token
    assert token in (None, "other"), "it is not kept from the others either"
    assert "accepted" in scene.journal.types(), "nothing is forgotten here before it is on the branch"
    assert any("lost the lease" in line for line in scene.log)


@pytest.mark.parametrize("lose", [broken, deleted, rewritten, clock_moved])
def test_the_run_after_a_loss_finishes_and_creates_only_what_is_missing(
    lose: Callable[[SharedScene], None],
) -> None:
    scene = SharedScene(THREE, ttl=1.5)
    scene.share(losing(scene, lose), concurrency=1)
    elsewhere = SharedScene(THREE, scene.remote)  # the first machine is gone
    elsewhere.platform, elsewhere.completions = scene.platform, scene.completions
    elsewhere.new_id = lambda: f"second_{len(scene.platform.operations)}_{time.monotonic_ns()}"  # type: ignore[method-assign]
    assert elsewhere.share().exit_code == ExitCode.OK
    assert sorted(scene.platform.engines.values()) == ["Acme", "Blog", "Shop"]
    assert set(scene.remote.shared.lockfile.engines) == set(THREE)


def test_facts_of_an_earlier_run_survive_a_deleted_ref() -> None:
    remote = Remote()
    remote.put(records=(begin("old", Spec("Old"), 1, "old"), accepted("old", 2)))
    scene = SharedScene({"acme": ACME, "old": Spec("Old")}, remote)
    scene.platform.slow["Acme"] = asyncio.Event()
    scene.completions.silent = ["pjb_old"]

    async def during() -> None:
        await until(lambda: scene.log.count_of("POST"))
        deleted(scene)
        scene.platform.slow["Acme"].set()

    assert scene.share(during).exit_code == ExitCode.LEASE
    assert {record.operation for record in remote.shared.records} == {"op_1", "op_old"}


def test_a_run_that_comes_second_creates_nothing_and_leaves_nothing() -> None:
    scene = SharedScene(THREE)
    planned = scene.shared_plan()
    taken_by_another(scene.remote)
    before = scene.remote.shared
    outcome = scene.share(planned=planned)
    assert scene.ledger_writer is not None
    assert not scene.ledger_writer.ever_held
    assert outcome.exit_code == ExitCode.LEASE
    assert scene.platform.operations == []
    assert scene.remote.shared == before


def test_acquire_is_refused_to_whoever_comes_second() -> None:
    scene = SharedScene(THREE)
    planned = scene.shared_plan()
    taken_by_another(scene.remote)
    with pytest.raises(LeaseHeld, match="process 7 on elsewhere"):
        scene.new_ledger_writer(planned).acquire()
