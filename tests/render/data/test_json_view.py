from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.core.engine.spec import Spec
from reconciler.core.errors import Diagnostic, ExitCode
from reconciler.core.plan.changes import changes_between
from reconciler.core.plan.model import Action, Kind, Plan
from reconciler.render.data.json_view import (
    action_document,
    change_document,
    plan_document,
    render_error_json,
    render_json,
    render_plan_json,
)
from tests.core.strategies import specs
from tests.render.samples import EVERY_KIND, PLANS
from tests.render.strategies import QUICK, plans

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas" / "plan.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


def action(document: dict[str, Any], key: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in document["actions"] if one["key"] == key)
    return found


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", PLANS)
def test_sample_plans_follow_the_schema(name: str) -> None:
    VALIDATOR.validate(json.loads(render_plan_json(PLANS[name], exit_code=0)))


def test_the_schema_refuses_what_is_not_a_plan() -> None:
    document = {**plan_document(EVERY_KIND), "exitCode": 0}
    assert VALIDATOR.is_valid(document)
    assert not VALIDATOR.is_valid({**document, "schemaVersion": 2})
    assert not VALIDATOR.is_valid({**document, "actions": [{"key": "a"}]})
    assert not VALIDATOR.is_valid({name: value for name, value in document.items() if name != "digest"})


@QUICK
@given(plans)
def test_json_is_ascii_and_loses_nothing(plan: Plan) -> None:
    shown = render_plan_json(plan, exit_code=0)
    assert shown.isascii()
    assert json.loads(shown) == {**plan_document(plan), "exitCode": 0}


def test_changes_name_both_sides_and_texts_only_by_digest() -> None:
    document = plan_document(EVERY_KIND)
    changes = action(document, "marketing/website")["changes"]
    assert changes[0] == {"field": "name", "old": "Acme Website", "new": "Acme Website 2026"}
    assert changes[2] == {"field": "locales", "old": "es"}
    content = changes[6]["content"]
    assert set(content) == {"file", "oldDigest", "oldChars", "newDigest", "newChars"}
    assert "Warenkorb" not in json.dumps(document)


def test_all_of_a_new_engine_is_a_change() -> None:
    changes = action(plan_document(EVERY_KIND), "docs/help")["changes"]
    assert changes[0] == {"field": "name", "new": "Help Center"}
    assert [one["new"] for one in changes if one["field"] == "locales"] == ["de", "fr", "ja"]
    assert sum("content" in one for one in changes) == 2


def test_ids_and_what_to_do_are_there() -> None:
    document = plan_document(EVERY_KIND)
    assert action(document, "store")["jobId"] == "pjb_Store1"
    assert action(document, "apps/ios")["fromKey"] == "ios"
    assert action(document, "support")["condition"] == "uncertain"
    assert "reconcile resolve support" in action(document, "support")["hint"]
    assert document["digest"] == EVERY_KIND.digest
    assert document["summary"]["provisioningJobs"] == 3


def test_an_error_has_the_same_shape() -> None:
    found = [Diagnostic("conflict marker", "engines.lock.json", 3, 1)]
    shown = json.loads(render_error_json("the lockfile is not one", "run x", found, ExitCode.INVALID))
    VALIDATOR.validate(shown)
    assert shown["actions"] == []
    assert shown["error"] == {"message": "the lockfile is not one", "hint": "run x"}
    assert shown["diagnostics"][0]["line"] == 3
    assert set(shown["summary"].values()) == {0}
    assert shown["exitCode"] == 3


def test_a_failure_beside_a_plan_is_in_it() -> None:
    shown = json.loads(render_plan_json(EVERY_KIND, exit_code=6, error={"message": "too many replacements"}))
    VALIDATOR.validate(shown)
    assert shown["error"]["message"] == "too many replacements"
    assert len(shown["actions"]) == len(EVERY_KIND.actions)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("é😀\x7f\u2028\x01"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(st.dictionaries(st.text(), _values))
def test_a_big_document_is_laid_out_as_a_small_one(document: dict[str, object]) -> None:
    big = {**document, "padding": ["x"] * 200}
    assert render_json(big) == json.dumps(big, indent=2).replace("\x7f", "\\u007f")


def test_a_big_document_is_the_same_without_msgspec(monkeypatch: pytest.MonkeyPatch) -> None:
    big = {"padding": ["é\x7f"] * 200, "none": [], "nothing": {}}
    with_msgspec = render_json(big)
    monkeypatch.setitem(sys.modules, "msgspec.json", None)
    assert render_json(big) == with_msgspec


def test_half_a_character_in_a_big_document_is_shown_as_in_a_small_one() -> None:
    big = {"padding": ["\ud800"] * 200}
    assert render_json(big) == json.dumps(big, indent=2)


@given(specs)
def test_a_new_engine_is_told_as_changes_from_nothing(spec: Spec) -> None:
    action = Action("acme", Kind.CREATE, "new", spec=spec)
    changes = action_document(action)["changes"]
    assert changes == [change_document(change) for change in changes_between({}, spec)]
