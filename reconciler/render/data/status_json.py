"""`reconcile status` for programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reconciler.core.duration import seconds_between
from reconciler.core.lockfile.entry import FAILED, IN_PROGRESS, UNCERTAIN, Pending
from reconciler.core.lockfile.model import Lockfile
from reconciler.render.data.json_view import (
    SCHEMA_VERSION,
    diagnostics_document,
    drift_documents,
    render_json,
)
from reconciler.render.phrases.status_rows import (
    DRIFTED,
    GONE,
    PROTECTED,
    SERVING,
    Row,
    engine_rows,
    retired_rows,
    tally,
)

if TYPE_CHECKING:  # only with --refresh
    from reconciler.core.plan.drift import Actual


def render_status_json(
    lockfile: Lockfile,
    *,
    now: str,
    keys: Callable[[str], bool] | None = None,
    actual: Actual | None = None,
) -> str:
    """The same for programs, retired engines included. No final newline. Raises `LockfileError`.

    `engineId` is the engine that serves, and is missing as long as none does. With `actual`, what the platform has, it
    says which are gone or drifted, and what could not be found out.
    """
    rows, gone = engine_rows(lockfile, keys, actual), retired_rows(lockfile, keys)
    counts = tally(rows)
    document: dict[str, Any] = {
        "schemaVersion": SCHEMA_VERSION,
        "engines": [_document(row, now) for row in rows],
        "retired": [_document(row, now) for row in gone],
        "summary": {
            "engines": counts["engines"],
            "serving": counts[SERVING],
            "inProgress": counts[IN_PROGRESS],
            "failed": counts[FAILED],
            "uncertain": counts[UNCERTAIN],
            "protected": counts[PROTECTED],
            "retired": len(gone),
        },
    }
    if actual is not None:
        document["summary"] |= {GONE: counts[GONE], DRIFTED: counts[DRIFTED]}
        document["diagnostics"] = diagnostics_document(actual.findings)
    return render_json(document)


def _document(row: Row, now: str) -> dict[str, Any]:
    current, pending = row.entry.current, row.entry.pending
    return _known(
        key=row.key,
        name=row.spec.get("name"),
        status="retired" if row.retired_at else row.status,
        engineId=current.engine_id if current is not None else None,
        jobId=current.job_id if current is not None else None,
        provisionedAt=current.provisioned_at if current is not None else None,
        retiredAt=row.retired_at,
        locales=list(row.spec.get("locales", ())),
        pending=_pending_document(pending, now) if pending is not None else None,
        uncertain=[_pending_document(one, now) for one in row.entry.uncertain] or None,
        hint=row.drift_hint or row.hint,
        gone=True if row.gone else None,
        drift=drift_documents(row.drift) or None,
        protected=True if row.protected else None,
        superseded=len(row.entry.superseded),
    )


def _pending_document(pending: Pending, now: str) -> dict[str, Any]:
    seconds = seconds_between(pending.submitted_at, now)
    return _known(
        status=pending.status,
        operationId=pending.operation_id,
        jobId=pending.job_id,
        engineId=pending.engine_id,
        submittedAt=pending.submitted_at,
        ageSeconds=int(seconds) if seconds is not None else None,
        error=pending.error,
    )


def _known(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
