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
from typing import Annotated, Any

from pydantic import Field, ValidationError

from reconciler.adapters.storage.durable_files import read_regular, replace_file
from reconciler.adapters.storage.plan_model import (
    ActionPart,
    ApplyPart,
    Digest,
    Line,
    LockfilePart,
    PlanDocument,
)
from reconciler.core.commands import FILE, reconcile
from reconciler.core.engine.spec import LifecycleOptions, Output
from reconciler.core.errors import InvalidInput, StorageError
from reconciler.core.plan.model import Action, Change, Plan
from reconciler.core.plan.saved import VERSION, SavedPlan, Split
from reconciler.core.strict_json import JsonRefused, read_json
from reconciler.core.values import shown

MAX_BYTES = 32 << 20
MAX_ACTIONS = 100_000


def _hint() -> str:
    return f"run `{reconcile('plan', ('--out', FILE))}` to write a plan file"


class _PlanFile(PlanDocument):
    """A plan as it must be to be applied."""

    environment: Line
    digest: Digest
    lockfile: LockfilePart
    actions: Annotated[list[ActionPart], Field(max_length=MAX_ACTIONS)]
    apply: ApplyPart


def write_plan_file(path: Path, document: Mapping[str, Any]) -> None:
    """Write a plan, as for reading and with what applying it needs. Raises `StorageError`."""
    if not os.path.isdir(path.parent):
        raise StorageError(f"cannot write {path}: no folder {path.parent}")
    content = json.dumps(document, indent=2, ensure_ascii=True) + "\n"
    replace_file(path, content.encode("ascii"), str(path))


def read_plan_file(path: Path) -> SavedPlan:
    """Raises `InvalidInput` with what is wrong with it, `StorageError` when it cannot be read."""
    content = _content(path)
    version = _version(content, path)
    if version != VERSION:
        raise InvalidInput(
            f"{path} is a plan file of version {shown(version)}, but this reconcile supports version {VERSION}",
            hint=_hint(),
        )
    try:
        read = _PlanFile.model_validate_json(content)
    except ValidationError as error:
        raise _broken(path, _first(error)) from error
    plan = Plan(
        read.environment,
        tuple(map(_action, read.actions)),
        lockfile=read.lockfile.path,
        lockfile_digest=read.lockfile.digest,
    )
    keys = [action.key for action in plan.actions]
    if len(set(keys)) < len(keys):
        raise _broken(path, "it lists an engine twice")
    if plan.digest != read.digest:
        raise _broken(path, "its digest does not match its actions: it was changed or damaged")
    apply = read.apply
    split = None if apply.split is None else Split(apply.split.shards, apply.split.run)
    asked = (apply.retryFailed, apply.refresh, apply.fixDrift)
    return SavedPlan(plan, apply.entries, *asked, split, check_sources=apply.checkSources)


def _action(read: ActionPart) -> Action:
    outputs = tuple(Output(one.file, one.pointer, one.key) for one in read.outputs)
    return Action(
        read.key,
        read.action,
        read.reason,
        file=read.file,
        engine_id=read.engineId,
        job_id=read.jobId,
        operation_id=read.operationId,
        fingerprint=read.fingerprint,
        from_key=read.fromKey,
        condition=read.condition,
        kept=LifecycleOptions(read.protect, outputs),
        guard=read.guard,
        drift=tuple(Change(one.field, one.recorded, one.platform) for one in read.drift),
        instead_of=read.insteadOf,
        because=read.because,
    )


def _content(path: Path) -> bytes:
    try:
        size = os.stat(path).st_size
    except FileNotFoundError as error:
        hint = f"{_hint()}; choose engines with `--only KEY`"
        raise InvalidInput(f"no plan file {path}", hint=hint) from error
    except (OSError, ValueError) as error:
        raise StorageError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if size > MAX_BYTES:
        raise _broken(path, f"it is larger than {MAX_BYTES >> 20} MiB")
    content = read_regular(path, str(path))
    if content is None:
        raise InvalidInput(f"no plan file {path}", hint=_hint())
    return content


def _version(content: bytes, path: Path) -> object:
    """The version it says it has. Told apart first, so that a later one is refused in words."""
    try:
        document = read_json(content)
    except JsonRefused as refused:
        raise _broken(path, refused.reason) from refused
    if not isinstance(document, dict):
        raise _broken(path, "it is not a JSON object")
    if "error" in document:
        raise _broken(path, "it records that no plan could be made")
    if not isinstance(document.get("apply"), dict):
        raise _broken(path, "it is the output of --format json, not a plan file")
    return document["apply"].get("version")


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, with its place and without what stands there."""
    found = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in found["loc"]) or "the document"
    return f"{place[:200]}: {found['msg']}"


def _broken(path: Path, what: str) -> InvalidInput:
    return InvalidInput(f"{path} cannot be applied: {what}", hint=_hint())
