"""The JSON Schema of `reconcile.yaml`, made from the same table that reads it.

Editors use it through the yaml-language-server modeline. Everything the command takes is valid under it; the
command is stricter in a few places that a pattern cannot express (a port above 65535).
"""

from __future__ import annotations

import json

from reconciler.core.plan.limits import Limit
from reconciler.core.settings.content import IN_OVERLAYS
from reconciler.core.settings.kinds import NAME_PATTERN, JsonSchema, nullable
from reconciler.core.settings.model import OVERLAYS, SETTINGS, Setting


def settings_schema() -> JsonSchema:
    """Draft 2020-12. A file with nothing but comments is valid: `null`."""
    properties = {name: _property(setting) for name, setting in SETTINGS.items()}
    properties[OVERLAYS] = {
        "description": "Settings that differ in an environment. When present, lists every environment.",
        "type": ["object", "null"],
        "propertyNames": {"pattern": NAME_PATTERN},
        "additionalProperties": {"$ref": "#/$defs/overlay"},
    }
    overlay = {name: {"$ref": f"#/properties/{name}"} for name in IN_OVERLAYS}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings for reconcile",
        "description": "reconcile.yaml: optional, and so is every setting in it.",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": properties,
        "$defs": {
            "overlay": {"type": ["object", "null"], "additionalProperties": False, "properties": overlay},
        },
    }


def settings_schema_text() -> str:
    """As it is committed under `schemas/`."""
    return json.dumps(settings_schema(), indent=2, ensure_ascii=False) + "\n"


def _property(setting: Setting) -> JsonSchema:
    schema = setting.kind.schema()
    if setting.default is None:
        schema = nullable(schema)
    else:
        schema["default"] = setting.example if isinstance(setting.default, float | Limit) else setting.default
    return {"description": setting.help, **schema}
