"""A saved plan in shards: which of them carries out what, what is left for the run that closes it, and who is missing.

A key's shard follows from a hash of the key, so it is the same on every machine, and one engine more or less moves few
others. Where chance would give one shard more than a quarter above its share, the next in the key's own order gets it.

Only what calls the platform is shared out. Whatever is decided without a call goes into the lockfile together with the
decision, so it is left to the run that publishes, and so is the waiting for jobs that ran before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from reconciler.core.commands import reconcile
from reconciler.core.digests import sha256
from reconciler.core.errors import GuardRefused
from reconciler.core.frozen import dataclass, replace
from reconciler.core.ledger.epoch import Sharing
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.model import Action, Kind
from reconciler.core.plan.saved import SavedPlan, Split, acts, entry_digest

SPARE = 1.25  # of an equal share, that a shard may have
_ENDING = frozenset({Kind.RETIRE, Kind.DELETE})
_CALLING = frozenset({Kind.CREATE, Kind.REPLACE, Kind.RECREATE, Kind.UPDATE})


def assigned(keys: Iterable[str], shards: int) -> dict[str, int]:
    """The shard of every key, from 1 on."""
    ordered = sorted({key: _weight(key, 0) for key in keys}.items(), key=lambda one: (one[1], one[0]))
    most = _most(len(ordered), shards)
    taken = dict.fromkeys(range(1, shards + 1), 0)
    found: dict[str, int] = {}
    for key, weight in ordered:
        shard = weight % shards + 1
        if taken[shard] >= most:
            free = (one for one in taken if taken[one] < most)
            shard = min(free, key=lambda one: _weight(key, one))
        taken[shard] += 1
        found[key] = shard
    return found


def sizes(keys: Collection[str], shards: int) -> list[int]:
    """How many engines every shard has."""
    found = list(assigned(keys, shards).values())
    return [found.count(shard) for shard in range(1, shards + 1)]


def _most(keys: int, shards: int) -> int:
    """How many one shard may have: an equal share, and a quarter of it more."""
    return max(-(-keys // shards), int(keys / shards * SPARE))


def _weight(key: str, shard: int) -> int:
    return int(sha256(f"{shard}\0{key}".encode("utf-8", "surrogatepass"))[:15], 16)


@dataclass(frozen=True, slots=True)
class Part(SavedPlan):
    """What one shard does of a plan, or the run that closes it. Other processes carry out the same plan, and a shard
    may run a second time: what is recorded by now as the plan asks for it was done, and is no difference.
    """

    def _difference(self, saved: Action, now: Action | None, lockfile: Lockfile) -> str | None:
        words = SavedPlan._difference(self, saved, now, lockfile)
        if words is None or not acts(saved):
            return words
        return None if _is_under_way(saved, now) and _is_recorded(saved, lockfile) else words


def _is_under_way(saved: Action, now: Action | None) -> bool:
    """Whether nothing is left to do but to wait, or to make an update certain."""
    if now is None or not acts(now):
        return True
    same = now.fingerprint == saved.fingerprint
    return same and (now.kind is Kind.RESUME or (now.kind is saved.kind is Kind.UPDATE))


def _is_recorded(saved: Action, lockfile: Lockfile) -> bool:
    """Whether the entry has an operation or an engine for what the plan asks for, or is gone where it asks for that."""
    entry = lockfile.entry(saved.key)
    if saved.kind in _ENDING:
        return entry is None
    if entry is None or saved.fingerprint is None:
        return False
    parts = (entry.current, entry.pending, *entry.unanswered)
    asked = saved.fingerprint in {part.fingerprint for part in parts if part is not None}
    return asked or (entry.current is not None and bool(entry.current.updating))


def parts_of(saved: SavedPlan) -> Mapping[int, tuple[Action, ...]]:
    """The actions of every shard, empty ones too."""
    split = split_of(saved)
    calling = [one for one in saved.plan.actions if calls(one)]
    shard_of = assigned([one.key for one in calling], split.shards)
    return {
        shard: tuple(one for one in calling if shard_of[one.key] == shard)
        for shard in range(1, split.shards + 1)
    }


def part_of(saved: SavedPlan, shard: int) -> Part:
    """What one shard carries out."""
    return _part(saved, parts_of(saved)[shard])


def rest_of(saved: SavedPlan) -> Part:
    """What the run that closes the plan carries out itself."""
    return _part(saved, [one for one in saved.plan.actions if not calls(one)])


def _part(saved: SavedPlan, actions: Sequence[Action]) -> Part:
    plan = replace(saved.plan, actions=tuple(actions))
    flags = (saved.retry_failed, saved.refresh, saved.fix_drift)
    return Part(plan, saved.entries, *flags, saved.split, saved.plan.actions)


def sharing_of(saved: SavedPlan) -> Sharing:
    """The epoch of the plan."""
    split = split_of(saved)
    return Sharing(saved.plan.digest, split.run, split.shards)


def missing(saved: SavedPlan, lockfile: Lockfile) -> dict[int, tuple[str, ...]]:
    """By shard the keys that nothing was begun for. Those that have none are left out.

    What counts is what is recorded, not what a shard said of itself: one may die after its last record.
    """
    found = {
        shard: tuple(one.key for one in actions if not _was_begun(one, saved, lockfile))
        for shard, actions in parts_of(saved).items()
    }
    return {shard: keys for shard, keys in found.items() if keys}


def _was_begun(action: Action, saved: SavedPlan, lockfile: Lockfile) -> bool:
    untouched = saved.entries.get(action.key) == entry_digest(lockfile, action.key)
    return not untouched and _is_recorded(action, lockfile)


def check_divisible(actions: Iterable[Action]) -> None:
    """Raises `GuardRefused` where one engine gives its key to another that a shard would make: in which order that
    happens, no shard can know.
    """
    actions = tuple(actions)
    called = {one.key for one in actions if calls(one)}
    for action in actions:
        if action.from_key in called:
            raise GuardRefused(
                f"`{action.from_key}` moves to `{action.key}`, and a new engine takes its key: "
                "shards cannot do both in this order",
                hint=f"apply the move first: {reconcile('apply', ('--only', action.key))}",
            )


def calls(action: Action) -> bool:
    """Whether a shard carries it out."""
    return acts(action) and action.kind in _CALLING


def split_of(saved: SavedPlan) -> Split:
    """How it is split."""
    assert saved.split is not None  # whoever reads a plan for shards has checked
    return saved.split
