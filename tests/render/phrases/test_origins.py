"""Plans that were compared with a base: every view says whose change it is, this branch's first."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.core.plan.model import Action, Kind, Origin, Plan
from reconciler.render.data.json_view import render_plan_json
from reconciler.render.markdown.plan import render_plan_markdown
from reconciler.render.phrases.origins import in_groups, origin_sentence
from reconciler.render.phrases.words import TERSE_ABOVE
from reconciler.render.reports.annotations import render_plan_github
from reconciler.render.text.plan import render_plan
from tests.render.samples import EVERY_KIND, PLANS
from tests.render.strategies import QUICK, plans

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas/plan.schema.json").read_text(encoding="utf-8"))


def marked(plan: Plan, *origins: Origin) -> Plan:
    order = cycle(origins or Origin)
    return plan.with_actions(tuple(replace(action, origin=next(order)) for action in plan.actions))


def three(*origins: Origin) -> Plan:
    actions = [Action(key, Kind.CREATE, "it is new") for key in ("a", "b", "c")]
    return marked(Plan("production", tuple(actions)), *origins)


BACKWARDS = three(Origin.RUNNING, Origin.MERGED, Origin.BRANCH)


def test_the_text_has_a_title_for_each_origin() -> None:
    lines = render_plan(BACKWARDS).split("\n")
    heads = [line for line in lines if line.endswith(":") or line.startswith("+")]
    assert heads == [
        "This branch:",
        "+ c will be created",
        "Merged, not applied yet:",
        "+ b will be created",
        "Another run is working on it:",
        "+ a will be created",
    ]


def test_markdown_and_annotations_name_it_at_each_engine() -> None:
    shown = render_plan_markdown(BACKWARDS)
    assert (
        shown.index("create · this branch")
        < shown.index("create · merged")
        < shown.index("create · another run")
    )
    notices = [line for line in render_plan_github(BACKWARDS).split("\n") if line.startswith("::notice")]
    assert [line.rpartition("from: ")[2] for line in notices] == [
        "this branch",
        "merged, not applied yet",
        "another run is working on it",
    ]


def test_engines_that_are_only_named_say_it_too() -> None:
    many = tuple(Action(f"e{number:04}", Kind.CREATE, "it is new") for number in range(TERSE_ABOVE + 10))
    plan = marked(Plan("production", many), Origin.MERGED, Origin.BRANCH)
    shown = render_plan_markdown(plan)
    assert "- create `e0001` (this branch)\n" in shown
    assert shown.index("`e0001`") < shown.index("`e0000`")
    text = render_plan(plan)
    assert text.index("e0001") < text.index("Merged, not applied yet:") < text.index("e0000")


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        (three(Origin.BRANCH), "All changes come from this branch."),
        (
            BACKWARDS,
            "Of these, 1 comes from this branch, 1 was merged earlier but not applied yet, "
            "1 is in progress in another run.",
        ),
        (
            three(Origin.MERGED, Origin.BRANCH, Origin.BRANCH),
            "Of these, 2 come from this branch, 1 was merged earlier but not applied yet.",
        ),
        (three(Origin.MERGED), "Of these, 3 were merged earlier but not applied yet."),
        (three(Origin.RUNNING), "Of these, 3 are in progress in another run."),
        (EVERY_KIND, ""),
    ],
)
def test_the_sentence(plan: Plan, sentence: str) -> None:
    assert origin_sentence(plan) == sentence
    if sentence:
        assert sentence in render_plan(plan)
        assert sentence in render_plan_markdown(plan)


@pytest.mark.parametrize("name", PLANS)
def test_json_keeps_the_order_and_follows_the_schema(name: str) -> None:
    plan = marked(PLANS[name])
    document = json.loads(render_plan_json(plan, exit_code=0))
    Draft202012Validator(SCHEMA).validate(document)
    assert [one["key"] for one in document["actions"]] == [action.key for action in plan.actions]
    assert all(one["origin"] in ("branch", "merged", "running") for one in document["actions"])
    assert document["digest"] == PLANS[name].digest


@QUICK
@given(plans, st.permutations(list(Origin)))
def test_no_action_is_lost_and_markdown_keeps_its_limit(plan: Plan, order: list[Origin]) -> None:
    plan = marked(plan, *order)
    assert sorted(action.key for _, group in in_groups(plan.actions) for action in group) == sorted(
        action.key for action in plan.actions
    )
    assert len(render_plan_markdown(plan, limit=4_000).encode()) <= 4_000
    render_plan(plan)
    render_plan_github(plan)


def test_without_origins_nothing_changes() -> None:
    assert list(in_groups(EVERY_KIND.actions)) == [("", list(EVERY_KIND.actions))]
    assert "this branch" not in render_plan(EVERY_KIND) + render_plan_markdown(EVERY_KIND)
