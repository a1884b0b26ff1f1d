"""Delete engines that nothing uses: announce each, call, record what became of it. Decides nothing about which.

An engine is announced, durably and where runs share, before its call. Whatever happens after that, the next prune or
apply knows that it may be gone, and asks again: to delete twice does no harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

from reconciler.app.ledger_writer import LedgerWriter
from reconciler.app.ports import Clock, Journal, LockfileStore
from reconciler.app.recorded import read_recorded_state
from reconciler.app.settling import Publish, record_facts
from reconciler.core.commands import reconcile
from reconciler.core.errors import UsageError
from reconciler.core.frozen import dataclass
from reconciler.core.ledger.journal import Pruned, Pruning, Record
from reconciler.core.ledger.pruning import DELETED, KEPT, prune_of
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.pruning import Listed, listed_in
from reconciler.core.plan.pruning import in_use as used_by
from reconciler.core.platform.engine import (
    Deleted,
    DeletionAnswer,
    Denied,
    EngineAnswer,
    Found,
    Gone,
    NotOffered,
    Throttled,
    Unreadable,
)

AT_ONCE = 16  # engines that are announced, and then deleted, together
_COMPARED = 3  # engines in use that are looked up to tell what a 404 means
_STOPPING = frozenset({402})  # what is refused for the organization, not for one engine
NOT_TRIED = "not tried"


class DeletableEngines(Protocol):
    """What a prune needs of the port `ExistingEngines`."""

    async def read(self, engine_id: str) -> EngineAnswer: ...

    async def delete(self, engine_id: str) -> DeletionAnswer: ...


class Result(StrEnum):
    """What became of an engine that was to be deleted."""

    DELETED = "deleted"
    FAILED = "failed"  # it was refused, and is as it was
    UNKNOWN = "unknown"  # the call got no answer
    LEFT = "left"  # no call was made
    BY_HAND = "by hand"  # the platform does not delete engines by a call


@dataclass(frozen=True, slots=True)
class Deletion:
    """One engine, and what became of it."""

    listed: Listed
    result: Result
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Shares:
    """Where the facts go: this machine's journal and, where runs share, the ledger."""

    journal: Journal
    clock: Clock
    ledger_writer: LedgerWriter | None = None


class Pruner:
    """One run that deletes engines. `serving` are engines that the platform must have: they tell what a 404 means.
    `still_idle` is asked once more right before each call, and gives the reason for those that are in use by now.
    """

    def __init__(
        self,
        engines: DeletableEngines,
        shares: Shares,
        serving: Sequence[str],
        still_idle: Callable[[Collection[str]], Mapping[str, str]] = lambda engines: {},
    ) -> None:
        self._engines = engines
        self._shares = shares
        self._serving = serving
        self._still_idle = still_idle
        self._works: bool | None = None  # whether the platform is known to delete engines by a call
        self._stopped: str | None = None
        self._batch: asyncio.Task[list[DeletionAnswer]] | None = None
        self.facts: list[Record] = []
        self.done: list[Deletion] = []

    def stop(self) -> None:
        """Make no further call; what is under way is given up, and its outcome is unknown."""
        self._stopped = self._stopped or "interrupted"
        if self._batch is not None:
            self._batch.cancel()

    async def run(self, wanted: Sequence[Listed]) -> list[Deletion]:
        """What became of each of them. Raises `StorageError`, `LeaseHeld`, `GitError` and whatever else
        keeps the announcement from being durable; nothing was deleted then beyond what `facts` has.
        """
        done = self.done
        for batch in _batches(wanted):
            if self._stopped is not None:
                done += [Deletion(one, Result.LEFT, self._stopped) for one in batch]
                continue
            used = self._still_idle([one.engine_id for one in batch])
            idle = [one for one in batch if one.engine_id not in used]
            for one in batch:
                if one.engine_id in used:  # a mark stays: as soon as nothing uses it any more, it goes
                    done.append(Deletion(one, Result.LEFT, used[one.engine_id]))
            done += await self._delete(idle)
        return done

    async def _delete(self, batch: Sequence[Listed]) -> list[Deletion]:
        if not batch:
            return []
        begun = self._announce(batch)
        answers = await self._call(batch)
        if answers is None:
            return [Deletion(one, Result.UNKNOWN, self._stopped) for one in batch]
        await self._learn(batch, answers)
        deletions = [self._judged(one, answer) for one, answer in zip(batch, answers, strict=True)]
        self._record(_ends(deletions, begun, self._shares.clock.now()))
        if all(one.result is Result.UNKNOWN for one in deletions):
            self._stopped = self._stopped or deletions[-1].reason
        return deletions

    def _announce(self, batch: Sequence[Listed]) -> Mapping[str, str]:
        """When the deletion of each began; it is durable, here and where runs share, when this returns."""
        now = self._shares.clock.now()
        new = [one for one in batch if one.begun is None]
        facts = [Pruning(prune_of(one.engine_id), one.key, one.engine_id, one.left, now) for one in new]
        if facts:
            self._record(facts)
        writer = self._shares.ledger_writer
        if writer is not None:
            writer.push()
        return {one.engine_id: now for one in new}

    def _record(self, facts: Sequence[Record]) -> None:
        if not facts:
            return
        self._shares.journal.append(facts)
        self.facts += facts
        if self._shares.ledger_writer is not None:
            self._shares.ledger_writer.add(facts)

    async def _call(self, batch: Sequence[Listed]) -> list[DeletionAnswer] | None:
        """The answers; None where the run is to end."""
        calls = [self._engines.delete(one.engine_id) for one in batch]
        self._batch = asyncio.ensure_future(_together(calls))
        try:
            return await self._batch
        except asyncio.CancelledError:
            return None
        finally:
            self._batch = None

    async def _learn(self, batch: Sequence[Listed], answers: Sequence[DeletionAnswer]) -> None:
        """What these answers tell of the platform, and of the rest of the run."""
        if any(isinstance(answer, Deleted) for answer in answers):
            self._works = True
        missing = next(
            (one for one, answer in zip(batch, answers, strict=True) if isinstance(answer, Gone)), None
        )
        if any(isinstance(answer, NotOffered) for answer in answers):
            self._works = False
        elif missing is not None and self._works is None:
            self._works = await self._is_gone(missing.engine_id)
        if self._works is False:
            self._stopped = "the platform does not delete engines by a call"
        for answer in answers:
            if isinstance(answer, Denied | Throttled) or getattr(answer, "status", None) in _STOPPING:
                self._stopped = self._stopped or words_of(answer)

    async def _is_gone(self, engine_id: str) -> bool:
        """Whether a 404 means that there is no such engine: the platform must show another one, and not this one."""
        if not isinstance(await self._engines.read(engine_id), Gone):
            return False
        for other in self._serving[:_COMPARED]:
            if isinstance(await self._engines.read(other), Found):
                return True
        return False

    def _judged(self, one: Listed, answer: DeletionAnswer) -> Deletion:
        if isinstance(answer, Deleted) or (isinstance(answer, Gone) and self._works):
            return Deletion(one, Result.DELETED, "was gone already" if isinstance(answer, Gone) else None)
        if isinstance(answer, NotOffered | Gone):
            return Deletion(one, Result.BY_HAND, words_of(answer))
        if isinstance(answer, Unreadable) and answer.sent and not _refused(answer):
            return Deletion(one, Result.UNKNOWN, answer.reason)
        return Deletion(one, Result.FAILED, words_of(answer))


def _refused(answer: Unreadable) -> bool:
    return answer.status is not None and 400 <= answer.status < 500 and answer.status != 408


def words_of(answer: DeletionAnswer) -> str:
    """An answer other than the one that was hoped for."""
    match answer:
        case Unreadable():
            return answer.reason
        case Denied():
            return f"the platform refused ({answer.status}): {answer.message}"
        case Throttled():
            return f"the platform refused (429): {answer.message}"
        case NotOffered():
            return f"the platform does not delete engines by a call ({answer.status})"
        case _:
            return "the platform answered 404, also for an engine that must exist"


def _ends(deletions: Sequence[Deletion], begun: Mapping[str, str], now: str) -> list[Record]:
    """What is known for good. A mark of an earlier run stays where it is not known what that run got done."""
    facts: list[Record] = []
    for one in deletions:
        listed = one.listed
        since = begun.get(listed.engine_id, listed.begun)
        operation = prune_of(listed.engine_id)
        if one.result is Result.DELETED:
            facts.append(Pruned(operation, listed.key, listed.engine_id, DELETED, now, since))
        elif one.result in (Result.FAILED, Result.BY_HAND) and listed.begun is None:
            facts.append(Pruned(operation, listed.key, listed.engine_id, KEPT, now, since))
    return facts


async def _together(calls: Sequence[Coroutine[Any, Any, DeletionAnswer]]) -> list[DeletionAnswer]:
    return list(await asyncio.gather(*calls))


def _batches(wanted: Sequence[Listed]) -> Iterator[Sequence[Listed]]:
    """The first one alone: it tells whether the platform deletes engines at all."""
    if wanted:
        yield wanted[:1]
    for start in range(1, len(wanted), AT_ONCE):
        yield wanted[start : start + AT_ONCE]


def record_deleted(
    lockfile: LockfileStore,
    journal: Journal,
    clock: Clock,
    engines: Sequence[str],
    in_use: Callable[[Lockfile], Mapping[str, str]],
    refuse_if_there: Callable[[Sequence[str]], None],
    *,
    shared: RemoteSnapshot | None = None,
    publish: Publish | None = None,
) -> Lockfile:
    """Record that a person deleted these engines. Raises `UsageError` for one that the lockfile does not list as out of
    use, or that is in use anywhere, and whatever `refuse_if_there` raises for those that the platform still has.
    """
    recorded = read_recorded_state(lockfile, journal, shared)
    used = {**in_use(recorded.folded), **used_by(recorded.folded)}
    listed = {one.engine_id: one for one in listed_in(recorded.folded)}
    for engine_id in engines:
        if engine_id in used:
            raise UsageError(f"{engine_id} is not out of use: {used[engine_id]}")
        if engine_id not in listed:
            raise UsageError(
                f"the lockfile does not list {engine_id} as superseded or retired",
                hint=f"run `{reconcile('prune', '--dry-run')}` to see what it lists",
            )
    refuse_if_there(engines)
    now = clock.now()
    facts = [
        Pruned(prune_of(engine_id), listed[engine_id].key, engine_id, DELETED, now)
        for engine_id in dict.fromkeys(engines)
    ]
    recorded.folded.check()
    lockfile.check_writable()
    return record_facts(lockfile, journal, recorded, facts, publish)
