from __future__ import annotations

import re

from reconciler.core.errors import Diagnostic, Severity
from reconciler.core.plan.model import Action, Condition, Kind, Plan
from reconciler.render.reports.annotations import command, render_annotations, render_plan_github
from reconciler.render.text.plan import render_plan
from tests.render.samples import EVERY_KIND, INVALID, LARGE


def test_escaping_is_the_runners() -> None:
    assert command("error", "50% of a:b,c\nnext", file="a,b:c%.yaml", line=3, col=7, title="x: y") == (
        "::error file=a%2Cb%3Ac%25.yaml,line=3,col=7,title=x%3A y::50%25 of a:b,c%0Anext"
    )


def test_findings_are_at_their_place_and_errors_come_first() -> None:
    warning = Diagnostic("w", "b.yaml", 1, severity=Severity.WARNING)
    error = Diagnostic("e", "a.yaml", 2, 3, hint="mend it", key="a")
    lines = render_plan_github(Plan("x", diagnostics=(warning, error))).split("\n")
    assert lines[0] == "::error file=a.yaml,line=2,col=3,title=reconcile%3A a::e%0Ahint: mend it"
    assert lines[1] == "::warning file=b.yaml,line=1,title=reconcile::w"


def test_conditions_are_warnings_and_changes_notices() -> None:
    shown = render_plan_github(EVERY_KIND)
    assert re.search(
        r"^::warning file=engines/support.yaml,.*reconcile resolve support --engine-id '<ENGINE_ID>'",
        shown,
        re.M,
    )
    assert re.search(r"^::warning file=engines/legal.yaml,.*--retry-failed", shown, re.M)
    assert len(re.findall(r"^::notice ", shown, re.M)) == 8


def test_notices_that_github_would_hide_are_counted() -> None:
    notices = re.findall(r"^::notice .*$", render_plan_github(LARGE), re.M)
    assert len(notices) == 9
    assert notices[-1].endswith("::492 more engines will change: see the log")


def test_of_every_level_the_most_important_come_first() -> None:
    diagnostics = [
        Diagnostic(f"{severity} {number}", "a.yaml", severity=severity)
        for number in range(30)
        for severity in reversed(Severity)
    ]
    doubtful = tuple(
        Action(f"u{number}", Kind.NONE, "?", condition=Condition.UNCERTAIN, file="u.yaml")
        for number in range(3)
    )
    held = (Action("h", Kind.REPLACE, "x", guard="protected"), Action("r", Kind.REPLACE, "x", file="r.yaml"))
    plan = Plan("x", (*held, *doubtful), diagnostics=tuple(diagnostics))
    shown = render_annotations(plan, rest="the summary", place_of=lambda action: (action.file or "", 7))
    levels = [line.partition(" ")[0] for line in shown]
    assert [levels.count(f"::{level}") for level in ("error", "warning", "notice")] == [10, 10, 9]
    assert levels == sorted(levels, key=["::error", "::warning", "::notice"].index)
    assert shown[9].endswith("::21 more errors: see the summary")
    assert shown[19].endswith("::25 more warnings: see the summary")
    assert shown[28].endswith("::23 more notices: see the summary")
    assert [re.findall(r"title=reconcile%3A (\w+ \w+)", line) for line in shown[10:14]] == [
        ["uncertain u0"],
        ["uncertain u1"],
        ["uncertain u2"],
        ["held back"],
    ]
    assert "file=u.yaml,line=7," in shown[10]
    assert "title=reconcile%3A replace r::" in shown[20]


def test_the_plan_follows_between_guards() -> None:
    shown = render_plan_github(EVERY_KIND)
    found = re.search(r"^::stop-commands::(\S+)\n(.*)\n::(\S+)::\Z", shown, re.M | re.S)
    assert found is not None
    assert found[1] == found[3]
    assert found[2] == render_plan(EVERY_KIND)


def test_the_guard_depends_on_what_it_guards() -> None:
    tokens = {
        re.findall(r"stop-commands::(\S+)", render_plan_github(plan))[0]
        for plan in (EVERY_KIND, INVALID, LARGE)
    }
    assert len(tokens) == 3


def test_files_are_named_from_the_root_of_the_repository() -> None:
    plan = Plan("x", diagnostics=(Diagnostic("m", "engines/a.yaml"),))
    assert render_plan_github(plan, prefix="apps/web/").startswith("::error file=apps/web/engines/a.yaml,")
