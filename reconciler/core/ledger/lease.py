"""The lease: the time-limited right to apply, as a value. Taking and renewing it are compare-and-swaps of its ref.

An expired lease may be taken over. The fencing number grows with every holder, so a holder that was slow, or whose
clock is off, sees that it is no longer the one. Expiry is judged by the clock of the taker; `SKEW` is for clocks that
disagree.

Whatever a lease says, it holds for a day at most: whoever may push to the ref could else stop all runs for good. So its
last renewal counts, beside its expiry. One that does not verify may be a colleague's with another key, and is respected
as long.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from reconciler.core.commands import reconcile
from reconciler.core.errors import JournalError
from reconciler.core.frozen import dataclass, replace
from reconciler.core.ledger.seal import LEASE, Seal
from reconciler.core.strict_json import read_json
from reconciler.core.values import DIGEST, ID, LINE, TIME, as_line, is_count, shown

VERSION = 1
SHARED = 2  # the version while shards hold it together, which an older program must refuse
REMEMBERED = 16  # epochs that are over, newest last: a shard that comes late is told so
MOST_SHARDS = 1000  # of one plan
SKEW = 20.0  # seconds: how far two machines' clocks may be apart
FAST = 3600.0  # seconds: a lease from further ahead than this is no lease of a run
LONGEST = 86400.0 - FAST  # seconds that one holds from its last renewal, so that it is a day by any clock


class UnreadableLease(JournalError):
    """What is in the lease's place is none. Whoever wrote it there may hold one, so only a person breaks it."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds it: enough for a person to find the run."""

    host: str
    pid: int
    run_url: str | None = None

    def __str__(self) -> str:
        return self.run_url or f"process {self.pid} on {self.host}"


@dataclass(frozen=True, slots=True)
class Place:
    """One shard's share in a lease: `shard` counts from 1, `token` is random, one for each process."""

    shard: int
    token: str
    holder: Holder
    expires_at: str
    renewed_at: str

    def held_at(self, now: str) -> bool:
        """Whether its process has it, as far as times tell."""
        return _held(self.renewed_at, self.expires_at, now)


@dataclass(frozen=True, slots=True)
class Epoch:
    """What the shards of one plan hold together (core/ledger/epoch.py). `places` are in the order of shards."""

    plan: str
    run: str
    shards: int
    places: tuple[Place, ...] = ()

    def place(self, shard: int) -> Place | None:
        """That of one shard, if it has one."""
        return next((one for one in self.places if one.shard == shard), None)


@dataclass(frozen=True, slots=True)
class Lease:
    """Held, or given back (`holder` None). Times are UTC texts with milliseconds; `renewed_at` is the last time that
    its holder took or renewed it. `verified`: a run with our key wrote it; otherwise `seal` is what it has for one, so
    that who writes the ledger meanwhile leaves it as it is. With an `epoch` shards hold it together; `closed` are the
    tokens of epochs that are over.
    """

    fencing: int = 0
    holder: Holder | None = None
    token: str | None = None  # random, one per run: tells two runs of one process id apart
    taken_at: str | None = None
    expires_at: str | None = None
    renewed_at: str | None = None
    verified: bool = True
    seal: str | None = None
    epoch: Epoch | None = None
    closed: tuple[str, ...] = ()

    def held_at(self, now: str) -> bool:
        """Whether somebody has it, also when clocks disagree a little."""
        if self.holder is None or self.expires_at is None:
            return False
        return _held(self.renewed_at or self.taken_at or self.expires_at, self.expires_at, now)

    @property
    def holders(self) -> tuple[Holder, ...]:
        """Everyone who may be working under it."""
        places = () if self.epoch is None else self.epoch.places
        if places or self.holder is None:
            return tuple(one.holder for one in places)
        return (self.holder,)

    def belongs_to(self, token: str) -> bool:
        """Whether it still is the lease of the run with this token."""
        return self.holder is not None and self.token == token and self.verified


FREE = Lease()


def take(lease: Lease, holder: Holder, token: str, now: str, ttl: float) -> Lease:
    """The lease in a new holder's hands. The caller made sure that nobody has it. `ttl` is in seconds."""
    fencing = (
        lease.fencing + 1 if is_count(lease.fencing + 1) else lease.fencing
    )  # a forged one may be at the end
    return Lease(fencing, holder, token, now, after(now, ttl), now, closed=_closed(lease))


def renew(lease: Lease, now: str, ttl: float) -> Lease:
    """The same holder's lease, for another `ttl` seconds from `now`."""
    return replace(lease, expires_at=after(now, ttl), renewed_at=now)


def give_back(lease: Lease) -> Lease:
    """Free for anyone; the fencing number stays, so that the next one is higher. An epoch is over with it."""
    return Lease(lease.fencing, closed=_closed(lease))


def without_epoch(lease: Lease, token: str) -> Lease:
    """The lease with this epoch over: whoever has it keeps it, unless it is the epoch itself."""
    if lease.epoch is not None and lease.token == token:
        return give_back(lease)
    return replace(lease, closed=_with(lease.closed, token))


def _closed(lease: Lease) -> tuple[str, ...]:
    """The epochs that are over once this lease has another holder, or none."""
    return lease.closed if lease.epoch is None or lease.token is None else _with(lease.closed, lease.token)


def _with(closed: tuple[str, ...], token: str) -> tuple[str, ...]:
    return (*(one for one in closed if one != token), token)[-REMEMBERED:]


def seconds_left(lease: Lease, now: str) -> float:
    """Until it expires, by the holder's own clock; negative when it has."""
    if lease.expires_at is None:
        return 0.0
    return (moment(lease.expires_at) - moment(now)).total_seconds()


def render(lease: Lease, seal: Seal | None = None) -> bytes:
    """The file on the ref."""
    document = _document(lease)
    if not lease.verified:
        document |= {} if lease.seal is None else {"seal": lease.seal}
    elif seal is not None:
        document["seal"] = seal.of(LEASE, _canonical(document))
    return (json.dumps(document, sort_keys=True, indent=2) + "\n").encode()


def _document(lease: Lease) -> dict[str, Any]:
    document: dict[str, Any] = {"version": VERSION, "fencing": lease.fencing}
    document |= {"closed": list(lease.closed)} if lease.closed else {}
    if lease.holder is not None:
        document["holder"] = _holder_document(lease.holder)
        document |= {"token": lease.token, "takenAt": lease.taken_at, "expiresAt": lease.expires_at}
        document |= {} if lease.renewed_at is None else {"renewedAt": lease.renewed_at}
    if lease.holder is not None and lease.epoch is not None:
        document |= {"version": SHARED, "epoch": _epoch_document(lease.epoch)}
    return document


def _holder_document(holder: Holder) -> dict[str, Any]:
    named = (
        ("host", as_line(holder.host)),
        ("pid", holder.pid),
        ("runUrl", holder.run_url and as_line(holder.run_url)),
    )
    return {name: value for name, value in named if value is not None}


def _epoch_document(epoch: Epoch) -> dict[str, Any]:
    places = [
        {
            "shard": one.shard,
            "token": one.token,
            "holder": _holder_document(one.holder),
            "expiresAt": one.expires_at,
            "renewedAt": one.renewed_at,
        }
        for one in epoch.places
    ]
    return {"plan": epoch.plan, "run": epoch.run, "shards": epoch.shards, "places": places}


def _canonical(document: dict[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def parse(content: bytes, seal: Seal | None = None) -> Lease:
    """The lease in the file; no content is a free one. Without a `seal` to compare with, none verifies that is held.

    Raises `UnreadableLease`, also for a newer version.
    """
    if not content.strip():
        return FREE
    try:
        document = read_json(content)
        if isinstance(document, dict) and is_count(document.get("version")) and document["version"] > SHARED:
            raise UnreadableLease(
                f"the lease has version {document['version']}, but this reconcile supports versions up to {SHARED}",
                hint="upgrade reconcile if a newer version wrote it; "
                f"if no run is in progress, run `{reconcile('lease break')}` to replace it",
            )
        told = document.pop("seal", None) if isinstance(document, dict) else None
        held = _lease(document)
        if held.holder is None or (seal is not None and seal.fits(LEASE, _canonical(document), told)):
            return held
        return replace(held, verified=False, seal=told if isinstance(told, str) else None)
    except ValueError as error:
        raise UnreadableLease(
            f"the lease on the remote cannot be read: {error}",
            hint=f"if no run is in progress, run `{reconcile('lease break')}` to replace it",
        ) from error


def _lease(document: object) -> Lease:
    """Raises `ValueError` with what is wrong."""
    if not isinstance(document, dict) or shown(document.get("version")) not in (str(VERSION), str(SHARED)):
        raise ValueError(f'`"version": {VERSION}` is missing')
    fencing, closed = document.get("fencing"), document.get("closed", [])
    if not is_count(fencing):
        raise ValueError("`fencing` must be a whole number")
    if not isinstance(closed, list) or len(closed) > REMEMBERED or not all(map(ID.accepts, closed)):
        raise ValueError(f"`closed` must be a list of at most {REMEMBERED} tokens")
    if document.get("holder") is None:
        return Lease(fencing, closed=tuple(closed))
    holder = _holder(document["holder"])
    token, taken_at, expires_at = (document.get(name) for name in ("token", "takenAt", "expiresAt"))
    renewed_at = document.get("renewedAt")
    if not ID.accepts(token):
        raise ValueError(f"`token` must be {ID.what}")
    if not (TIME.accepts(taken_at) and TIME.accepts(expires_at)):
        raise ValueError(f"`takenAt` and `expiresAt` must be {TIME.what}")
    if not (renewed_at is None or TIME.accepts(renewed_at)):
        raise ValueError(f"`renewedAt` must be {TIME.what}")
    epoch = _epoch(document.get("epoch")) if document["version"] == SHARED else None
    return Lease(fencing, holder, token, taken_at, expires_at, renewed_at, epoch=epoch, closed=tuple(closed))


def _holder(document: object) -> Holder:
    if not isinstance(document, dict) or not is_count(document.get("pid")):
        raise ValueError("`holder` must be an object with a `pid`")
    host, run_url = document.get("host"), document.get("runUrl")
    if not (LINE.accepts(host) and (run_url is None or LINE.accepts(run_url))):
        raise ValueError(f"`host` and `runUrl` must be {LINE.what}")
    return Holder(host, document["pid"], run_url)


def _epoch(document: object) -> Epoch:
    if not isinstance(document, dict):
        raise ValueError("`epoch` must be an object")
    plan, run, shards, places = (document.get(name) for name in ("plan", "run", "shards", "places"))
    if not (DIGEST.accepts(plan) and ID.accepts(run)):
        raise ValueError("`epoch` must name its plan and its run")
    if not is_count(shards) or not 1 <= shards <= MOST_SHARDS:
        raise ValueError(f"`shards` must be a number from 1 to {MOST_SHARDS}")
    if not isinstance(places, list):
        raise ValueError("`places` must be a list")
    read = tuple(_place(one, shards) for one in places)
    if [one.shard for one in read] != sorted({one.shard for one in read}):
        raise ValueError("`places` must name every shard once, in their order")
    return Epoch(plan, run, shards, read)


def _place(document: object, shards: int) -> Place:
    if not isinstance(document, dict):
        raise ValueError("a place must be an object")
    shard, token, expires_at, renewed_at = (
        document.get(name) for name in ("shard", "token", "expiresAt", "renewedAt")
    )
    if not is_count(shard) or not 1 <= shard <= shards:
        raise ValueError(f"`shard` must be a number from 1 to {shards}")
    if not (ID.accepts(token) and TIME.accepts(expires_at) and TIME.accepts(renewed_at)):
        raise ValueError(f"a place must have a token, and `expiresAt` and `renewedAt` must be {TIME.what}")
    return Place(shard, token, _holder(document.get("holder")), expires_at, renewed_at)


def _held(since: str, until: str, now: str) -> bool:
    """Whether what was renewed then, and holds until then, is held, also when clocks disagree a little."""
    renewed = moment(since)
    if renewed > moment(now) + timedelta(seconds=FAST):
        return False
    ends = min(moment(until), renewed + timedelta(seconds=LONGEST))
    return moment(now) - timedelta(seconds=SKEW) <= ends


def moment(text: str) -> datetime:
    """The time that a text names. Raises `ValueError`."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return time


def after(now: str, seconds: float) -> str:
    """So many seconds later, and never longer than a lease may hold."""
    later = moment(now) + timedelta(seconds=min(seconds, LONGEST))
    return later.isoformat(timespec="milliseconds").replace("+00:00", "Z")
