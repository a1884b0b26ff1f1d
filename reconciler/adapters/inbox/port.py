"""What an inbox is, wherever it is kept: what stands in it, and what receivers, relays and runs ask of it.

Events are numbered in the order in which they become visible, so a number is a cursor: after reading up to it, nothing
is missed by asking for what comes after. A delivery is kept as it came (headers and raw body), so that a reader can
verify it again, or pass it on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, Self

from reconciler.core.platform.webhook import Event, Signed, SigningKeys, read_event
from reconciler.core.values import ID

MAX_NUMBER = 2**63 - 1
PAGE_BYTES = 1 << 20  # of bodies in one reading
FORGOTTEN_AT_ONCE = 5000  # events; deliveries wait meanwhile


class Row(NamedTuple):
    """A verified delivery to be stored, in the order of the columns."""

    webhook_id: str
    type: str | None
    job_id: str | None
    operation_id: str | None
    received_at: float
    timestamp: str
    signature: str
    body: bytes


class Received(NamedTuple):
    """A verified delivery. `number` is the cursor after it; times are unix seconds."""

    number: int
    webhook_id: str
    operation_id: str | None
    received_at: float
    timestamp: str
    signature: str
    body: bytes
    claimed_at: float | None = None
    claimed_by: str | None = None

    @property
    def event(self) -> Event | None:
        """What it tells. None only for what somebody put into the inbox by hand."""
        if self.operation_id is not None and not ID.accepts(self.operation_id):
            return None
        return read_event(self.body, self.operation_id)

    @property
    def signed(self) -> Signed:
        """Its headers, to verify it again."""
        return Signed(self.webhook_id.encode(), self.timestamp.encode(), self.signature.encode())


class Sizes(NamedTuple):
    """How full an inbox is. `disk` is bytes, the indexes and the write-ahead log of a file included."""

    events: int
    unclaimed: int
    oldest_unclaimed_at: float | None
    quarantined: int
    disk: int


class Backlog(NamedTuple):
    """What a relay has still to pass on."""

    waiting: int
    oldest_at: float | None


class Unverified(NamedTuple):
    """A delivery as it came, which nobody could verify yet."""

    signed: Signed
    operation_id: str | None
    received_at: float
    body: bytes


class Released(NamedTuple):
    """How many became events, were events already, and stay."""

    stored: int
    duplicates: int
    kept: int


class Inbox(Protocol):
    """Reading and claiming. Safe to use from any thread, and while other processes write.

    Raises `StorageError` where the disk or the server refuses.
    """

    @property
    def identity(self) -> str:
        """Tells this inbox from every other."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def events_since(self, cursor: int = 0, limit: int = 100) -> list[Received]:
        """Those after `cursor`, oldest first, claimed ones too; fewer than `limit` when their bodies are large, and
        none only when there are none."""
        ...

    def unclaimed(self, cursor: int = 0, limit: int = 100) -> list[Received]:
        """As `events_since`, without those that were claimed."""
        ...

    def claim(self, numbers: Iterable[int], by: str, now: float) -> list[int]:
        """Marks these as taken and says which of them were still free: only those are the caller's. Durable."""
        ...

    def last(self) -> int:
        """The cursor after the newest event; 0 when there never was one."""
        ...

    def revision(self) -> int:
        """Differs from before when anything was stored meanwhile. Made for polling from an event loop: it costs
        microseconds, and waits for no other reading or claiming."""
        ...

    def sizes(self) -> Sizes:
        """Counts everything, so its cost grows with the inbox."""
        ...

    def relayed(self, place: str) -> int:
        """The number of the event that was passed on to this place last; 0 where there was none."""
        ...

    def backlog(self, cursor: int) -> Backlog:
        """Looks at each waiting event."""
        ...

    def leads(self, place: str) -> int:
        """Above 0 while this is the one among all receivers that relays to the place: until it is closed, or its
        connection is lost. Another number than before when another may have led meanwhile; so it is to be asked again
        before each event."""
        ...


class Table(Protocol):
    """Writing, from one thread. Each call is all or nothing, and durable when it returns.

    Raises `StorageError` where the disk or the server refuses.
    """

    def insert(self, rows: Sequence[Row]) -> list[bool]:
        """Says of each row whether it is new: no event has its webhook-id, or its job and type."""
        ...

    def keep(self, delivery: Unverified, most: int) -> bool:
        """Puts it into quarantine; whether there was room for it (or it is there already)."""
        ...

    def release(self, keys: SigningKeys, now: float, tolerance: float) -> Released:
        """Verifies all that are kept; those that a key fits become events, in the order in which they came."""
        ...

    def forget_claimed(self, before: float) -> int:
        """Deletes events that were claimed before then, so many at once at most. What nobody claimed stays."""
        ...

    def forget_relayed(self, place: str, before: float) -> int:
        """The same with events that were received before then and passed on: where a relay is the only reader nobody
        claims them, and the inbox would grow for ever."""
        ...

    def begin_relay(self, place: str) -> None:
        """A place to which nothing was relayed before gets what no run has taken so far, and all that comes."""
        ...

    def mark_relayed(self, place: str, number: int) -> None:
        """Everything up to this number was passed on to the place. Never goes back."""
        ...

    def probe(self, now: float) -> None:
        """Writes something, to find out whether that is possible."""
        ...

    def close(self) -> None: ...


class Store(Protocol):
    """Where an inbox is. `name` may be shown: it holds no password."""

    @property
    def name(self) -> str: ...

    def inbox(self) -> Inbox:
        """Made if it is not there. Raises `InvalidInput` for what is no inbox, or a newer one's, and `StorageError`."""
        ...

    def existing(self) -> Inbox:
        """As `inbox`, but raises `InvalidInput` where there is none: only a receiver makes one, so the place is wrong
        or none ever ran."""
        ...

    def table(self) -> Table:
        """As `inbox`."""
        ...

    def warnings(self) -> list[str]:
        """What the operator should know of it, such as a server that may lose what it has acknowledged."""
        ...

    def hurry(self, seconds: float) -> None:
        """From now on everything ends within that time, what is under way too; what comes later fails at once."""
        ...

    def close(self) -> None:
        """After its inboxes and tables."""
        ...


def relay_name(place: str) -> str:
    """Under which an inbox remembers what was relayed to a place."""
    return f"relayed to {place.lower()}"  # GitHub does not tell upper case from lower


def which_are_new(rows: Sequence[Row], fresh: set[str]) -> list[bool]:
    """Of each row, whether its id is among those that went in; of two rows with one id, the first is new."""
    found = []
    for row in rows:
        found.append(row.webhook_id in fresh)
        fresh.discard(row.webhook_id)
    return found
