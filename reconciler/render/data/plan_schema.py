"""The JSON Schema of a plan: what `plan --format json` prints and `plan --out` writes.

The committed copy under `schemas/` is for those who read plans with programs; `reconcile schema --plan` prints it, and
`--check` compares the two.
"""

from __future__ import annotations

import json
from typing import Any

from reconciler.core.engine.spec import MAX_OUTPUTS
from reconciler.core.errors import ExitCode, Severity
from reconciler.core.plan.model import Condition, Kind, Origin

JsonSchema = dict[str, Any]


def plan_schema() -> JsonSchema:
    """Draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "plan.schema.json",
        "title": "Reconcile plan",
        "description": "What `reconcile plan --format json` prints and `reconcile plan --out` writes. Keys "
        "that have no "
        "value are left out; new keys may be added without a new schemaVersion.",
        "type": "object",
        "required": ["schemaVersion", "actions", "diagnostics", "summary", "exitCode"],
        "properties": {**PLANNED, "apply": _APPLY, **ENDING},
        "dependentRequired": {"digest": ["environment", "lockfile"]},
        "anyOf": [{"required": ["digest"]}, {"required": ["error"]}],
        "additionalProperties": False,
        "$defs": DEFS,
    }


def schema_text(schema: JsonSchema) -> str:
    """As it is committed under `schemas/`."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _ref(name: str) -> JsonSchema:
    return {"$ref": f"#/$defs/{name}"}


_PLACE: JsonSchema = {
    "file": {"type": "string", "description": "Relative to the project's root."},
    "pointer": {"type": "string", "description": "A JSON Pointer into JSON or YAML."},
    "key": {"type": "string", "description": "The variable in a .env file."},
}
_ONE_PLACE: list[JsonSchema] = [{"required": ["pointer"]}, {"required": ["key"]}]
PLANNED: JsonSchema = {
    "schemaVersion": {"const": 1},
    "environment": {"type": "string"},
    "digest": {
        "$ref": "#/$defs/digest",
        "description": "Of what the plan does and of the lockfile it was made from.",
    },
    "lockfile": {
        "type": "object",
        "required": ["path", "digest"],
        "properties": {
            "path": {"type": "string", "description": "Relative to the project's root."},
            "digest": {
                "type": "string",
                "description": "Of lockfile and journal as they were read; `absent` when there was none.",
            },
            "unwritten": {
                "type": "integer",
                "minimum": 1,
                "description": "Entries that only the journal knows of, because a run was cut off; apply "
                "writes them.",
            },
        },
        "additionalProperties": False,
    },
    "actions": {
        "description": "Sorted by key. Unchanged engines are only counted, in the summary.",
        "type": "array",
        "items": _ref("action"),
    },
    "diagnostics": {"type": "array", "items": _ref("diagnostic")},
    "summary": _ref("summary"),
    "outputs": {
        "description": "Places in other files that do not have the ID that belongs there; apply writes them.",
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "required": ["file", "engine", "engineId"],
            "properties": {
                **_PLACE,
                "engine": {"type": "string", "description": "The key of the engine."},
                "engineId": {"type": "string", "description": "The ID that serves, which belongs there."},
            },
            "oneOf": _ONE_PLACE,
            "additionalProperties": False,
        },
    },
    "outputsNotWritable": {
        "description": "Why other such places cannot be written, in sentences; apply ends with 1 for them.",
        "type": "array",
        "minItems": 1,
        "items": {"type": "string"},
    },
}
ENDING: JsonSchema = {
    "error": {
        "description": "Why there is no plan, or what failed besides it.",
        "type": "object",
        "required": ["message"],
        "properties": {"message": {"type": "string"}, "hint": {"type": "string"}},
        "additionalProperties": False,
    },
    "exitCode": {"enum": sorted(int(code) for code in ExitCode)},
}
_APPLY: JsonSchema = {
    "description": "In a plan file only (`reconcile plan --out FILE`): how `reconcile apply FILE` tells "
    "whether the plan still holds.",
    "type": "object",
    "required": ["version", "entries"],
    "properties": {
        "version": {"const": 1},
        "entries": {
            "description": "Digests of what the lockfile and the journal record, by key, for every engine of "
            "the plan.",
            "type": "object",
            "additionalProperties": _ref("digest"),
        },
        "retryFailed": {"const": True, "description": "The plan was made with --retry-failed."},
    },
    "additionalProperties": False,
}
_ACTION: JsonSchema = {
    "type": "object",
    "required": ["key", "action", "reason", "changes"],
    "properties": {
        "key": {
            "type": "string",
            "description": "The engine's name in the repository, e.g. `marketing/website`.",
        },
        "action": {"enum": [kind.value for kind in Kind]},
        "condition": {
            "enum": [one.value for one in Condition],
            "description": "Why an engine with action `none` is not simply unchanged.",
        },
        "origin": {
            "enum": [one.value for one in Origin],
            "description": "With --base: this branch asks for it, the base does already (merged, not applied "
            "yet), or another run is at it.",
        },
        "file": {
            "type": "string",
            "description": "Relative to the project's root; missing when the file is gone.",
        },
        "fromKey": {"type": "string", "description": "Of a move: the name until now."},
        "reason": {"type": "string"},
        "hint": {"type": "string", "description": "What a person can do, often an exact command."},
        "changes": {"type": "array", "items": _ref("change")},
        "engineId": {
            "type": "string",
            "description": "The engine the action is about: serving now (replace, retire, move, none), "
            "switched to (restore), waited for (resume), dropped (discard).",
        },
        "jobId": {"type": "string"},
        "operationId": {"type": "string"},
        "fingerprint": {"type": "string", "description": "Of the spec that is asked for."},
        "protect": {
            "const": True,
            "description": "The lockfile says from then on that the engine is protected.",
        },
        "outputs": {
            "description": "Where else the engine's ID is written, as the lockfile says from then on.",
            "type": "array",
            "maxItems": MAX_OUTPUTS,
            "items": {
                "type": "object",
                "required": ["file"],
                "properties": _PLACE,
                "oneOf": _ONE_PLACE,
                "additionalProperties": False,
            },
        },
        "guard": {
            "type": "string",
            "description": "Why the action is held back: it is not performed, and apply ends with 6.",
        },
    },
    "allOf": [
        {"if": {"properties": {"action": {"const": "move"}}}, "then": {"required": ["fromKey"]}},
        {"if": {"required": ["condition"]}, "then": {"properties": {"action": {"const": "none"}}}},
    ],
    "additionalProperties": False,
}
_CHANGE: JsonSchema = {
    "description": "One difference. One per locale tag, per link and per text; `old` or `new` is missing where "
    "there is nothing on that side.",
    "type": "object",
    "required": ["field"],
    "properties": {
        "field": {"enum": ["name", "description", "locales", "sources", "protect", "outputs"]},
        "old": {"type": "string"},
        "new": {"type": "string"},
        "content": {
            "description": "Instead of old and new: a text, by digest and length in characters.",
            "type": "object",
            "properties": {
                "file": {"type": "string"},
                "oldDigest": {"type": "string"},
                "oldChars": _ref("count"),
                "newDigest": {"type": "string"},
                "newChars": _ref("count"),
            },
            "anyOf": [{"required": ["oldDigest"]}, {"required": ["newDigest"]}],
            "additionalProperties": False,
        },
    },
    "oneOf": [
        {"required": ["content"], "not": {"anyOf": [{"required": ["old"]}, {"required": ["new"]}]}},
        {"not": {"required": ["content"]}, "anyOf": [{"required": ["old"]}, {"required": ["new"]}]},
    ],
    "additionalProperties": False,
}
_DIAGNOSTIC: JsonSchema = {
    "type": "object",
    "required": ["severity", "message"],
    "properties": {
        "severity": {"enum": [one.value for one in Severity]},
        "message": {"type": "string"},
        "file": {"type": "string"},
        "line": {"type": "integer", "minimum": 1},
        "col": {"type": "integer", "minimum": 1},
        "excerpt": {"type": "string", "description": "The offending line."},
        "hint": {"type": "string"},
        "key": {"type": "string"},
    },
    "additionalProperties": False,
}
_COUNTS = [
    *(kind.value for kind in Kind if kind is not Kind.NONE),
    "unchanged",
    "failed",
    "uncertain",
    "guarded",
]
_SUMMARY: JsonSchema = {
    "description": "How many engines each action is planned for, and how many provisioning jobs that issues.",
    "type": "object",
    "required": [*_COUNTS, "provisioningJobs"],
    "properties": {
        **{name: _ref("count") for name in (*_COUNTS, "provisioningJobs")},
        "guarded": {**_ref("count"), "description": "Held back; not counted under their action."},
    },
    "additionalProperties": False,
}
DEFS: JsonSchema = {
    "digest": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
    "count": {"type": "integer", "minimum": 0},
    "action": _ACTION,
    "change": _CHANGE,
    "diagnostic": _DIAGNOSTIC,
    "summary": _SUMMARY,
}
