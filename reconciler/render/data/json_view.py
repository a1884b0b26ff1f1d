"""The plan for programs: one JSON document, whatever happens, described by `schemas/plan.schema.json`.

Texts of sources are not in it, only their digests and lengths: a plan is passed around, logged and kept,
and the texts are in the repository. Everything outside ASCII is escaped, so no encoding and no terminal can
be hurt by it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.core.engine.spec import SpecRecord, record_of, sources_of
from reconciler.core.errors import Diagnostic
from reconciler.core.lockfile.lifecycle_options import lifecycle_document
from reconciler.core.patterns import lazy_pattern
from reconciler.core.plan.model import Action, Change, Kind, Plan
from reconciler.render.phrases.words import jobs

SCHEMA_VERSION = 1
_MANY = 200  # actions, findings or the like; below that, importing msgspec costs more than it saves
_BEYOND_ASCII = lazy_pattern(r"[^\x00-\x7f]+")


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as plain values, without an exit code. Keys that have no value are left out."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "environment": plan.environment,
        "digest": plan.digest,
        "lockfile": _known(path=plan.lockfile, digest=plan.lockfile_digest, unwritten=plan.unwritten or None),
        "actions": [action_document(action) for action in plan.actions],
        "diagnostics": diagnostics_document(plan.diagnostics),
        "summary": {**plan.summary(), "provisioningJobs": jobs(plan)},
        **_outputs(plan),
        **_sources(plan),
    }


def _sources(plan: Plan) -> dict[str, Any]:
    if not plan.sources:
        return {}
    from reconciler.render.phrases.sources import sources_documents

    return {"sources": sources_documents(plan.sources)}


def _outputs(plan: Plan) -> dict[str, Any]:
    if not plan.outputs and not plan.outputs_failed:
        return {}
    from reconciler.render.phrases.outputs import outputs_documents

    return _known(
        outputs=outputs_documents(plan) or None, outputsNotWritable=list(plan.outputs_failed) or None
    )


def render_plan_json(plan: Plan, *, exit_code: int, error: Mapping[str, Any] | None = None) -> str:
    """The plan as JSON text; `error` is `{"message", "hint"?}` when something failed. No final newline."""
    document = plan_document(plan)
    if error is not None:
        document["error"] = dict(error)
    return render_json({**document, "exitCode": int(exit_code)})


def render_error_json(
    message: str,
    hint: str | None = None,
    diagnostics: Iterable[Diagnostic] = (),
    exit_code: int = 1,
    *,
    environment: str | None = None,
) -> str:
    """The same shape when no plan could be made: no actions, all counts zero, and the error."""
    summary = {**Plan("").summary(), "provisioningJobs": 0}
    document = {
        "schemaVersion": SCHEMA_VERSION,
        "environment": environment,
        "actions": [],
        "diagnostics": diagnostics_document(diagnostics),
        "summary": summary,
        "error": _known(message=message, hint=hint),
        "exitCode": int(exit_code),
    }
    return render_json(_known(**document))


def action_document(action: Action) -> dict[str, Any]:
    """One action. `key`, `action`, `reason` and `changes` are always there; all of a new engine is a change."""
    changes = [change_document(change) for change in action.changes]
    if action.kind is Kind.CREATE and not changes and action.spec is not None:
        changes = _all_of(record_of(action.spec))
    kept = {} if action.kept is None else lifecycle_document(action.kept)
    return _known(
        key=action.key,
        action=action.kind.value,
        condition=action.condition.value if action.condition is not None else None,
        origin=action.origin.value if action.origin is not None else None,
        file=action.file,
        fromKey=action.from_key,
        reason=action.reason,
        hint=action.hint,
        changes=changes,
        drift=drift_documents(action.drift) or None,
        engineId=action.engine_id,
        jobId=action.job_id,
        operationId=action.operation_id,
        fingerprint=action.fingerprint,
        insteadOf=action.instead_of,
        because=action.because,
        guard=action.guard,
        **kept,
    )


def drift_documents(drift: Iterable[Change]) -> list[dict[str, Any]]:
    """What the lockfile has of an engine, against what the platform has."""
    return [_known(field=one.field, recorded=one.old, platform=one.new) for one in drift]


def _all_of(record: SpecRecord) -> list[dict[str, Any]]:
    """`change_document` of every change from nothing, without making the changes: a new project has a hundred thousand
    of them.
    """
    documents: list[dict[str, Any]] = [
        {"field": name, "new": record[name]} for name in ("name", "description") if name in record
    ]
    documents += [{"field": "locales", "new": tag} for tag in record.get("locales", ())]
    sources = sources_of(record)
    documents += [{"field": "sources", "new": one["payload"]} for one in sources if one["type"] == "link"]
    for one in sources:
        if one["type"] == "content":
            content = _known(file=one.get("file"), newDigest=one["digest"], newChars=one["chars"])
            documents.append({"field": "sources", "content": content})
    return documents


def change_document(change: Change) -> dict[str, Any]:
    """One difference: `old` and `new` for values, `content` for texts."""
    if not change.content:
        return _known(field=change.field, old=change.old, new=change.new)
    content = _known(
        file=change.file,
        oldDigest=change.old,
        oldChars=change.old_chars,
        newDigest=change.new,
        newChars=change.new_chars,
    )
    return {"field": change.field, "content": content}


def diagnostics_document(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    return [
        _known(
            severity=one.severity,
            message=one.message,
            file=one.file,
            line=one.line,
            col=one.col,
            excerpt=None if one.excerpt is None else one.excerpt.text,
            hint=one.hint,
            key=one.key,
        )
        for one in diagnostics
    ]


def render_json(document: Mapping[str, Any]) -> str:
    """JSON in pure ASCII, indented by two. A lone DEL is the one control character that JSON lets through."""
    items = sum(len(value) for value in document.values() if isinstance(value, (list, tuple)))
    text = _encoded_fast(document) if items >= _MANY else None
    if text is None:
        text = json.dumps(document, indent=2, ensure_ascii=True)
    return text.replace("\x7f", "\\u007f")


def _encoded_fast(document: Mapping[str, Any]) -> str | None:
    """The same JSON, for which json runs Python for every value; None without msgspec, and for what it refuses, such as
    half a surrogate pair. No document has fractions, which it would write in another way.
    """
    try:
        from msgspec import MsgspecError
        from msgspec.json import encode
        from msgspec.json import format as laid_out
    except ImportError:
        return None
    try:
        text = laid_out(encode(document), indent=2).decode()
    except (MsgspecError, TypeError, ValueError, OverflowError):
        return None
    return text if text.isascii() else _BEYOND_ASCII.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


def _known(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
