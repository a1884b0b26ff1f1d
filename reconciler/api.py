"""The Python API: open a project, plan it, validate it, and read engine IDs from its lockfile (docs/python-api.md).

Everything here is stable by semantic versioning (docs/versions.md); nothing else in this package is. What fails raises
from the tree of `ReconcileError`. Nothing prints, ends the process, or reads an environment variable that was not
passed in; every call stands alone, so projects, threads and asynchronous tasks do not disturb one another.

Importing this module costs little: each call imports what it needs. Reading a lockfile needs no more than json.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.core.commands import Invocation, commands_for, reconcile
from reconciler.core.errors import (
    Diagnostic,
    ExitCode,
    GitError,
    GuardRefused,
    InvalidInput,
    JournalError,
    LockfileError,
    NotServing,
    ReconcileError,
    Severity,
    StorageError,
    UsageError,
)
from reconciler.core.frozen import dataclass

if TYPE_CHECKING:
    from reconciler.core.lockfile.model import Lockfile as _Entries
    from reconciler.core.plan import model as _plan
    from reconciler.project.opened import Project as _Opened

__all__ = [
    "Action", "Change", "Diagnostic", "Engine", "ExitCode", "GitError", "GuardRefused", "InvalidInput", "JournalError",
    "Lockfile", "LockfileError", "NotServing", "Plan", "Project", "ReconcileError", "Severity", "StorageError",
    "UsageError", "Validation", "open_project",
]  # fmt: skip

_Path = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine in the lockfile. `engine_id` is what applications use now: None until its first job has completed.

    `status` is `serving`, `in_progress`, `failed`, `uncertain` or `unused`, as `reconcile get KEY --field status` says.
    An engine that is being replaced has a status of `in_progress` and its old ID. `provisioned_at` is UTC, such as
    `2026-11-24T11:08:13Z`.
    """

    key: str
    status: str
    engine_id: str | None = None
    job_id: str | None = None
    provisioned_at: str | None = None


class Lockfile:
    """What is recorded as provisioned. Iterating gives the keys in order; `key in lockfile` and `len` work."""

    __slots__ = ("_entries", "_invocation")

    def __init__(self, _entries: _Entries, _invocation: Invocation) -> None:
        self._entries = _entries
        self._invocation = _invocation

    @classmethod
    def load(cls, path: _Path) -> Lockfile:
        """The lockfile at `path`, which must exist. Raises `LockfileError` or `StorageError`."""
        from reconciler.adapters.project.settings import find_root
        from reconciler.adapters.storage.lockfile_store import LockfileFile

        file = _absolute(path)
        root = find_root(file.parent)
        name = os.path.relpath(file, root).replace(os.sep, "/")
        invocation = _invocation(root, root, "", "", name)

        def missing() -> None:
            raise LockfileError(f"{path} does not exist", hint=f"run `{reconcile('apply')}` to create it")

        with commands_for(invocation):
            return cls(LockfileFile(root, name, missing).read()[0], invocation)

    @classmethod
    def parse(
        cls, content: bytes | bytearray | memoryview | str, name: str = "engines.lock.json"
    ) -> Lockfile:
        """The lockfile in `content`, such as from `git show`; errors call it `name`. Raises `LockfileError`."""
        from reconciler.core.lockfile.model import parse

        if isinstance(content, str):
            content = content.encode("utf-8", "surrogatepass")
        elif not isinstance(content, bytes):
            content = bytes(memoryview(content))
        return cls(parse(content, name), Invocation())

    def engine_id(self, key: str) -> str:
        """The engine ID that applications use now. Raises `NotServing` where there is none, and says why."""
        from reconciler.core.lockfile.engine_ids import field_of

        with commands_for(self._invocation):
            return field_of(self._entries, _text(key, "a key"), "engineId")

    def engine_ids(self) -> dict[str, str]:
        """The IDs of all engines that serve, by key. Raises `LockfileError` for a broken entry."""
        from reconciler.core.lockfile.engine_ids import serving

        with commands_for(self._invocation):
            return serving(self._entries, lambda key: True)[0]

    def engine(self, key: str) -> Engine | None:
        """What is recorded of an engine; None if there is none. Raises `LockfileError` for a broken entry."""
        from reconciler.core.lockfile.engine_ids import status_of

        with commands_for(self._invocation):
            entry = self._entries.entry(_text(key, "a key"))
        if entry is None:
            return None
        now = entry.current
        if now is None:
            return Engine(key, status_of(entry))
        return Engine(key, status_of(entry), now.engine_id, now.job_id, now.provisioned_at)

    def __contains__(self, key: object) -> bool:
        return key in self._entries.engines

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries.engines))

    def __len__(self) -> int:
        return len(self._entries.engines)

    def __repr__(self) -> str:
        return f"<Lockfile of {len(self)} engines>"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference of an engine. `field` is `name`, `description`, `locales`, `sources`, `protect` or `outputs`.

    A side that is None has nothing. For the text of a source, `content` is true, and `old` and `new` are its digests.
    """

    field: str
    old: str | None = None
    new: str | None = None
    content: bool = False
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """What an apply would do about one engine, and why: the fields that `reconcile plan --format json` has.

    `kind` is `create`, `replace`, `resume`, `restore`, `discard`, `move`, `retire`, `record`, or `none` for an engine
    with something to say about it; a minor version may add to these. `guard` says why it is held back.
    """

    key: str
    kind: str
    reason: str
    file: str | None = None
    from_key: str | None = None
    engine_id: str | None = None
    job_id: str | None = None
    condition: str | None = None
    guard: str | None = None
    hint: str | None = None
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What an apply would do. With an error among `diagnostics` it is `invalid`, and has no actions."""

    environment: str
    digest: str
    actions: tuple[Action, ...]
    unchanged: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]
    changes_anything: bool
    invalid: bool
    exit_code: ExitCode  # of `reconcile plan --detailed-exitcode`
    _plan: _plan.Plan

    def to_dict(self) -> dict[str, Any]:
        """What `reconcile plan --detailed-exitcode --format json` prints (schemas/plan.schema.json)."""
        from reconciler.render.data.json_view import plan_document

        return {**plan_document(self._plan), "exitCode": int(self.exit_code)}


@dataclass(frozen=True, slots=True)
class Validation:
    """The keys of all valid engine files, and what is wrong or doubtful with the rest."""

    valid: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings may remain."""
        return not any(one.severity is Severity.ERROR for one in self.diagnostics)


class Project:
    """An open project. Settings were read when it was opened; engine files, lockfile and journal are read by each call,
    which may run in any thread.
    """

    __slots__ = ("_invocation", "_opened")

    def __init__(self, _opened: _Opened, _invocation: Invocation) -> None:
        self._opened = _opened
        self._invocation = _invocation

    @property
    def root(self) -> Path:
        """The project's folder, absolute."""
        return self._opened.root

    @property
    def environment(self) -> str:
        return self._opened.settings.environment

    @property
    def lockfile_path(self) -> Path:
        """Where the lockfile is, or will be."""
        return self._opened.root / self._opened.settings.lockfile

    def plan(self, *, only: _Path | Iterable[_Path] = (), retry_failed: bool = False) -> Plan:
        """What applying would do; needs no key and no network, and writes nothing. `only` has keys, globs
        of them, or paths of engine files.

        Invalid engine files are in the plan. Raises `InvalidInput` where there are none, `LockfileError`,
        `JournalError`, `StorageError`, and `UsageError` for something in `only` without a match.
        """
        from reconciler.core.errors import Diagnostic
        from reconciler.core.frozen import replace
        from reconciler.core.plan.model import exit_code_of
        from reconciler.project.planner import request_of
        from reconciler.project.plans import plan_alone, with_hand_edits

        warnings: list[Diagnostic] = []

        def warn(text: str) -> None:
            warnings.append(Diagnostic(text, severity=Severity.WARNING))

        asked = {
            "only": self._keys(only),
            "retry_failed": retry_failed,
            "allow_replace": (),
            "allow_retire": (),
        }
        with self._call():
            around = replace(self._opened.surroundings, warn=warn)
            project = replace(self._opened, surroundings=around)
            planned = with_hand_edits(project, plan_alone(project, request_of(project, asked)))
            plan = replace(planned.plan, diagnostics=(*planned.plan.diagnostics, *warnings))
            return _plan_of(plan, exit_code_of(plan, detailed=True))

    def validate(self) -> Validation:
        """Every engine file, checked. Raises `InvalidInput` where there are none, and `StorageError`."""
        from reconciler.app.planning import validate_engines

        with self._call():
            read, findings = validate_engines(self._opened.engines, None, self._opened.checkout)
            return Validation(tuple(sorted(read)), tuple(findings))

    def lockfile(self) -> Lockfile:
        """What is recorded: the lockfile, and what the journal knows of a run that was cut off, as for `reconcile get`.

        Raises `LockfileError`, `JournalError`, `StorageError`.
        """
        from reconciler.app.recorded import read_lockfile

        with self._call():
            entries = read_lockfile(self._opened.lockfile, self._opened.known_journal)
            return Lockfile(entries, self._invocation)

    def _keys(self, only: _Path | Iterable[_Path]) -> tuple[str, ...]:
        from unicodedata import normalize

        from reconciler.adapters.project.engine_paths import key_of

        several = [only] if isinstance(only, (str, os.PathLike)) else only
        words = [normalize("NFC", os.fsdecode(one)) for one in several]
        root, bases = str(self.root), (self._invocation.directory, str(self.root))
        return tuple(key_of(word, bases, root, self._opened.settings.engines) for word in words)

    def _call(self) -> AbstractContextManager[None]:
        return commands_for(self._invocation)

    def __repr__(self) -> str:
        return f"<Project {str(self.root)!r}, environment {self.environment!r}>"


def open_project(
    folder: _Path = ".",
    *,
    environment: str | None = None,
    config: _Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> Project:
    """The project in `folder`, or around it: the nearest one with settings, a lockfile or `engines/`.

    `environment` and `config` are as `--env` and `--config`; a relative `config` counts from `folder`. `variables` are
    what the command takes from the environment: `RECONCILE_…`, `LINGO_API_URL`, and `LINGO_API_KEY` (or what
    `api_key_env` names), with which the records of other runs that were fetched are verified. None are taken by
    default; pass `os.environ` for all.

    Raises `InvalidInput` for settings that are not valid, `UsageError` for a folder or an environment that is not
    there, `StorageError`.
    """
    from reconciler.adapters.project.settings import find_root
    from reconciler.core.frozen import replace
    from reconciler.core.settings.model import SETTINGS
    from reconciler.project.opened import Surroundings
    from reconciler.project.opening import project_of, settings_of

    start = _absolute(folder)
    if not os.path.isdir(start):
        raise UsageError(f"{start}: no such folder")
    given = {name: _text(value, f"the variable {name}") for name, value in dict(variables or {}).items()}
    root, file = find_root(start), None if config is None else os.fsdecode(config)
    _absolute(start / (file or ""))
    invocation = _invocation(start, root, file or "", environment or "", "engines.lock.json")

    with commands_for(invocation):
        settings = settings_of(root, start, file, {"environment": environment}, given)
        if settings.source_of["environment"] == SETTINGS["environment"].variable:
            invocation = replace(invocation, environment=settings.environment)
        variable = settings.api_key_env
        invocation = replace(invocation, lockfile=settings.lockfile, key_variable=variable)
        with commands_for(invocation):
            surroundings = Surroundings(lambda: given.get(variable, "").strip() or None)
            return Project(project_of(root, start, file, settings, surroundings), invocation)


def _invocation(start: Path, root: Path, config: str, environment: str, lockfile: str) -> Invocation:
    """Commands in hints name every folder in full: they may be read anywhere."""
    at = str(root)
    return Invocation(str(start), config, environment, git=at, here=at, root=at, lockfile=lockfile)


def _absolute(path: _Path) -> Path:
    try:
        absolute = os.path.abspath(os.fsdecode(path))
    except OSError as error:
        raise StorageError(f"there is no current folder for {path!r}: {error.strerror}") from error
    if "\0" in absolute:
        raise UsageError(f"{absolute!r} is not a path")
    return Path(absolute)


def _text(value: object, what: str) -> str:
    """Raises `TypeError` here, and not deep inside."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a str, not {type(value).__name__}")
    return value


def _plan_of(plan: _plan.Plan, code: ExitCode) -> Plan:
    return Plan(
        plan.environment,
        plan.digest,
        tuple(map(_action_of, plan.actions)),
        plan.unchanged,
        plan.diagnostics,
        plan.changes_anything or bool(plan.outputs),
        plan.invalid,
        code,
        plan,
    )


def _action_of(action: _plan.Action) -> Action:
    return Action(
        action.key,
        action.kind.value,
        action.reason,
        action.file,
        action.from_key,
        action.engine_id,
        action.job_id,
        None if action.condition is None else action.condition.value,
        action.guard,
        action.hint,
        tuple(Change(one.field, one.old, one.new, one.content, one.file) for one in action.changes),
    )
