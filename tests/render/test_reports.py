"""Reports for other systems, checked against what those systems say of their formats."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from reconciler.core.errors import Diagnostic, Severity
from reconciler.core.plan.model import Action, Kind, Plan
from reconciler.render.reports.gitlab import render_gitlab
from reconciler.render.reports.issues import RULES, issues_of
from reconciler.render.reports.sarif import render_sarif
from tests.render.samples import PLANS

# GitLab's "Code Quality report format": these properties, all of them required.
GITLAB: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^(?!\\./|/)."},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    """An object as SARIF's own schema has them all: nothing that is not named."""
    return {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }


TEXT = closed(["text"], text={"type": "string", "minLength": 1})
HELP = closed(["text", "markdown"], text={"type": "string", "minLength": 1}, markdown={"type": "string"})
RULE = closed(
    ["id", "shortDescription", "fullDescription", "help"],  # all but the first are GitHub's wish
    id={"type": "string"},
    shortDescription=TEXT,
    fullDescription=TEXT,
    help=HELP,
)
DRIVER = closed(
    ["name", "informationUri"],
    name={"type": "string"},
    informationUri={"type": "string", "pattern": "^https://"},
    semanticVersion={"type": "string"},
    rules={"type": "array", "uniqueItems": True, "items": RULE},
)
REGION = closed(
    ["startLine"], startLine={"type": "integer", "minimum": 1}, startColumn={"type": "integer", "minimum": 1}
)
ARTIFACT = closed(["uri"], uri={"type": "string", "format": "uri-reference"}, uriBaseId={"type": "string"})
RESULT = closed(
    ["message", "ruleId", "locations"],  # the last two are GitHub's wish
    ruleId={"type": "string"},
    ruleIndex={"type": "integer", "minimum": -1},
    level={"enum": ["none", "note", "warning", "error"]},
    message=TEXT,
    locations={
        "type": "array",
        "minItems": 1,
        "items": closed([], physicalLocation=closed([], artifactLocation=ARTIFACT, region=REGION)),
    },
    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
)
RUN = closed(
    ["tool"],
    tool=closed(["driver"], driver=DRIVER),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    automationDetails=closed([], id={"type": "string"}),
    results={"type": "array", "items": RESULT},
)
SARIF = closed(
    ["version", "runs"],
    **{"$schema": {"type": "string", "format": "uri"}},
    version={"enum": ["2.1.0"]},
    runs={"type": "array", "items": RUN},
)


def gitlab(plan: Plan, prefix: str = "", line: int | None = 7) -> Any:
    return json.loads(
        render_gitlab(
            plan, prefix=prefix, place_of=lambda action: None if line is None else (action.file or "", line)
        )
    )


def sarif(plan: Plan, prefix: str = "", line: int | None = 7) -> Any:
    text = render_sarif(
        plan,
        prefix=prefix,
        place_of=lambda action: None if line is None else (action.file or "", line),
        version="0.1.0",
    )
    assert text.isascii()
    return json.loads(text)


@pytest.mark.parametrize("name", PLANS)
def test_gitlab_takes_it(name: str) -> None:
    document = gitlab(PLANS[name])
    jsonschema.validate(document, GITLAB)
    fingerprints = [one["fingerprint"] for one in document]
    assert len(set(fingerprints)) == len(fingerprints)


@pytest.mark.parametrize("name", PLANS)
def test_sarif_is_as_its_schema_says(name: str) -> None:
    document = sarif(PLANS[name])
    jsonschema.validate(document, SARIF)
    [run] = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
    assert {result["ruleId"] for result in run["results"]} == set(rules)


@pytest.mark.parametrize("name", PLANS)
def test_nothing_is_left_out(name: str) -> None:
    plan = PLANS[name]
    said = [action for action in plan.actions if action.kind is not Kind.NONE or action.condition]
    assert len(gitlab(plan)) == len(said) + len(plan.diagnostics) == len(sarif(plan)["runs"][0]["results"])


def test_every_action_has_a_rule() -> None:
    assert {kind.value for kind in Kind if kind is not Kind.NONE} <= RULES.keys()


def test_the_place_of_a_finding() -> None:
    found = Diagnostic("bad locale", "engines/größe 1.yaml", 3, 5, hint="write de")
    plan = Plan("production", diagnostics=(found, found._replace(severity=Severity.WARNING)))
    first, second = gitlab(plan, "apps/web")
    assert first["location"] == {"path": "apps/web/engines/größe 1.yaml", "lines": {"begin": 3}}
    assert first["description"] == "bad locale. Hint: write de"
    assert [first["severity"], second["severity"]] == ["critical", "major"]
    result = sarif(plan, "apps/web")["runs"][0]["results"][0]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "apps/web/engines/gr%C3%B6%C3%9Fe%201.yaml"
    assert place["region"] == {"startLine": 3, "startColumn": 5}


def test_what_is_in_no_file_is_at_the_lockfile() -> None:
    plan = Plan("production", (Action("gone", Kind.RETIRE, "engine file removed", engine_id="eng_1"),))
    [one] = gitlab(plan)
    assert one["location"] == {"path": "engines.lock.json", "lines": {"begin": 1}}
    assert one["severity"] == "info"
    [one] = gitlab(Plan("production", diagnostics=(Diagnostic("nowhere"),)))
    assert one["location"]["path"] == "engines.lock.json"


def test_the_fingerprint_stays_when_lines_move_and_differs_between_environments() -> None:
    action = Action("acme", Kind.REPLACE, "locales changed", file="engines/acme.yaml")
    plan = Plan("production", (action,))
    assert [one["fingerprint"] for one in gitlab(plan, line=1)] == [
        one["fingerprint"] for one in gitlab(plan, line=9)
    ]
    assert gitlab(plan)[0]["fingerprint"] != gitlab(replace(plan, environment="staging"))[0]["fingerprint"]


def test_the_same_finding_twice_has_two_fingerprints() -> None:
    found = Diagnostic("bad", "engines/a.yaml", 1)
    one, other = gitlab(Plan("production", diagnostics=(found, found._replace(line=2))))
    assert one["fingerprint"] != other["fingerprint"]


def test_the_most_important_comes_first() -> None:
    plan = PLANS["every-kind"]
    rules = [one.rule for one in issues_of(plan, prefix="", place_of=lambda action: None)]
    assert rules == sorted(rules, key=list(RULES).index)
    assert rules[0] == "uncertain"


def test_a_message_is_one_harmless_line() -> None:
    evil = "a\nb\x1b[2J\u202e" + "x" * 10_000
    [one] = gitlab(Plan("production", diagnostics=(Diagnostic(evil, "engines/a.yaml"),)))
    assert "\n" not in one["description"]
    assert one["description"].isprintable()
    assert len(one["description"]) < 2_100
