"""The JSON Schemas of plans and outcomes, generated from their models.

The committed copies under `schemas/` are for those who read such documents with programs; `reconcile schema --plan` and
`--outcome` print them, `--plans` that of several plans, and `--check` compares.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from reconciler.adapters.storage.outcome_model import OutcomeDocument
from reconciler.adapters.storage.plan_model import PlanDocument, PlansDocument, View


def plan_schema() -> dict[str, Any]:
    """Of what `plan --format json` prints and `plan --out` writes."""
    return _schema(PlanDocument, "plan")


def plans_schema() -> dict[str, Any]:
    """Of what `plan --format json` prints for several projects or environments."""
    return _schema(PlansDocument, "plans")


def outcome_schema() -> dict[str, Any]:
    """Of what `apply` and `collect` print with `--format json`, and `--report` writes."""
    return _schema(OutcomeDocument, "outcome")


def schema_text(schema: dict[str, Any]) -> str:
    """As it is committed under `schemas/`."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _schema(document: type[View], name: str) -> dict[str, Any]:
    """Draft 2020-12. It is stricter than what is read: a key that is not named is a mistake of ours."""
    schema = document.model_json_schema(schema_generator=_Schema)
    title = schema["title"]
    for part in (schema, *schema["$defs"].values()):
        del part["title"]  # the name of a class
        part["additionalProperties"] = False
        if "description" in part:
            part["description"] = " ".join(part["description"].split())
    return {"$schema": _Schema.schema_dialect, "$id": f"{name}.schema.json", "title": title, **schema}


class _Schema(GenerateJsonSchema):
    """A document leaves out what has no value: so nothing is null in it, and no default is worth a word."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False
