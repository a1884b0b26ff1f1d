"""The ports: what the use cases need of the outside world. Adapters implement them, the command wires them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # only named here: a plan that finds nothing to do imports little of it
    from reconciler.core.engine.overlay import Beside
    from reconciler.core.engine.spec import Desired, Spec
    from reconciler.core.errors import Diagnostic
    from reconciler.core.ledger.journal import Record
    from reconciler.core.ledger.lease import Lease
    from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
    from reconciler.core.ledger.sealed import Unverified
    from reconciler.core.ledger.webhook_facts import Delivery
    from reconciler.core.lockfile.model import Lockfile
    from reconciler.core.platform.engine import DeletionAnswer, EngineAnswer
    from reconciler.core.platform.job import Answer, News, Progress
    from reconciler.core.platform.update import UpdateAnswer
    from reconciler.core.platform.webhook import Event


class Engines(Protocol):
    """The engine files of a project. Paths are relative to its root, with forward slashes."""

    def discover(self) -> tuple[Mapping[str, str], Sequence[Diagnostic]]:
        """Every key with its file, sorted, and what is wrong with the set. Raises `InvalidInput` when there is none."""
        ...

    def beside(self) -> Beside:
        """What is there beside those engines: overlays, and engines that are not chosen. Raises as `discover`."""
        ...

    def overlay_names(self, path: str) -> Sequence[str]:
        """What the overlay over the engine file at `path` may be called in this environment; none if it has none."""
        ...

    def blob_ids(self, path: str, length: int) -> str | None:
        """The file's git blob id as it is now, or None where there is no such file."""
        ...

    def load(self, key: str, path: str, id_length: int) -> Desired | list[Diagnostic]:
        """What the file asks for, or everything that is wrong with it."""
        ...

    def parse_old(self, data: bytes, path: str) -> Spec | None:
        """What an older version of a file asked for, as far as it can be told; for showing differences only."""
        ...


class Checkout(Protocol):
    """What git says of the project's work tree. Asked only where something is missing."""

    def not_gone(self, files: Mapping[str, Sequence[str]]) -> list[Diagnostic]:
        """For engines whose files are missing, by key with the names of their files as far as they are known: what is
        only not checked out, and how to bring it back.
        """
        ...

    def folder_not_gone(self) -> Diagnostic | None:
        """The same for the engines folder, where it is missing or has no engine file."""
        ...


class LockfileStore(Protocol):
    """The lockfile on disk."""

    path: str  # as people know it: relative to the project's root

    def read(self) -> tuple[Lockfile, bytes]:
        """The lockfile and its exact content (empty when there is no file). Raises `LockfileError`, `StorageError`."""
        ...

    def write(self, lockfile: Lockfile) -> None:
        """Replace it in one step, durably. Raises `StorageError`, and the file is then as it was."""
        ...

    def check_writable(self) -> None:
        """Raises `StorageError` when a write would fail for reasons that can be known before."""
        ...


class Journal(Protocol):
    """The write-ahead record of operations."""

    def read(self) -> tuple[tuple[Record, ...], bytes]:
        """Its records and exact content. Raises `JournalError`, `StorageError`."""
        ...

    def unverified(self) -> Unverified | None:
        """What it has of the ledger that does not verify; None where that is nothing. Raises as `read` does."""
        ...

    def append(self, records: Sequence[Record]) -> None:
        """Make records durable, in this order. Raises `StorageError`, and none of them then counts."""
        ...

    def compact(self, *, published: bool) -> None:
        """Forget everything: the lockfile has it all, durably. Where runs share through a remote and the lockfile is
        not `published` there, what people resolved stays: it counts for every run until the branch has it.
        """
        ...


class Ledger(Protocol):
    """What runs share through a remote. Every method may raise `GitError`; those that push raise `RefMoved` when the
    remote has moved since `seen`, `PushRefused` when it will not have the push, and `RemoteUnreachable`.
    """

    def look(self) -> RemoteSnapshot:
        """As it is now."""
        ...

    def again(self, seen: RemoteSnapshot) -> RemoteSnapshot:
        """What was seen, on top of what the ledger is now: for a shard in its place, which nobody but itself writes
        for, so that lease and position are all it needs. Where that is not so, as `look`.
        """
        ...

    def logged(self, seen: RemoteSnapshot, operations: Iterable[str]) -> tuple[Record, ...]:
        """What the ledger's log says of these operations."""
        ...

    def former(self, seen: RemoteSnapshot) -> Sequence[Lockfile]:
        """What was published before, newest first, as far back as it is worth reading."""
        ...

    def record(self, seen: RemoteSnapshot, records: Sequence[Record], lease: Lease) -> RemoteSnapshot:
        """Put these records and this lease in the place of what was seen, in one step."""
        ...

    def publish(
        self, seen: RemoteSnapshot, lockfile: Lockfile, told: Sequence[Record], lease: Lease
    ) -> RemoteSnapshot:
        """Put this lockfile on the branch and empty the journal, all or nothing.

        `told` are all facts up to here: the ledger's log keeps them, though the journal does not.
        """
        ...

    def hurry(self, seconds: float) -> None:
        """From now on every method ends within that time, also one that is under way in another thread."""
        ...


class Platform(Protocol):
    """The provisioning API. It never raises for what the platform says: that is an `Answer`."""

    async def create(self, operation_id: str, spec: Spec, callback_url: str | None) -> Answer:
        """One create call, with the safe retries of docs/platform.md and no other.

        Cancelling it while the request is under way leaves its outcome unknown; the caller records that.
        """
        ...

    async def read_summary(self, job_id: str) -> Mapping[str, int] | None:
        """Counts of what a finished job made, or None where the platform does not tell."""
        ...


class ExistingEngines(Protocol):
    """The platform's engines, by ID. It never raises for what the platform says: that is an `EngineAnswer`."""

    async def read(self, engine_id: str) -> EngineAnswer:
        """What the platform says of an engine. Calls may run at once; a short `Retry-After` makes all of them pause."""
        ...

    async def delete(self, engine_id: str) -> DeletionAnswer:
        """Delete an engine, asking again after a lost answer. Cancelling it leaves the outcome unknown."""
        ...

    async def update(self, engine_id: str, spec: Spec, *, look_first: bool) -> UpdateAnswer:
        """Name, description and locales as the spec has them. The call is idempotent: a lost answer is made up for by
        looking at the engine, and by the same call again. With `look_first` an earlier run may have made it.

        Cancelling it leaves unknown whether the engine was changed.
        """
        ...


class Lookups(Protocol):
    """Engines looked up on the platform, many at once."""

    def __call__(self, engine_ids: Collection[str], /) -> Mapping[str, EngineAnswer]:
        """The answers by engine; what is missing could not be asked. May be asked again about the same ones."""
        ...


class Completions(Protocol):
    """News of running jobs."""

    def watch(self, job_id: str) -> AsyncIterator[News | Progress]:
        """What is heard of a job, until a terminal `News`. Reconnects by itself, for ever.

        Raises `PlatformError` only for what no waiting heals: the key was refused (401, 403), no such job (404).
        """
        ...


class Deliveries(Protocol):
    """An inbox of verified webhooks. Other projects may share it: what is not ours is left alone."""

    def waiting(self) -> Sequence[Delivery]:
        """Those that nobody has claimed, oldest first. Raises `StorageError`, or `PlatformError` for a remote one."""
        ...

    def follow(self) -> AsyncIterator[Event]:
        """Those that come in from now on; some of before may be among them. For ever: it tries again by itself."""
        ...

    def claim(self, deliveries: Sequence[Delivery]) -> None:
        """Mark them as taken: everything they tell is recorded. Raises as `waiting` does."""
        ...

    def hurry(self, seconds: float) -> None:
        """From now on everything ends within that time, what is under way too. From any thread."""
        ...


class Texts(Protocol):
    """Old file contents by blob id."""

    def read_blobs(self, blob_ids: Sequence[str]) -> Mapping[str, bytes]:
        """Those of the blobs that git has; empty where there is no git or no repo. Never fetches."""
        ...


class Observer(Protocol):
    """Who wants to see a run go on. Nothing depends on it; it must not raise."""

    def begun(self, creates: int, waits: int, updates: int = 0) -> None:
        """The run starts: so many create calls will be issued, so many running jobs are waited for, and so many engines
        are changed in place.
        """
        ...

    def submitting(self, key: str) -> None: ...

    def updating(self, key: str) -> None:
        """An engine is changed in place."""
        ...

    def accepted(self, key: str, engine_id: str, job_id: str) -> None: ...

    def waiting(self, key: str, job_id: str) -> None:
        """A job that is already running is waited for."""
        ...

    def step(self, key: str, step: str, detail: str | None) -> None: ...

    def completed(self, key: str, engine_id: str | None) -> None: ...

    def failed(self, key: str, error: str) -> None:
        """The job failed, or the call was refused."""
        ...

    def uncertain(self, key: str, reason: str) -> None: ...

    def notice(self, text: str) -> None:
        """Something about the run as a whole: interrupted, stopped creating, the deadline passed."""
        ...

    def ended(self) -> None:
        """Nothing more is to come; the terminal is to be left clean."""
        ...


class Clock(Protocol):
    def now(self) -> str:
        """UTC with milliseconds, `2026-11-24T11:08:13.123Z`."""
        ...
