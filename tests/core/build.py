"""Short ways to make the core's values in tests. Names tell the story: engine `eng_x` belongs to operation `op_x`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.engine.spec import Desired, Source, Spec, record_of
from reconciler.core.ledger.journal import Acceptance, Begin, End, Record
from reconciler.core.lockfile.entry import (
    FAILED,
    IN_PROGRESS,
    UNCERTAIN,
    Entry,
    Pending,
    Provisioned,
    Retired,
    Superseded,
)
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.plan.diff import PlanInput, actions_for
from reconciler.core.plan.model import Action, Plan

T0 = "2026-11-24T11:00:00Z"

A = Spec("Acme", "Production", ("de", "fr"), (Source("link", "https://acme.com"),))
B = Spec("Acme", "Production", ("de", "fr", "ja"), (Source("link", "https://acme.com"),))
C = Spec("Acme", "Production", ("es",), (Source("content", "Formal tone.\n"),))


def at(second: int, milli: int = 0) -> str:
    """A time of day as the journal writes it."""
    return f"2026-11-24T11:{second // 60:02}:{second % 60:02}.{milli:03}Z"


def wanted(key: str, spec: Spec, blob: str = "b10b" * 10) -> Desired:
    path = f"engines/{key}.yaml"
    return Desired(key, path, spec, fingerprint(spec), {path: blob})


def current(name: str, spec: Spec, **more: Any) -> Provisioned:
    made = Provisioned(
        engine_id=f"eng_{name}",
        fingerprint=fingerprint(spec),
        spec=record_of(spec),
        job_id=f"pjb_{name}",
        operation_id=f"op_{name}",
        provisioned_at=T0,
    )
    return replace(made, **more)


def pending(name: str, spec: Spec, status: str = IN_PROGRESS, **more: Any) -> Pending:
    made = Pending(
        status=status,
        operation_id=f"op_{name}",
        fingerprint=fingerprint(spec),
        spec=record_of(spec),
        engine_id=f"eng_{name}",
        job_id=f"pjb_{name}",
        submitted_at=T0,
        error=None if status == IN_PROGRESS else "it went wrong",
    )
    return replace(made, **more)


def failed(name: str, spec: Spec, **more: Any) -> Pending:
    return pending(name, spec, FAILED, **more)


def refused(name: str, spec: Spec) -> Pending:
    """An operation whose spec the platform refused: no engine was made."""
    return pending(name, spec, FAILED, engine_id=None, job_id=None)


def uncertain(name: str, spec: Spec) -> Pending:
    return pending(name, spec, UNCERTAIN, engine_id=None, job_id=None)


def superseded(name: str, spec: Spec, status: str | None = None, **more: Any) -> Superseded:
    made = Superseded(
        engine_id=f"eng_{name}",
        fingerprint=fingerprint(spec),
        spec=record_of(spec),
        replaced_at=T0,
        job_id=f"pjb_{name}",
        operation_id=f"op_{name}",
        status=status,
    )
    return replace(made, **more)


def entry(
    current: Provisioned | None = None, pending: Pending | None = None, *superseded: Superseded
) -> Entry:
    return Entry(current, pending, superseded)


def lockfile(entries: Mapping[str, Entry], **retired: Entry) -> Lockfile:
    lock = EMPTY.with_entries(entries)
    for key, one in retired.items():
        lock = lock.with_retired(key, (Retired(one, T0),))
    return lock


def begin(name: str, spec: Spec, second: int, key: str = "acme") -> Record:
    path = f"engines/{key}.yaml"
    return Begin(f"op_{name}", key, fingerprint(spec), record_of(spec), {path: "b10b" * 10}, at(second))


def accepted(name: str, second: int) -> Record:
    return Acceptance(f"op_{name}", f"pjb_{name}", f"eng_{name}", at(second))


def ended(name: str, second: int, result: str = "completed", error: str | None = None) -> Record:
    return End(f"op_{name}", result, at(second), error)


def plan_of(
    lock: Lockfile,
    files: Mapping[str, Spec],
    *,
    only: tuple[str, ...] | None = None,
    retry_failed: bool = False,
    gone: Collection[str] = (),
    alive: Collection[str] = (),
) -> tuple[Action, ...]:
    """The actions when exactly these files exist and all of them were read."""
    desired = {key: wanted(key, spec) for key, spec in files.items()}
    selected = (lambda key: True) if only is None else only.__contains__
    return actions_for(PlanInput(lock, desired, desired.keys(), selected, retry_failed, gone, alive))


def planned(lock: Lockfile, files: Mapping[str, Spec], **how: Any) -> Plan:
    return Plan("production", plan_of(lock, files, **how))
