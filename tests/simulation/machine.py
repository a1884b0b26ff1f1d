"""A machine of the simulation: a checkout, a journal on its disk, a clock of its own; and the ports over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from reconciler.core.engine.fingerprint import blob_id, fingerprint
from reconciler.core.engine.overlay import NOTHING, Beside
from reconciler.core.engine.spec import Desired, Source, Spec
from reconciler.core.errors import Diagnostic
from reconciler.core.ledger import journal as journal_format
from reconciler.core.ledger.facts import resolutions
from reconciler.core.ledger.journal import Record, Refusal
from reconciler.core.ledger.sealed import ALL_VERIFIED, Unverified
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.model import Lockfile
from tests.simulation.repo import Commit, File, read_lock

START = datetime(2026, 11, 24, 11, tzinfo=UTC)
SPECS = {
    name: Spec("Acme", "Production", (name.lower(), "de"), (Source("link", "https://acme.com"),))
    for name in ("fr", "es", "ja")
}


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class Time:
    """Seconds since the beginning, the same for everybody; clocks are apart from it."""

    seconds: float = 0.0

    def pass_(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass(slots=True)
class Clock:
    time: Time
    ahead: float = 0.0  # seconds that this machine's clock is ahead

    def now(self) -> str:
        self.time.pass_(0.001)
        return text(START + timedelta(seconds=self.time.seconds + self.ahead))


@dataclass(slots=True)
class Machine:
    """`head` is the commit that is checked out; `files` and `lock` are the work tree. `process` has the file lease."""

    name: str
    clock: Clock
    head: str
    files: dict[str, File]
    lock: bytes
    journal: bytes = b""
    fetched: bytes = b""
    doubted: Unverified = ALL_VERIFIED
    process: str | None = None
    persistent: bool = True

    def check_out(self, commit: Commit) -> None:
        self.head, self.files, self.lock = commit.id, dict(commit.files), commit.lock


Step = Callable[[str], None]  # called before and after what is durable; may end the process, or refuse


@dataclass(slots=True)
class Engines:
    """The engine files of a work tree."""

    machine: Machine

    def discover(self) -> tuple[Mapping[str, str], Sequence[Diagnostic]]:
        return {key: path_of(key) for key in sorted(self.machine.files)}, []

    def beside(self) -> Beside:
        return NOTHING

    def overlay_names(self, path: str) -> Sequence[str]:
        return ()

    def blob_ids(self, path: str, length: int) -> str | None:
        file = self.machine.files.get(path.removeprefix("engines/").removesuffix(".yaml"))
        return blob_of(file)

    def load(self, key: str, path: str, id_length: int) -> Desired | list[Diagnostic]:
        file = self.machine.files[key]
        return desired(key, file)

    def parse_old(self, data: bytes, path: str) -> Spec | None:
        return None


def desired(key: str, file: File) -> Desired:
    path = path_of(key)
    spec = SPECS[file.spec]
    return Desired(key, path, spec, print_of(file.spec), {path: blob_of(file) or ""}, file.protect)


@lru_cache
def print_of(spec: str) -> str:
    return fingerprint(SPECS[spec])


@lru_cache
def blob_of(file: File | None) -> str | None:
    """The blob id of an engine file; None where there is none."""
    return None if file is None else blob_id(repr(file).encode())


def path_of(key: str) -> str:
    return f"engines/{key}.yaml"


@dataclass(slots=True)
class LockfileStore:
    machine: Machine
    step: Step
    path: str = "engines.lock.json"

    def read(self) -> tuple[Lockfile, bytes]:
        return read_lock(self.machine.lock), self.machine.lock

    def write(self, lockfile: Lockfile) -> None:
        self.step("lockfile about to be written")
        self.machine.lock = lockfile_format.render(lockfile)
        self.step("lockfile written")

    def check_writable(self) -> None:
        pass


@dataclass(slots=True)
class Journal:
    """`knows_fetched`: what was fetched of the ledger counts, too."""

    machine: Machine
    step: Step
    knows_fetched: bool = False
    refused: set[str] = field(default_factory=set)

    def read(self) -> tuple[tuple[Record, ...], bytes]:
        content = self.machine.journal
        if self.knows_fetched:
            content += self.machine.fetched
        return records_in(content), content

    def unverified(self) -> Unverified | None:
        """Of what was fetched."""
        return (self.machine.doubted or None) if self.knows_fetched else None

    def append(self, records: Sequence[Record]) -> None:
        self.step("journal about to be appended")
        self.machine.journal += journal_format.render(records)
        self.refused |= {one.operation for one in records if isinstance(one, Refusal)}
        self.step(f"journal appended: {' '.join(f'{one.type} {one.operation}' for one in records)}")

    def compact(self, *, published: bool) -> None:
        self.step("journal about to be emptied")
        kept = () if published else resolutions(records_in(self.machine.journal))
        self.machine.journal = journal_format.render(kept)
        self.step("journal emptied")


@lru_cache(maxsize=512)
def records_in(content: bytes) -> tuple[Record, ...]:
    return journal_format.parse(content, "journal")[0]


@dataclass(slots=True)
class Told:
    """An observer: what a run says."""

    lines: list[str] = field(default_factory=list)

    def begun(self, creates: int, waits: int, updates: int = 0) -> None: ...
    def submitting(self, key: str) -> None: ...
    def updating(self, key: str) -> None: ...
    def accepted(self, key: str, engine_id: str, job_id: str) -> None: ...
    def waiting(self, key: str, job_id: str) -> None: ...
    def step(self, key: str, step: str, detail: str | None) -> None: ...
    def completed(self, key: str, engine_id: str | None) -> None: ...
    def failed(self, key: str, error: str) -> None: ...
    def uncertain(self, key: str, reason: str) -> None: ...
    def ended(self) -> None: ...

    def notice(self, text: str) -> None:
        self.lines.append(text)
