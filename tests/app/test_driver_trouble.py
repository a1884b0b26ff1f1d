"""What a driver does when a port fails: the disk, and code that raises what it must not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from reconciler.core.engine.spec import Spec
from reconciler.core.errors import ExitCode, StorageError
from reconciler.core.run.outcome import Outcome, Status
from tests.app.ports import Scene
from tests.core.build import current, entry, lockfile

ACME, BLOG, SHOP = Spec("Acme"), Spec("Blog"), Spec("Shop")
FULL = StorageError("cannot write the journal: no space left on device")


def refusing(
    kind: str, times: int = 1, error: Exception = FULL
) -> Callable[[Sequence[str]], Exception | None]:
    """Refuse the first appends that hold such a record."""
    left = times

    def refuse(kinds: Sequence[str]) -> Exception | None:
        nonlocal left
        if kind not in kinds or left == 0:
            return None
        left -= 1
        return error

    return refuse


def statuses(outcome: Outcome) -> dict[str, Status]:
    return {result.key: result.status for result in outcome.results}


# ── the disk ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_durable_begin_nothing_is_sent() -> None:
    scene = Scene({"acme": ACME, "blog": BLOG})
    scene.journal.refuse = refusing("begin", times=9)
    outcome = scene.apply()
    assert scene.platform.operations == []
    assert statuses(outcome) == {"acme": Status.NOT_STARTED, "blog": Status.NOT_STARTED}
    assert outcome.halted == FULL.message
    assert outcome.exit_code == ExitCode.FAILED
    assert not outcome.wrote
    assert scene.plan().plan.summary()["create"] == 2


def test_an_answer_that_the_journal_refuses_goes_along_with_the_next_record() -> None:
    scene = Scene({"acme": ACME})
    scene.journal.refuse = refusing("accepted")
    ended = scene.completions.running["pjb_1"] = asyncio.Event()

    async def drive() -> Outcome:
        planned = scene.plan()
        driving = asyncio.create_task(scene.driver(planned).drive(planned.recorded.on_disk))
        await scene.until("watch pjb_1")
        assert scene.journal.types() == ["begin"]
        scene.lockfile.refuses = StorageError("free some disk space")
        ended.set()
        return await driving

    outcome = asyncio.run(drive())
    assert outcome.unwritten == "free some disk space"
    assert scene.journal.types() == ["begin", "accepted", "ended"]
    made = scene.plan().recorded.folded.entry("acme")
    assert made is not None
    assert made.current is not None
    assert made.current.engine_id == "eng_1"


def test_an_answer_that_the_journal_refuses_to_the_end_is_in_the_lockfile() -> None:
    scene = Scene({"acme": ACME, "blog": BLOG})
    scene.journal.refuse = refusing("accepted", times=99)
    outcome = scene.apply(settings=scene.settings(concurrency=1))
    assert statuses(outcome) == {"acme": Status.DONE, "blog": Status.NOT_STARTED}
    done = scene.lockfile.entry("acme").current
    assert done is not None
    assert done.engine_id == "eng_1"


def test_what_neither_file_takes_is_offered_to_the_journal_once_more() -> None:
    scene = Scene({"acme": ACME})
    scene.journal.refuse = refusing("accepted")
    scene.lockfile.refuses = StorageError("free some disk space")
    outcome = scene.apply(settings=scene.settings(detach=True))
    assert outcome.unwritten is not None
    assert scene.journal.types() == ["begin", "accepted"]


def test_an_unwritten_lockfile_leaves_the_journal_and_the_next_run_writes_it() -> None:
    scene = Scene({"acme": ACME})
    scene.lockfile.refuses = StorageError("cannot write engines.lock.json: read-only file system")
    outcome = scene.apply()
    assert outcome.unwritten == "cannot write engines.lock.json: read-only file system"
    assert outcome.exit_code == ExitCode.FAILED
    assert scene.journal.types() == ["begin", "accepted", "ended"]
    scene.lockfile.refuses = None
    planned = scene.plan()
    assert planned.plan.actions == ()
    assert planned.plan.unwritten == 1
    assert planned.plan.changes_anything
    again = scene.apply()
    assert again.wrote
    assert again.exit_code == ExitCode.OK
    assert scene.platform.operations == ["op_1"]
    assert scene.lockfile.entry("acme").current is not None
    assert scene.journal.content == b""


def test_a_journal_that_cannot_be_emptied_is_told_and_harmless() -> None:
    scene = Scene({"acme": ACME})
    scene.journal.refuses_to_compact = StorageError("cannot compact the journal")
    outcome = scene.apply()
    assert outcome.wrote
    assert outcome.unwritten == "cannot compact the journal"
    planned = scene.plan()
    assert planned.recorded.records
    assert planned.plan.unwritten == 0
    assert not planned.plan.changes_anything


def test_when_nothing_was_to_be_written_a_journal_that_stays_is_only_mentioned() -> None:
    scene = Scene({"acme": ACME})
    scene.journal.refuse = refusing("begin", times=9)
    scene.journal.refuses_to_compact = StorageError("cannot compact the journal")
    outcome = scene.apply()
    assert outcome.unwritten is None
    assert scene.log.count_of("told: cannot compact the journal") == 1


def test_a_lockfile_that_cannot_be_written_is_known_before_anything_is_done() -> None:
    scene = Scene({"acme": ACME})
    scene.lockfile.refuses_to_be_checked = StorageError("engines.lock.json is a folder")
    with pytest.raises(StorageError, match="is a folder"):
        scene.apply()
    assert scene.log == []


def test_a_run_without_changes_does_not_ask_for_a_writable_lockfile() -> None:
    scene = Scene({"acme": ACME}, lockfile({"acme": entry(current("x", ACME))}))
    scene.lockfile.refuses_to_be_checked = StorageError("read-only")
    before = scene.lockfile.content
    outcome = scene.apply()
    assert outcome.exit_code == ExitCode.OK
    assert not outcome.wrote
    assert scene.lockfile.content == before


# ── our own mistakes ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_client_that_raises_leaves_its_call_uncertain_and_the_bug_is_seen() -> None:
    scene = Scene({"acme": ACME, "blog": BLOG, "shop": SHOP})
    scene.platform.answers["Acme"] = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError, match="a bug"):
        scene.apply(settings=scene.settings(concurrency=2))
    entries = scene.lockfile.read()[0]
    doubtful, made = entries.entry("acme"), entries.entry("blog")
    assert doubtful is not None
    assert doubtful.pending is not None
    assert doubtful.pending.status == "uncertain"
    assert made is not None
    assert "eng_1" in made.engine_ids
    assert "shop" not in entries.engines


def test_a_wait_that_raises_leaves_its_job_pending_and_the_bug_is_seen() -> None:
    scene = Scene({"acme": ACME})
    scene.completions.broken = {"pjb_1": ZeroDivisionError("a bug")}
    with pytest.raises(ZeroDivisionError, match="a bug"):
        scene.apply()
    left = scene.lockfile.entry("acme").pending
    assert left is not None
    assert (left.status, left.engine_id) == ("in_progress", "eng_1")


def test_a_summary_that_raises_costs_no_engine() -> None:
    scene = Scene({"acme": ACME})
    scene.platform.summary = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError, match="a bug"):
        scene.apply()
    assert scene.lockfile.entry("acme").current is not None


@pytest.mark.parametrize("kind", ["begin", "accepted", "ended"])
def test_a_journal_that_raises_what_it_must_not_ends_the_run_and_loses_nothing(kind: str) -> None:
    scene = Scene({"acme": ACME})
    scene.journal.refuse = refusing(kind, times=9, error=ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        scene.apply()
    assert len(scene.platform.engines) == (0 if kind == "begin" else 1)
    if kind != "begin":
        assert scene.lockfile.entry("acme").engine_ids == ("eng_1",)


@pytest.mark.parametrize(
    "crash_at", ["POST", "durable accepted", "watch", "durable ended", "lockfile written"]
)
def test_a_killed_run_is_carried_on_and_nothing_is_made_twice(crash_at: str) -> None:
    """The process is gone at this point: what is durable then is what the next run finds."""
    scene = Scene({"acme": ACME})
    durable: list[tuple[bytes, bytes]] = []

    def look(line: str) -> None:
        if line.startswith(crash_at):
            durable.append((scene.lockfile.content, scene.journal.content))

    scene.log.on_line = look
    scene.apply()
    scene.lockfile.content, scene.journal.content = durable[0]
    again = scene.apply()
    assert scene.platform.operations == ["op_1"]
    expected = Status.UNCERTAIN if crash_at == "POST" else Status.DONE
    assert all(result.status is expected for result in again.results)
    stands = scene.plan().recorded.folded.entry("acme")
    assert stands is not None
    assert stands.engine_ids == (() if crash_at == "POST" else ("eng_1",))
