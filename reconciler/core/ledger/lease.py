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
from reconciler.core.values import ID, LINE, TIME, as_line, is_count, shown

VERSION = 1
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
class Lease:
    """Held, or given back (`holder` None). Times are UTC texts with milliseconds; `renewed_at` is the last time that
    its holder took or renewed it. `verified`: a run with our key wrote it; otherwise `seal` is what it has for one, so
    that who writes the ledger meanwhile leaves it as it is.
    """

    fencing: int = 0
    holder: Holder | None = None
    token: str | None = None  # random, one per run: tells two runs of one process id apart
    taken_at: str | None = None
    expires_at: str | None = None
    renewed_at: str | None = None
    verified: bool = True
    seal: str | None = None

    def held_at(self, now: str) -> bool:
        """Whether somebody has it, also when clocks disagree a little."""
        if self.holder is None or self.expires_at is None:
            return False
        since = _time(self.renewed_at or self.taken_at or self.expires_at)
        if since > _time(now) + timedelta(seconds=FAST):
            return False
        until = min(_time(self.expires_at), since + timedelta(seconds=LONGEST))
        return _time(now) - timedelta(seconds=SKEW) <= until

    def belongs_to(self, token: str) -> bool:
        """Whether it still is the lease of the run with this token."""
        return self.holder is not None and self.token == token and self.verified


FREE = Lease()


def take(lease: Lease, holder: Holder, token: str, now: str, ttl: float) -> Lease:
    """The lease in a new holder's hands. The caller made sure that nobody has it. `ttl` is in seconds."""
    return Lease(lease.fencing + 1, holder, token, now, _after(now, ttl), now)


def renew(lease: Lease, now: str, ttl: float) -> Lease:
    """The same holder's lease, for another `ttl` seconds from `now`."""
    return replace(lease, expires_at=_after(now, ttl), renewed_at=now)


def give_back(lease: Lease) -> Lease:
    """Free for anyone; the fencing number stays, so that the next one is higher."""
    return Lease(lease.fencing)


def seconds_left(lease: Lease, now: str) -> float:
    """Until it expires, by the holder's own clock; negative when it has."""
    if lease.expires_at is None:
        return 0.0
    return (_time(lease.expires_at) - _time(now)).total_seconds()


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
    if lease.holder is not None:
        document["holder"] = {
            name: value
            for name, value in (
                ("host", as_line(lease.holder.host)),
                ("pid", lease.holder.pid),
                ("runUrl", lease.holder.run_url and as_line(lease.holder.run_url)),
            )
            if value is not None
        }
        document |= {"token": lease.token, "takenAt": lease.taken_at, "expiresAt": lease.expires_at}
        document |= {} if lease.renewed_at is None else {"renewedAt": lease.renewed_at}
    return document


def _canonical(document: dict[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def parse(content: bytes, seal: Seal | None = None) -> Lease:
    """The lease in the file; no content is a free one. Without a `seal` to compare with, none verifies that is held.

    Raises `UnreadableLease`; `JournalError` for a newer version.
    """
    if not content.strip():
        return FREE
    try:
        document = read_json(content)
        if isinstance(document, dict) and is_count(document.get("version")) and document["version"] > VERSION:
            raise JournalError(
                f"the lease has version {document['version']}, but this reconcile supports version {VERSION}",
                hint="upgrade reconcile: a newer version wrote it",
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
    if not isinstance(document, dict) or shown(document.get("version")) != str(VERSION):
        raise ValueError(f'`"version": {VERSION}` is missing')
    fencing, holder = document.get("fencing"), document.get("holder")
    if not is_count(fencing):
        raise ValueError("`fencing` must be a whole number")
    if holder is None:
        return Lease(fencing)
    if not isinstance(holder, dict) or not is_count(holder.get("pid")):
        raise ValueError("`holder` must be an object with a `pid`")
    host, run_url = holder.get("host"), holder.get("runUrl")
    token, taken_at, expires_at = (document.get(name) for name in ("token", "takenAt", "expiresAt"))
    renewed_at = document.get("renewedAt")
    if not (LINE.accepts(host) and (run_url is None or LINE.accepts(run_url))):
        raise ValueError(f"`host` and `runUrl` must be {LINE.what}")
    if not ID.accepts(token):
        raise ValueError(f"`token` must be {ID.what}")
    if not (TIME.accepts(taken_at) and TIME.accepts(expires_at)):
        raise ValueError(f"`takenAt` and `expiresAt` must be {TIME.what}")
    if not (renewed_at is None or TIME.accepts(renewed_at)):
        raise ValueError(f"`renewedAt` must be {TIME.what}")
    return Lease(fencing, Holder(host, holder["pid"], run_url), token, taken_at, expires_at, renewed_at)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return time


def _after(now: str, seconds: float) -> str:
    later = _time(now) + timedelta(seconds=min(seconds, LONGEST))
    return later.isoformat(timespec="milliseconds").replace("+00:00", "Z")
