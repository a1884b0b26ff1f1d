"""The JSON Schema of what `apply --format json`, `collect --format json` and `--report` give: the plan, and what became
of it. `reconcile schema --outcome` prints it.
"""

from __future__ import annotations

from reconciler.core.plan.model import Kind
from reconciler.core.run.outcome import Status
from reconciler.render.data.plan_schema import DEFS, ENDING, PLANNED, JsonSchema

_RESULT: JsonSchema = {
    "type": "object",
    "required": ["key", "action", "status"],
    "properties": {
        "key": {"type": "string"},
        "action": {"enum": [kind.value for kind in Kind], "description": "As in the plan."},
        "status": {
            "enum": [status.value for status in Status],
            "description": "`done`: the lockfile has what was asked for. `running`: the next run waits for it. "
            "`guarded`: held back. `not_started`: nothing was made.",
        },
        "engineId": {"type": "string", "description": "The new one, where there is one."},
        "previous": {"type": "string", "description": "The engine that it replaced."},
        "jobId": {"type": "string"},
        "operationId": {"type": "string"},
        "error": {"type": "string"},
        "hint": {"type": "string", "description": "What a person can do, often an exact command."},
        "file": {"type": "string", "description": "Relative to the project's root."},
        "summary": {
            "description": "What the platform says it made for the engine, e.g. `glossaryItems`.",
            "type": "object",
            "additionalProperties": {"type": "integer"},
        },
    },
    "additionalProperties": False,
}
_COUNTS = [*(status.value for status in Status), "unchanged"]
_REASONS: JsonSchema = {
    "halted": {"type": "string", "description": "Why no more create calls were made."},
    "haltedStatus": {"type": "integer", "description": "The HTTP status with which the platform said it."},
    "unwritten": {
        "type": "string",
        "description": "Why the lockfile could not be written; the journal has it all.",
    },
    "unpublished": {
        "type": "string",
        "description": "Why the lockfile is not on the branch although it should be.",
    },
    "pullRequest": {"type": "string", "description": "Address of the pull request that brings it there."},
    "outputsNotWritten": {"type": "array", "minItems": 1, "items": {"type": "string"}},
}
_OUTCOME: JsonSchema = {
    "type": "object",
    "required": ["results", "counts", "wrote", "published", "interrupted", "timedOut", "detached"],
    "properties": {
        "results": {"description": "Sorted by key; unchanged engines are only counted.", "type": "array"}
        | {"items": {"$ref": "#/$defs/result"}},
        "counts": {
            "type": "object",
            "required": _COUNTS,
            "properties": {name: {"$ref": "#/$defs/count"} for name in _COUNTS},
            "additionalProperties": False,
        },
        "wrote": {"type": "boolean", "description": "Whether the lockfile changed."},
        "published": {"type": "boolean", "description": "Whether it is on the branch of the remote."},
        "interrupted": {"type": "boolean"},
        "timedOut": {"type": "boolean"},
        "detached": {"type": "boolean", "description": "Jobs were not waited for, as asked."},
        **_REASONS,
    },
    "dependentRequired": {"haltedStatus": ["halted"]},
    "additionalProperties": False,
}


def outcome_schema() -> JsonSchema:
    """Draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "outcome.schema.json",
        "title": "Outcome of reconcile apply",
        "description": "What `reconcile apply --format json` and `reconcile collect --format json` print, and what "
        "`--report` writes: the plan, and what became of it. Where no plan could be made there "
        "is no outcome. Keys that "
        "have no value are left out; new keys may be added without a new schemaVersion.",
        "type": "object",
        "required": ["schemaVersion", "actions", "diagnostics", "summary", "exitCode"],
        "properties": {**PLANNED, "outcome": {"$ref": "#/$defs/outcome"}, **ENDING},
        "dependentRequired": {"digest": ["environment", "lockfile"], "outcome": ["digest"]},
        "anyOf": [
            {"required": ["outcome"]},
            {"required": ["error"]},
            {"properties": {"exitCode": {"const": 3}, "diagnostics": {"minItems": 1}}},
        ],
        "additionalProperties": False,
        "$defs": {**DEFS, "outcome": _OUTCOME, "result": _RESULT},
    }
