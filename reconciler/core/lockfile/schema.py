"""The JSON Schema of the lockfile, made from the same tables that read it.

For programs that read the file. Everything that the command takes is valid under it; the command is stricter in a few
places that a pattern cannot express, such as the days of a month.
"""

from __future__ import annotations

import json
from typing import Any

from reconciler.core.engine.record import LONGEST_NAME
from reconciler.core.engine.spec import MAX_OUTPUTS, MAX_SOURCES
from reconciler.core.lockfile.entry import UNCERTAIN, Hold, Pending, Provisioned, Superseded
from reconciler.core.lockfile.entry_format import ATTRIBUTES, KINDS, REQUIRED, STATUSES
from reconciler.core.lockfile.model import VERSION
from reconciler.core.values import (
    COUNTED,
    DIGEST,
    FINGERPRINT,
    ID,
    LOCALE,
    MAX_KEY,
    MAX_LINE,
    MAX_PLACE,
    MAX_URL,
    OBJECT_ID,
    POINTER,
    TIME,
    VARIABLE,
    Kind,
)

JsonSchema = dict[str, Any]

_PLAIN = (
    COUNTED,
    DIGEST,
    FINGERPRINT,
    ID,
    LOCALE,
    OBJECT_ID,
    POINTER,
    TIME,
    VARIABLE,
)  # every dialect reads these
_KEY = r"^[^./\\][^/\\]*(?:/[^./\\][^/\\]*)*$"
_PATH = r"^[^/\\]+(?:/[^/\\]+)*$"
_TOLD = {
    "engineId": "The engine's ID on the platform. At the top of an entry: what applications use.",
    "jobId": "The provisioning job that made it.",
    "operationId": "The create call, or the decision, that it comes from.",
    "fingerprint": "A digest of what the engine file asked for.",
    "files": "The files that it was read from, and their git object IDs.",
    "spec": "What the engine file asked for.",
    "provisionedAt": "When its job completed.",
    "replacedAt": "When another engine took its place.",
    "submittedAt": "When its create call was issued.",
    "summary": "How much the job made, by kind.",
    "revision": "How often its name, description or locales were changed in place.",
    "updatedAt": "When its name, description or locales were last changed in place.",
    "updating": "Changes in place without an answer, by number: the engine may have the recorded values or newer ones.",
    "status": "How the operation stands.",
    "error": "Why it failed, or why its outcome is unknown.",
    "insteadOf": "The serving engine whose place this one takes: the platform no longer has it, or see `because`.",
    "because": "`sources`: pages changed that the serving engine learned from.",
    "by": "Who rolled back.",
    "since": "When it was rolled back.",
}


def lockfile_schema() -> JsonSchema:
    """Draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Lockfile of reconcile",
        "description": "engines.lock.json: what is recorded as provisioned. Machine-written.",
        **_object(
            {
                "version": {
                    "description": "1, or 2 where an older `reconcile` must not write the file: while a hold lasts, "
                    "while an engine is recreated, or after one was changed in place.",
                    "enum": list(range(1, VERSION + 1)),
                },
                "engines": _by_key({"$ref": "#/$defs/entry"}),
                "retired": _by_key(_list({"$ref": "#/$defs/retired"})),
            },
            ("version", "engines"),
        ),
        "$defs": {
            "entry": _entry({}),
            "retired": _entry({"retiredAt": _text(TIME)}),
            "pending": _part(Pending),
            "superseded": _part(Superseded),
            "hold": _part(Hold),
            "spec": _spec(),
            "output": _output(),
            "files": {
                "type": "object",
                "propertyNames": {"pattern": _PATH},
                "additionalProperties": _text(OBJECT_ID),
            },
            "summary": {
                "type": "object",
                "propertyNames": {"pattern": _whole(COUNTED)},
                "additionalProperties": _count(),
            },
        },
    }


def lockfile_schema_text() -> str:
    """As `reconcile schema --lockfile` prints it."""
    return json.dumps(lockfile_schema(), indent=2, ensure_ascii=False) + "\n"


def _entry(more: JsonSchema) -> JsonSchema:
    """What serves is at the top of its entry; where nothing does yet, something else is there."""
    top = {name: _value(name, Provisioned) for name in ATTRIBUTES[Provisioned]}
    rest = {
        "pending": {
            "$ref": "#/$defs/pending",
            "description": "The operation in progress, or the one that failed.",
        },
        "uncertain": _list(
            {"$ref": "#/$defs/pending", "properties": {"status": {"const": UNCERTAIN}}},
            "Earlier create calls whose outcome is unknown.",
        ),
        "superseded": _list({"$ref": "#/$defs/superseded"}, "Engines that served before, oldest first."),
        "hold": {"$ref": "#/$defs/hold", "description": "What a rollback holds back."},
        "pruning": {
            "description": "Engines that are being deleted on the platform, and since when.",
            "type": "object",
            "propertyNames": {"pattern": _whole(ID)},
            "additionalProperties": _text(TIME),
        },
        "protect": {"description": "Whether the engine file protects it.", "type": "boolean"},
        "outputs": _list({"$ref": "#/$defs/output"}, "Where its ID is written.") | {"maxItems": MAX_OUTPUTS},
    }
    something = [{"required": [name]} for name in ("pending", "uncertain", "superseded")]
    nothing = {"not": {"anyOf": [{"required": [name]} for name in top]}}
    return _object(top | rest | more, tuple(more)) | {
        "anyOf": [{"required": REQUIRED[Provisioned]}, {**nothing, "anyOf": something}]
    }


def _part(kind: type[Pending | Superseded | Hold]) -> JsonSchema:
    return _object({name: _value(name, kind) for name in ATTRIBUTES[kind]}, REQUIRED[kind])


def _value(name: str, part: type[Provisioned | Pending | Superseded | Hold]) -> JsonSchema:
    if name in ("spec", "files", "summary"):
        schema: JsonSchema = {"$ref": f"#/$defs/{name}"}
    elif name == "revision":
        schema = _number()
    elif name == "updating":
        schema = _list(_number()) | {"minItems": 1}
    elif name == "status":
        schema = {"enum": sorted(STATUSES[part])}
    else:
        schema = _text(KINDS[name])
    return {"description": _TOLD[name], **schema}


def _spec() -> JsonSchema:
    link = _object(
        {"type": {"const": "link"}, "payload": {"type": "string", "maxLength": MAX_URL}}, ("payload",)
    )
    content = _object(
        {
            "type": {"const": "content"},
            "digest": _text(DIGEST),
            "chars": _count(),
            "file": {"type": "string", "pattern": _PATH},
        },
        ("digest",),
    )
    for source in (link, content):
        source["required"] = ["type", *source["required"]]
    return _object(
        {
            "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
            "description": {"type": "string"},
            "locales": _list(_text(LOCALE)),
            "sources": _list({"oneOf": [link, content]}) | {"maxItems": MAX_SOURCES},
        },
        ("name",),
    )


def _output() -> JsonSchema:
    values = {"file": {"type": "string", "minLength": 1}, "pointer": _text(POINTER), "key": _text(VARIABLE)}
    return _object(values, ("file",)) | {"oneOf": [{"required": ["pointer"]}, {"required": ["key"]}]}


def _object(properties: JsonSchema, required: tuple[str, ...] | list[str]) -> JsonSchema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


def _by_key(value: JsonSchema) -> JsonSchema:
    names = {"pattern": _KEY, "maxLength": MAX_KEY}
    return {"type": "object", "propertyNames": names, "additionalProperties": value}


def _list(items: JsonSchema, description: str | None = None) -> JsonSchema:
    told = {} if description is None else {"description": description}
    return {**told, "type": "array", "items": items}


def _count() -> JsonSchema:
    return {"type": "integer", "minimum": 0}


def _number() -> JsonSchema:
    return {"type": "integer", "minimum": 1}


def _text(kind: Kind) -> JsonSchema:
    if kind in _PLAIN:
        longest = {"maxLength": MAX_PLACE} if kind in (POINTER, VARIABLE) else {}
        return {"type": "string", "pattern": _whole(kind), **longest}
    return {"type": "string", "minLength": 1, "maxLength": MAX_LINE}


def _whole(kind: Kind) -> str:
    return kind.pattern if kind.pattern.startswith("^") else f"^(?:{kind.pattern})$"
