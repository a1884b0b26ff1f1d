"""An epoch: one lease that the shards of one plan hold together, each in a place of its own.

The shards are processes on several machines that never speak with each other. What they share is the lease's file: the
first that comes opens the epoch, the others join it, and each renews its own place by compare-and-swap. As long as one
of them is alive, everyone else is kept out; a place is held by one process at a time, so a shard that is started twice
works once. An epoch is over when its lease was given back, broken or taken over. It is never opened again: whoever
comes late is told so.

Between the end of one shard and the start of another the lease is held for as long as a renewal lasts.
"""

from __future__ import annotations

from collections.abc import Callable

from reconciler.core.commands import reconcile
from reconciler.core.digests import sha256
from reconciler.core.errors import GuardRefused, LeaseHeld
from reconciler.core.frozen import dataclass, replace
from reconciler.core.ledger import lease as leases
from reconciler.core.ledger.lease import Epoch, Holder, Lease, Place

_LONG_AGO = "1970-01-01T00:00:00.000Z"


class EpochOver(GuardRefused):
    """The plan's shards had their time: the lease that they shared was given back, broken or taken over."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """Which epoch: the digest of the whole plan, the run that it was made for (random, so that the same plan made twice
    has two epochs), and how many shards it is split into.
    """

    plan: str
    run: str
    shards: int

    @property
    def token(self) -> str:
        """The lease's, as all of the shards know it."""
        return sha256(f"{self.plan}\0{self.run}\0{self.shards}".encode())[:32]


@dataclass(frozen=True, slots=True)
class SharedTerms:
    """On which terms one shard holds the lease with the others: `shard` counts from 1, `own` is random, one for each
    process, and `ttl` is in seconds.
    """

    sharing: Sharing
    shard: int
    holder: Holder
    own: str
    ttl: float

    @property
    def contenders(self) -> int:
        """How many may push to the ledger at the same time."""
        return self.sharing.shards

    def others(self, lease: Lease, now: str) -> int:
        """How many other shards are at work."""
        return len([one for one in alive_in(lease, now) if one.shard != self.shard])

    @property
    def publishes(self) -> bool:
        """Whether the lockfile goes to the branch at the end: the closing run does that for all of them."""
        return False

    def check(self, lease: Lease, now: str) -> None:
        """Raises `LeaseHeld` while another run has the lease, or another process this shard's place; `EpochOver` where
        it can never be joined any more.
        """
        if self.sharing.token in lease.closed:
            raise EpochOver(
                "the run of this plan is over: it was collected, or its lease was broken or taken over",
                hint=f"nothing was done; make a new plan: {_again(self.sharing.shards)}",
            )
        if not self._is_open(lease):
            if lease.held_at(now):
                raise LeaseHeld(f"another run holds the lease until {lease.expires_at}: {lease.holder}")
            return
        place = lease.epoch.place(self.shard) if lease.epoch is not None else None
        if place is not None and place.token != self.own and place.held_at(now):
            raise LeaseHeld(
                f"shard {self.shard} of {self.sharing.shards} is already running until {place.expires_at}: "
                f"{place.holder}",
                hint="wait for it with `--lease-wait 10m`; if that process died, its place is free at that time",
            )

    def taken(self, lease: Lease, now: str) -> Lease:
        """The lease with this shard in its place, for the first time or once more. Raises as `check` does."""
        self.check(lease, now)
        if not self._is_open(lease):
            opened = leases.take(lease, self.holder, self.sharing.token, now, self.ttl)
            lease = replace(opened, epoch=Epoch(self.sharing.plan, self.sharing.run, self.sharing.shards))
        return self._with_place(lease, now)

    renewed = taken

    def given_back(self, lease: Lease, now: str) -> Lease:
        """The lease without this shard. The others keep it, and those who are still to come find it for a while."""
        if not self.holds(lease):
            return lease
        left = [one for one in _places(lease) if one.shard != self.shard]
        return self._with(lease, left, now)

    def holds(self, lease: Lease) -> bool:
        """Whether this process has its place in it."""
        if not self._is_open(lease) or lease.epoch is None:
            return False
        place = lease.epoch.place(self.shard)
        return place is not None and place.token == self.own

    def may_begin(self, lease: Lease, now: str) -> bool:
        """Whether it may still join, where it has no place in the lease yet."""
        try:
            self.check(lease, now)
        except (LeaseHeld, EpochOver):
            return False
        return True

    def goes_on(self, before: Lease, now: Lease) -> bool:
        """Whether the shards held the lease then, and have held it since: no other run came between."""
        return self._is_open(before) and self._is_open(now) and before.fencing == now.fencing

    def seconds_left(self, lease: Lease, now: str) -> float:
        """Until this shard's place expires."""
        place = lease.epoch.place(self.shard) if lease.epoch is not None else None
        if place is None or place.token != self.own:
            return 0.0
        return (leases.moment(place.expires_at) - leases.moment(now)).total_seconds()

    def rival(self, lease: Lease) -> Holder | None:
        """Who has this shard's place instead, or the lease."""
        if not self._is_open(lease) or lease.epoch is None:
            return lease.holder
        place = lease.epoch.place(self.shard)
        return None if place is None else place.holder

    def _is_open(self, lease: Lease) -> bool:
        return lease.epoch is not None and lease.belongs_to(self.sharing.token)

    def _with_place(self, lease: Lease, now: str) -> Lease:
        place = Place(self.shard, self.own, self.holder, leases.after(now, self.ttl), now)
        others = [one for one in _places(lease) if one.shard != self.shard]
        return self._with(lease, [*others, place], now)

    def _with(self, lease: Lease, places: list[Place], now: str) -> Lease:
        """The lease with these places, held as long as the last of them is, and a renewal longer than now."""
        assert lease.epoch is not None  # whoever calls this found it open
        ordered = tuple(sorted(places, key=lambda one: one.shard))
        until = max([leases.after(now, self.ttl), *(one.expires_at for one in ordered)], key=leases.moment)
        return replace(
            lease, epoch=replace(lease.epoch, places=ordered), expires_at=until, renewed_at=now, seal=None
        )


def _places(lease: Lease) -> tuple[Place, ...]:
    return lease.epoch.places if lease.epoch is not None else ()


def alive_in(lease: Lease, now: str) -> tuple[Place, ...]:
    """The shards that hold the lease together now."""
    return tuple(one for one in _places(lease) if one.held_at(now))


def refuse_if_held(lease: Lease, now: str) -> None:
    """Raises `LeaseHeld` where another run has the lease, or the shards of a plan."""
    if lease.holder is None or not lease.held_at(now):
        return
    alive = alive_in(lease, now)
    if not alive or lease.epoch is None:
        raise LeaseHeld(f"another run holds the lease until {lease.expires_at}: {lease.holder}")
    numbers = ", ".join(str(one.shard) for one in alive)
    several = "s" if len(alive) > 1 else ""
    raise LeaseHeld(
        f"shard{several} {numbers} of {lease.epoch.shards} hold{'' if several else 's'} the lease until "
        f"{max(one.expires_at for one in alive)}: {alive[0].holder}"
    )


def refuse_if_working(sharing: Sharing, lease: Lease, now: str) -> None:
    """The same for the run that collects what the shards of this plan did: it takes the lease once none is alive."""
    if not is_of(lease, sharing) or alive_in(lease, now):
        refuse_if_held(lease, now)


def is_of(lease: Lease, sharing: Sharing) -> bool:
    """Whether these shards hold it, or did so last."""
    return lease.epoch is not None and lease.belongs_to(sharing.token)


def without_ended(lease: Lease, has_ended: Callable[[Holder], bool]) -> Lease:
    """The lease without those whose run has ended for certain, and free where nobody is left of them.

    Where shards shared it, it is free for others as one that has expired: those of the same plan may still come, or
    come again, and go on.
    """
    if lease.holder is None or not any(map(has_ended, lease.holders)):
        return lease
    if lease.epoch is None:
        return leases.give_back(lease)
    left = tuple(one for one in _places(lease) if not has_ended(one.holder))
    without = replace(lease, epoch=replace(lease.epoch, places=left))
    return without if left else replace(without, expires_at=_LONG_AGO)


def _again(shards: int) -> str:
    return f"`{reconcile('plan', ('--shards', str(shards)), ('--out', 'shards'))}`"
