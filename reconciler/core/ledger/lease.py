"""The lease: the time-limited right to apply, as a value. Taking and renewing it are compare-and-swaps of its ref.

An expired lease may be taken over. The fencing number grows with every holder, so a holder that was slow, or whose
clock is off, sees that it is no longer the one. Expiry is judged by the clock of the taker; `SKEW` is for clocks that
disagree.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from reconciler.core.commands import reconcile
from reconciler.core.errors import JournalError

VERSION = 1
SKEW = 20.0  # seconds: how far two machines' clocks may be apart


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
    """Held, or given back (`holder` None). Times are UTC texts with milliseconds."""

    fencing: int = 0
    holder: Holder | None = None
    token: str | None = None  # random, one per run: tells two runs of one process id apart
    taken_at: str | None = None
    expires_at: str | None = None

    def held_at(self, now: str) -> bool:
        """Whether somebody has it, also when clocks disagree a little."""
        if self.holder is None or self.expires_at is None:
            return False
        return _time(now) - timedelta(seconds=SKEW) <= _time(self.expires_at)

    def belongs_to(self, token: str) -> bool:
        """Whether it still is the lease of the run with this token."""
        return self.holder is not None and self.token == token


FREE = Lease()


def take(lease: Lease, holder: Holder, token: str, now: str, ttl: float) -> Lease:
    """The lease in a new holder's hands. The caller made sure that nobody has it. `ttl` is in seconds."""
    return Lease(lease.fencing + 1, holder, token, now, _after(now, ttl))


def renew(lease: Lease, now: str, ttl: float) -> Lease:
    """The same holder's lease, for another `ttl` seconds from `now`."""
    return replace(lease, expires_at=_after(now, ttl))


def give_back(lease: Lease) -> Lease:
    """Free for anyone; the fencing number stays, so that the next one is higher."""
    return Lease(lease.fencing)


def seconds_left(lease: Lease, now: str) -> float:
    """Until it expires, by the holder's own clock; negative when it has."""
    if lease.expires_at is None:
        return 0.0
    return (_time(lease.expires_at) - _time(now)).total_seconds()


def render(lease: Lease) -> bytes:
    """The file on the ref."""
    document: dict[str, Any] = {"version": VERSION, "fencing": lease.fencing}
    if lease.holder is not None:
        document["holder"] = {
            name: value
            for name, value in (
                ("host", lease.holder.host),
                ("pid", lease.holder.pid),
                ("runUrl", lease.holder.run_url),
            )
            if value is not None
        }
        document |= {"token": lease.token, "takenAt": lease.taken_at, "expiresAt": lease.expires_at}
    return (json.dumps(document, sort_keys=True, indent=2) + "\n").encode()


def parse(content: bytes) -> Lease:
    """The lease in the file; no content is a free one. Raises `UnreadableLease`; `JournalError` for a newer version."""
    if not content.strip():
        return FREE
    try:
        document = json.loads(content)
        if document["version"] != VERSION:
            raise JournalError(
                f"the lease has version {document['version']!r}, and this reconcile knows version {VERSION}",
                hint="a newer reconcile wrote it: upgrade this one",
            )
        return _lease(document)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableLease(
            "the lease on the remote cannot be read",
            hint=f"when no run is under way, `{reconcile('lease break')}` replaces it",
        ) from error


def _lease(document: dict[str, Any]) -> Lease:
    fencing = int(document["fencing"])
    holder = document.get("holder")
    if holder is None:
        return Lease(fencing)
    expires_at, taken_at = document["expiresAt"], document["takenAt"]
    for text in (expires_at, taken_at):
        _time(text)
    run_url = holder.get("runUrl")
    who = Holder(str(holder["host"]), int(holder["pid"]), None if run_url is None else str(run_url))
    return Lease(fencing, who, str(document["token"]), taken_at, expires_at)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text} does not say in which time zone")
    return time


def _after(now: str, seconds: float) -> str:
    later = _time(now) + timedelta(seconds=seconds)
    return later.isoformat(timespec="milliseconds").replace("+00:00", "Z")
