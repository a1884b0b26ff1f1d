"""Plan files: `plan --out` writes one, `apply PLAN` reads it.

Such a file may come out of an artifact that anybody could have put together. So it is read as foreign data: a regular
file of limited size, checked against a strict model, and its digest computed again from what was read. What it says is
used to choose among the actions of a plan that is made anew, and for nothing else. Imported for saved plans only,
since pydantic takes long to load.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from reconciler.adapters.storage.durable_files import read_regular, replace_file
from reconciler.core.engine.spec import MAX_OUTPUTS, LifecycleOptions, Output
from reconciler.core.errors import InvalidInput, StorageError
from reconciler.core.plan.model import Action, Condition, Kind, Plan
from reconciler.core.plan.saved import VERSION, SavedPlan

MAX_BYTES = 32 << 20
MAX_ACTIONS = 100_000

_HINT = "write a plan file with: reconcile plan --out FILE"
_Name = Annotated[str, StringConstraints(min_length=1, max_length=4_096)]
_Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class _View(_Part):
    """What is for reading may have more keys in a later version; they mean nothing for applying."""

    model_config = ConfigDict(extra="ignore")


class _OutputPart(_Part):
    file: _Name
    pointer: _Name | None = None
    key: _Name | None = None


class _ActionPart(_View):
    key: _Name
    action: Kind
    condition: Condition | None = None
    file: _Name | None = None
    fromKey: _Name | None = None
    reason: str
    changes: list[dict[str, Any]]
    engineId: _Name | None = None
    jobId: _Name | None = None
    operationId: _Name | None = None
    fingerprint: _Name | None = None
    protect: bool = False
    outputs: Annotated[list[_OutputPart], Field(max_length=MAX_OUTPUTS)] = []
    guard: _Name | None = None

    def read(self) -> Action:
        outputs = tuple(Output(one.file, one.pointer, one.key) for one in self.outputs)
        return Action(
            self.key,
            self.action,
            self.reason,
            file=self.file,
            engine_id=self.engineId,
            job_id=self.jobId,
            operation_id=self.operationId,
            fingerprint=self.fingerprint,
            from_key=self.fromKey,
            condition=self.condition,
            kept=LifecycleOptions(self.protect, outputs),
            guard=self.guard,
        )


class _LockfilePart(_View):
    path: _Name
    digest: _Digest | Literal["absent"]


class _ApplyPart(_Part):
    version: Literal[1]
    entries: dict[_Name, _Digest]
    retryFailed: bool = False


class _PlanFile(_View):
    schemaVersion: Literal[1]
    environment: _Name
    digest: _Digest
    lockfile: _LockfilePart
    actions: Annotated[list[_ActionPart], Field(max_length=MAX_ACTIONS)]
    apply: _ApplyPart


def write_plan_file(path: Path, document: Mapping[str, Any]) -> None:
    """Write a plan, as for reading and with what applying it needs. Raises `StorageError`."""
    if not os.path.isdir(path.parent):
        raise StorageError(f"cannot write {path}: there is no folder {path.parent}")
    content = json.dumps(document, indent=2, ensure_ascii=True) + "\n"
    replace_file(path, content.encode("ascii"), str(path))


def read_plan_file(path: Path) -> SavedPlan:
    """Raises `InvalidInput` with what is wrong with it, `StorageError` when it cannot be read."""
    content = _content(path)
    version = _version(content, path)
    if version != VERSION:
        raise InvalidInput(
            f"{path} is a plan file of version {version}, and this reconcile knows version {VERSION}",
            hint=_HINT,
        )
    try:
        read = _PlanFile.model_validate_json(content)
    except ValidationError as error:
        raise _broken(path, _first(error)) from error
    plan = Plan(
        read.environment,
        tuple(action.read() for action in read.actions),
        lockfile=read.lockfile.path,
        lockfile_digest=read.lockfile.digest,
    )
    keys = [action.key for action in plan.actions]
    if len(set(keys)) < len(keys):
        raise _broken(path, "an engine is in it twice")
    if plan.digest != read.digest:
        raise _broken(path, "its digest is not that of its actions: it was changed or damaged")
    return SavedPlan(plan, read.apply.entries, read.apply.retryFailed)


def _content(path: Path) -> bytes:
    try:
        size = os.stat(path).st_size
    except FileNotFoundError as error:
        hint = f"{_HINT}; engines are chosen with --only KEY"
        raise InvalidInput(f"there is no plan file {path}", hint=hint) from error
    except (OSError, ValueError) as error:
        raise StorageError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if size > MAX_BYTES:
        raise _broken(path, f"it is larger than {MAX_BYTES >> 20} MiB")
    content = read_regular(path, str(path))
    if content is None:
        raise InvalidInput(f"there is no plan file {path}", hint=_HINT)
    return content


def _version(content: bytes, path: Path) -> object:
    """The version it says it has. Told apart first, so that a later one is refused in words."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _broken(path, "it is not JSON") from error
    if not isinstance(document, dict):
        raise _broken(path, "it is not a JSON object")
    if "error" in document:
        raise _broken(path, "it says that no plan could be made")
    if not isinstance(document.get("apply"), dict):
        raise _broken(path, "it is a plan for reading (--format json), not one to apply")
    return document["apply"].get("version")


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, with its place and without what stands there."""
    found = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in found["loc"]) or "the document"
    return f"{place[:200]}: {found['msg']}"


def _broken(path: Path, what: str) -> InvalidInput:
    return InvalidInput(f"{path} cannot be applied: {what}", hint=_HINT)
