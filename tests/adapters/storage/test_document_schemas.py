"""The schemas that are generated from the models say what a document is, and nothing of how it is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from reconciler.adapters.storage.document_schemas import outcome_schema, plan_schema, plans_schema

SCHEMAS = {"plan": plan_schema(), "outcome": outcome_schema(), "plans": plans_schema()}


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object in it, itself first."""
    if isinstance(schema, dict):
        yield schema
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from parts(part)


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_is_a_schema_without_marks_of_the_models(name: str) -> None:
    schema = SCHEMAS[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    found = list(parts(schema))
    assert sum(isinstance(part.get("title"), str) for part in found) == 1
    assert not [part for part in found if "default" in part or part.get("type") == "null"]


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_object_names_its_keys_or_the_type_of_their_values(name: str) -> None:
    objects = [part for part in parts(SCHEMAS[name]) if part.get("type") == "object"]
    assert len(objects) >= 10
    assert all(part["additionalProperties"] is False for part in objects if "properties" in part)
    assert all(part["additionalProperties"] for part in objects if "properties" not in part)


def test_what_plan_and_outcome_share_is_the_same() -> None:
    plan, outcome = SCHEMAS["plan"], SCHEMAS["outcome"]
    assert plan["properties"].keys() ^ outcome["properties"].keys() == {"apply", "outcome"}
    for key in plan["properties"].keys() & outcome["properties"].keys():
        assert plan["properties"][key] == outcome["properties"][key]
    for name in plan["$defs"].keys() & outcome["$defs"].keys():
        assert plan["$defs"][name] == outcome["$defs"][name]
