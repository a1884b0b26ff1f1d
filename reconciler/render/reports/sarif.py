"""The plan as SARIF 2.1.0, which GitHub code scanning, Azure DevOps and editors read.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from reconciler.core.plan.model import Plan
from reconciler.render.data.json_view import render_json
from reconciler.render.reports.issues import RULES, Issue, PlaceOf, issues_of

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
HOME = "https://lingo.dev"
_LEVELS = {"error": "error", "warning": "warning", "notice": "note"}
_MOST = 25_000  # results of a run that GitHub takes


def render_sarif(plan: Plan, *, prefix: str, place_of: PlaceOf, version: str) -> str:
    """One run, with a result for each finding. `version` is this program's. No final newline."""
    found = issues_of(plan, prefix=prefix, place_of=place_of)
    return render_sarif_issues(found, plan.environment, version)


def render_sarif_issues(found: Sequence[Issue], category: str, version: str) -> str:
    """The same for findings of several plans. GitHub takes one run of a category from an upload, and twenty runs."""
    issues = found[:_MOST]
    rules = [rule for rule in RULES if any(one.rule == rule for one in issues)]
    driver = {
        "name": "reconcile",
        "informationUri": HOME,
        "semanticVersion": version,
        "rules": [_rule(rule) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "automationDetails": {"id": f"reconcile/{category}/"},
        "results": [_result(one, rules.index(one.rule)) for one in issues],
    }
    return render_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(name: str) -> dict[str, Any]:
    """GitHub code scanning asks for each of these, and shows `help` beside the finding."""
    rule = RULES[name]
    return {
        "id": name,
        "shortDescription": {"text": rule.short},
        "fullDescription": {"text": rule.full},
        "help": {"text": rule.help.replace("`", ""), "markdown": rule.help},
    }


def _result(issue: Issue, rule_index: int) -> dict[str, Any]:
    region = {"startLine": issue.line}
    if issue.col is not None:
        region["startColumn"] = issue.col
    place = {
        "artifactLocation": {"uri": quote(issue.file, safe="/", errors="replace"), "uriBaseId": "%SRCROOT%"},
        "region": region,
    }
    return {
        "ruleId": issue.rule,
        "ruleIndex": rule_index,
        "level": _LEVELS[issue.level],
        "message": {"text": issue.message},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"reconcile/v1": issue.fingerprint},
    }
