"""Every error the tool raises, in one tree, with the exit code it means.

    ReconcileError
    ├── UsageError            64  a flag or argument makes no sense
    ├── InvalidInput           3  engine files or settings; carries every diagnostic found
    │   ├── LockfileError      3  the lockfile cannot be read as one
    │   │   └── NewerSources   3  nor the file beside it, of a newer version (core/sources/state)
    │   ├── JournalError       3  the journal cannot be read as one
    │   │   └── UnreadableLease   3  nor the lease on its ref (core/ledger/lease)
    │   ├── OutputRefused      3  a file that engine IDs are to be written into (core/outputs)
    │   └── NoPrometheus       3  the library for metrics is not installed (adapters/system)
    ├── StorageError           1  the disk refused: read-only, full, no permission
    ├── PlatformError          1  the platform refused or could not be reached
    ├── GitHubError            1  GitHub's API refused or could not be reached
    ├── GitError               1  git refused
    │   ├── GitFailed          1  what git said about it (adapters/git)
    │   ├── RefMoved           1  a ref moved meanwhile; look again and try again
    │   ├── PushRefused        1  the remote will not have a push: protection, hook, permission
    │   └── RemoteUnreachable  1  the remote cannot be read or reached
    ├── NotServing             1  no such engine, or it does not serve yet
    ├── BeginNotPublished      1  begins are not on the remote; never leaves a run (app/ledger_writer)
    ├── LeaseHeld              5  another run is applying
    ├── GuardRefused           6  stale plan, protected engine, too many replacements
    │   └── EpochOver          6  the lease of a plan's shards has ended (core/ledger/epoch)
    └── Interrupted          130  a signal ended the run

What comes from outside is mapped to this tree at the edge, with `raise … from`. Anything else that reaches the
top is a bug of ours and ends with 70.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from reconciler.core.excerpt import Excerpt


class ExitCode(IntEnum):
    """What the process ends with (docs/design.md, section 7). The same for every output format."""

    OK = 0
    FAILED = 1
    CHANGES = 2
    INVALID = 3
    RUNNING = 4
    LEASE = 5
    GUARD = 6
    UNCERTAIN = 7
    USAGE = 64
    BUG = 70
    INTERRUPTED = 130


_PRECEDENCE = (
    ExitCode.BUG,
    ExitCode.INTERRUPTED,
    ExitCode.USAGE,
    ExitCode.INVALID,
    ExitCode.LEASE,
    ExitCode.GUARD,
    ExitCode.UNCERTAIN,
    ExitCode.FAILED,
    ExitCode.RUNNING,
    ExitCode.CHANGES,
    ExitCode.OK,
)


def most_severe(codes: Iterable[ExitCode]) -> ExitCode:
    """The one code to end with when several apply; `OK` when there are none."""
    present = set(codes)
    return next((code for code in _PRECEDENCE if code in present), ExitCode.OK)


class Severity(StrEnum):
    """How bad a finding is; the worst first."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Diagnostic(NamedTuple):
    """One finding about an input. `line` and `col` count from 1; `excerpt` shows the offending line."""

    message: str
    file: str | None = None
    line: int | None = None
    col: int | None = None
    excerpt: Excerpt | None = None
    hint: str | None = None
    severity: Severity = Severity.ERROR
    key: str | None = None  # the engine it is about, where that is known

    @property
    def place(self) -> str:
        """`file:line:col` as far as it is known, or an empty string."""
        parts = (self.file, self.line, self.col)
        known = [str(part) for part in parts if part is not None]
        return ":".join(known) if self.file is not None else ""


class ReconcileError(Exception):
    """A failure with a message for the person, and where one is known a place and a hint."""

    exit_code = ExitCode.FAILED
    retryable = False  # whether the same call can succeed later without anybody changing anything

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        diagnostics: Iterable[Diagnostic] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.diagnostics = tuple(diagnostics)


class UsageError(ReconcileError):
    exit_code = ExitCode.USAGE


class InvalidInput(ReconcileError):
    exit_code = ExitCode.INVALID


class LockfileError(InvalidInput):
    """The lockfile is not one: conflict markers, truncated, a newer version, or edited by hand."""


class JournalError(InvalidInput):
    """The journal is unreadable. Never ignored: it may be the only record of an engine."""


class StorageError(ReconcileError):
    """The disk refused a read or a write."""


class PlatformError(ReconcileError):
    """The platform refused a call, or could not be reached; `status` is its HTTP status where there was one."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        status: int | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.retryable = retryable


class GitHubError(ReconcileError):
    """GitHub refused, or could not be reached; `status` is its HTTP status where there was one."""

    def __init__(
        self, message: str, *, hint: str | None = None, status: int | None = None, retryable: bool = False
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.retryable = retryable


class GitError(ReconcileError):
    """A git command failed."""


class RefMoved(GitError):
    """A ref on the remote is not where it was: somebody else pushed."""

    retryable = True


class PushRefused(GitError):
    """The remote will not have a push."""


class RemoteUnreachable(GitError):
    """The remote cannot be read or reached."""

    retryable = True


class NotServing(ReconcileError):
    """There is no such engine, or it does not serve yet."""


class LeaseHeld(ReconcileError):
    exit_code = ExitCode.LEASE
    retryable = True


class GuardRefused(ReconcileError):
    exit_code = ExitCode.GUARD


class Interrupted(ReconcileError):
    exit_code = ExitCode.INTERRUPTED
    retryable = True
