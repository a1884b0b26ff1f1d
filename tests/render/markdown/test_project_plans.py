"""The plans of many projects as one comment: within its size, every project named as far as there is room."""

from __future__ import annotations

import pytest

from reconciler.core.errors import Diagnostic, ExitCode
from reconciler.core.plan.model import Action, Kind, Plan
from reconciler.render.markdown.comment import COMMENT_BYTES, Occasion, marker
from reconciler.render.markdown.project_plans import (
    marker_of_all,
    markers_of_each,
    render_plans_comment,
    render_plans_summary,
)
from reconciler.render.phrases.project_plans import ProjectPlan

RUN = "https://github.com/acme/engines/actions/runs/1"


def plan_of(folder: str, engines: int = 12, environment: str = "production") -> ProjectPlan:
    actions = tuple(Action(f"engine-{number:03}-{'x' * 40}", Kind.CREATE, "new") for number in range(engines))
    return ProjectPlan(folder, environment, Plan(environment, actions))


def broken(folder: str) -> ProjectPlan:
    plan = Plan("production", diagnostics=(Diagnostic("wrong " * 50, "reconcile.yaml", 1, 1),))
    return ProjectPlan(folder, "production", plan, ExitCode.INVALID)


@pytest.mark.parametrize("count", [1, 3, 50, 600])
@pytest.mark.parametrize("name", ["team-{}", "ü" * 100 + "{}", "`|<b>@a\n{}"])
def test_it_stays_within_what_github_takes(count: int, name: str) -> None:
    plans = [plan_of(name.format(number)) for number in range(count)] + [broken("last")]
    body = render_plans_comment(plans, marker_of_all("", ""), Occasion(run_url=RUN))
    assert len(body.encode()) <= COMMENT_BYTES
    rows = [line for line in body.split("\n") if line.startswith("| ")][1:]
    assert rows[0].startswith("| `last` |")  # what is wrong comes first
    assert len(rows) == count + 1 or "more plan" in rows[-1]
    assert body.count("<details") == body.count("</details>")
    assert f"[the run](<{RUN}>)" in body or "not shown" not in body


def test_what_changes_nothing_has_a_row_and_no_section() -> None:
    body = render_plans_summary(
        [ProjectPlan("quiet", "production", Plan("production", unchanged=("a",)))], Occasion()
    )
    assert "| `quiet` | `production` | No changes. 1 engine is up to date |" in body
    assert body.count("###") == 1


def test_no_marker_of_all_is_one_of_a_project() -> None:
    folders = ["", ".", "*", "%", "%2A", "a", "plans"]
    ones = {
        marker("plan", environment, folder) for environment in ("production", "*", "") for folder in folders
    }
    alls = {
        marker_of_all(environment, folder) for environment in ("production", "*", "") for folder in folders
    }
    assert not ones & alls
    assert len(alls) == 3 * len(folders)
    assert markers_of_each(
        [plan_of("a"), plan_of("a", environment="staging"), plan_of("b", environment="")]
    ) == {
        marker("plan", "production", "a"),
        marker("plan", "staging", "a"),
    }
