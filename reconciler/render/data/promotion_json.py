"""What a promotion found out and wrote, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.core.errors import Diagnostic
from reconciler.core.plan.environments.promotion import Promoted
from reconciler.render.data.json_view import SCHEMA_VERSION, diagnostics_document, render_json


def promotion_json(
    found: Sequence[Promoted],
    diagnostics: Sequence[Diagnostic],
    *,
    source: str,
    target: str,
    dry_run: bool,
    following: Sequence[str],
    code: int,
) -> str:
    """One document. `following` are the commands that come next."""
    document = {
        "schemaVersion": SCHEMA_VERSION,
        "from": source,
        "to": target,
        "dryRun": dry_run,
        "engines": [_engine(one) for one in found],
        "diagnostics": diagnostics_document(diagnostics),
        "next": list(following),
        "exitCode": code,
    }
    return render_json(document)


def _engine(one: Promoted) -> dict[str, Any]:
    files = {} if one.edits is None else one.edits.files
    before = {} if one.edits is None else one.edits.before
    values: dict[str, Any] = {
        "key": one.key,
        "status": one.status,
        "fingerprint": one.fingerprint,
        "engineId": one.engine_id,
        "testedAt": one.provisioned_at,
        "fields": sorted({change.field for change in one.changes}) or None,
        "files": [{"path": path, "action": _action(before[path], files[path])} for path in files] or None,
        "notes": list(one.edits.notes) if one.edits is not None and one.edits.notes else None,
        "reason": one.refusal.reason if one.refusal is not None else None,
        "hint": one.refusal.hint if one.refusal is not None else None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _action(before: str | None, text: str | None) -> str:
    return "remove" if text is None else "create" if before is None else "change"
