"""Outputs in the views of a plan: every view names them, and none is harmed by them."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from reconciler.adapters.storage.document_schemas import plan_schema
from reconciler.core.engine.spec import Output
from reconciler.core.outputs.places import Write
from reconciler.core.plan.model import Plan
from reconciler.render.data.json_view import render_plan_json
from reconciler.render.markdown.comment import Occasion, render_plan_comment, worth_a_comment
from reconciler.render.markdown.plan import render_plan_markdown
from reconciler.render.text.plan import render_plan
from tests.render.samples import EVIL

SCHEMA = plan_schema()
POINTER = Write(Output("i18n.json", "/engineId"), "acme", "eng_1")
VARIABLE = Write(Output(".env", None, "ENGINE"), "shop", "eng_2")
PLAN = Plan("production", unchanged=("acme", "shop"), outputs=(POINTER, VARIABLE), outputs_failed=("no `x`",))


def test_every_view_names_them() -> None:
    text = render_plan(PLAN)
    assert "Outputs to update:\n  ~ i18n.json /engineId: eng_1, of acme\n  ~ .env ENGINE: eng_2" in text
    assert "Outputs that cannot be written:\n  ! no `x`\n" in text
    assert text.endswith("Plan: 2 outputs to update, 2 unchanged.")
    for markdown in (render_plan_markdown(PLAN), render_plan_comment(PLAN, Occasion())):
        assert (
            "- `i18n.json` `/engineId`: `eng_1`, of `acme`\n- `.env` `ENGINE`: `eng_2`, of `shop`" in markdown
        )
        assert "Outputs that cannot be written:\n\n- no `x`" in markdown
    comment = render_plan_comment(PLAN, Occasion())
    assert "**Plan: 2 outputs to update, 2 unchanged.**" in comment
    assert worth_a_comment(PLAN)
    document = json.loads(render_plan_json(PLAN, exit_code=0))
    jsonschema.validate(document, SCHEMA)
    assert document["outputs"][1] == {"file": ".env", "key": "ENGINE", "engine": "shop", "engineId": "eng_2"}
    assert document["outputsNotWritable"] == ["no `x`"]


def test_without_any_nothing_is_said() -> None:
    plan = Plan("production", unchanged=("acme",))
    assert "output" not in render_plan(plan).lower() + render_plan_markdown(plan).lower()
    assert not {"outputs", "outputsNotWritable"} & json.loads(render_plan_json(plan, exit_code=0)).keys()


@pytest.mark.parametrize("name", ["conf/{}.json", EVIL + "{}", "x" * 3_000 + "{}"])
def test_many_are_counted_and_none_gets_out(name: str) -> None:
    many = tuple(Write(Output(name.replace("{}", str(number)), EVIL), EVIL, EVIL) for number in range(500))
    plan = Plan("production", unchanged=("acme",), outputs=many, outputs_failed=(EVIL,) * 500)
    assert "and 480 more" in render_plan(plan)
    assert "\x1b" not in render_plan(plan)
    assert len(render_plan_markdown(plan, limit=20_000).encode()) <= 20_000
    comment = render_plan_comment(plan, Occasion())
    assert len(comment.encode()) <= 60_000
    assert " more" in comment
    jsonschema.validate(json.loads(render_plan_json(plan, exit_code=0)), SCHEMA)


def test_the_committed_schema_is_fresh() -> None:
    file = Path(__file__).parents[3] / "schemas/plan.schema.json"
    assert json.loads(file.read_text(encoding="utf-8")) == SCHEMA
