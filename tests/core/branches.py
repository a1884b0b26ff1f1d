"""Two branches of one lockfile as they come to be: through the transitions that runs and people make of it.

Sides that are drawn apart from each other have nothing in common; these share engines and operations, as real ones do.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.engine.spec import record_of
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Pruned
from reconciler.core.ledger.pruning import prune_of
from reconciler.core.ledger.updates import next_number
from reconciler.core.lockfile import transitions
from reconciler.core.lockfile.entry import FAILED, IN_PROGRESS, UNCERTAIN, Entry, Pending, Retired
from reconciler.core.lockfile.model import EMPTY, Lockfile
from tests.core.build import A, B, C, at

KEYS = ("a", "b", "c")


class Branch:
    """A lockfile that grows. `name` keeps the ids of two branches apart, `second` is their clock."""

    def __init__(self, rng: Random, name: str, lock: Lockfile = EMPTY, second: int = 0) -> None:
        self.rng = rng
        self.name = name
        self.lock = lock
        self.second = second
        self.pruned: set[str] = set()
        self._made = 0

    def grow(self, steps: int) -> Branch:
        for _ in range(steps):
            self.second += self.rng.randint(0, 2)
            self._step(self.rng.choice(KEYS))
        return self

    def fork(self, name: str) -> Branch:
        return Branch(self.rng, name, self.lock, self.second)

    def _prune(self, key: str) -> None:
        """An engine that is out of use is deleted."""
        entry, retired = self.lock.entry(key), self.lock.retired_of(key)
        past = [one.engine_id for one in entry.superseded if one.status != IN_PROGRESS] if entry else []
        past += [engine for one in retired for engine in one.entry.engine_ids]
        if past:
            engine_id = self.rng.choice(past)
            self.pruned.add(engine_id)
            self.lock = fold(self.lock, [Pruned(prune_of(engine_id), key, engine_id, "deleted", self._now)])

    def _step(self, key: str) -> None:
        if self.rng.random() < 0.1:
            self._prune(key)
            return
        entry = self.lock.entry(key)
        pending = None if entry is None else entry.pending
        if entry is not None and self.rng.random() < 0.2:
            self._leave(key, entry)
        elif entry is None and self.lock.retired_of(key) and self.rng.random() < 0.5:
            *rest, last = self.lock.retired_of(key)
            self.lock = self.lock.with_retired(key, tuple(rest)).with_entry(key, last.entry)
        elif entry is not None and pending is not None and pending.status != FAILED:
            self.lock = self.lock.with_entry(key, self._go_on(entry, pending))
        else:
            self.lock = self.lock.with_entry(key, self._turn(entry or Entry()))

    def _leave(self, key: str, entry: Entry) -> None:
        """Its file is gone, or has another name."""
        other = self.rng.choice(KEYS)
        if self.lock.entry(other) is None:
            self.lock = self.lock.with_entries({key: None, other: entry})
        elif entry.engine_ids and not (entry.pending and entry.pending.status == UNCERTAIN):
            before = self.lock.retired_of(key)
            self.lock = self.lock.with_entry(key, None)
            self.lock = self.lock.with_retired(key, (*before, Retired(entry, transitions.seconds(self._now))))

    def _go_on(self, entry: Entry, pending: Pending) -> Entry:
        """What becomes of an operation under way."""
        if pending.status == UNCERTAIN:
            if self.rng.random() < 0.3:
                return transitions.refuse(entry, pending.operation_id, "forgotten", self._now)
            made = pending.operation_id + self.rng.choice(
                ["", "", self.name]
            )  # people may name different engines
            return transitions.accept(entry, pending.operation_id, f"pjb_{made}", f"eng_{made}", self._now)
        assert pending.status == IN_PROGRESS
        if self.rng.random() < 0.2:
            return transitions.fail(entry, "it broke")
        if self.rng.random() < 0.2:
            return self._submitted(entry)
        return transitions.complete(entry, self._now, self.rng.choice([None, {"instructions": 3}]))

    def _turn(self, entry: Entry) -> Entry:
        """A change in place, or a restore, where there is something to go back to; otherwise a new operation."""
        serves_a_or_b = entry.current is not None and entry.current.fingerprint != fingerprint(C)
        if entry.current is not None and serves_a_or_b and entry.pending is None and self.rng.random() < 0.2:
            spec = self.rng.choice((A, B))  # from the same sources
            number = next_number(entry.current)
            if self.rng.random() < 0.3:
                return replace(entry, current=replace(entry.current, updating=(number,)))
            changed = replace(
                entry.current,
                fingerprint=fingerprint(spec),
                spec=record_of(spec),
                revision=number,
                updated_at=transitions.seconds(self._now),
                updating=(),
            )
            return replace(entry, current=changed)
        past = [one for one in entry.superseded if one.status is None]
        if past and self.rng.random() < 0.4:
            chosen = self.rng.choice(past)
            return transitions.restore(entry, chosen.engine_id, chosen.files, self._now)
        return self._submitted(entry)

    def _submitted(self, entry: Entry) -> Entry:
        self._made += 1
        spec, operation = self.rng.choice((A, B, C)), f"{self.name}{self._made}"
        pending = Pending(
            UNCERTAIN,
            operation,
            fingerprint(spec),
            record_of(spec),
            submitted_at=transitions.seconds(self._now),
        )
        begun = transitions.submit(entry, replace(pending, error="no answer yet"), self._now)
        if self.rng.random() < 0.2:
            return begun
        return transitions.accept(begun, operation, f"pjb_{operation}", f"eng_{operation}", self._now)

    @property
    def _now(self) -> str:
        return at(self.second)


def three(seed: int) -> tuple[Lockfile, Lockfile, Lockfile]:
    """A base, and two lockfiles that grew from it."""
    return three_and_pruned(seed)[0]


def three_and_pruned(seed: int) -> tuple[tuple[Lockfile, Lockfile, Lockfile], set[str]]:
    """The same, and the engines that either of the two deleted since."""
    rng = Random(seed)
    base = Branch(rng, "base").grow(rng.randint(0, 12))
    ours, theirs = (base.fork(name).grow(rng.randint(0, 8)) for name in ("ours", "theirs"))
    return (base.lock, ours.lock, theirs.lock), ours.pruned | theirs.pruned
