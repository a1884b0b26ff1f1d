"""`validate` for several projects or environments: what is wrong in each, one table, one document."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from reconciler.app.planning import validate_engines
from reconciler.cli.options import given
from reconciler.cli.projects.members import Made, made, members_of
from reconciler.cli.projects.options import chosen_environment
from reconciler.cli.projects.plans import Views
from reconciler.cli.screen import screen_of
from reconciler.core.errors import ExitCode, most_severe
from reconciler.core.frozen import replace
from reconciler.core.plan.model import Plan

if TYPE_CHECKING:
    from reconciler.core.engine.spec import Desired
    from reconciler.core.project_list import ProjectList
    from reconciler.project.opened import Project


def validate_several(ctx: click.Context, flags: Mapping[str, Any]) -> ExitCode:
    """Checks all that the flags choose, in every environment unless one is named, shows it, and returns how the run
    ends. Raises as `members_of` does.
    """
    everywhere = flags["all_environments"] or chosen_environment(ctx) is None
    members, found = members_of(ctx, {**flags, "all_environments": everywhere})
    check = partial(_checked, check_links=flags["check_links"])
    checked = _with_shared_places([made(ctx, member, check) for member in members])
    code = most_severe([one.shown.exit_code for one in checked])
    format_ = flags["format_"]
    if format_ == "json":
        _show_json(checked, found, code)
    elif format_ in ("gitlab", "sarif"):
        click.echo(Views(_once(checked), found, format_, None).rendered(code))
    elif format_ == "github":
        views = Views(_once(checked), found, format_, None)
        click.echo("\n".join([*views.annotations(), views.guarded(_text(checked, found, None, plain=True))]))
    else:
        click.echo(_text(checked, found, given(ctx, "color")))
    return code


def _checked(project: Project, *, check_links: bool) -> tuple[Plan, ExitCode, Mapping[str, Desired]]:
    valid, findings = validate_engines(project.engines, None, project.checkout)
    settings = project.settings
    if check_links:
        from reconciler.project.source_checks import findings_of_links  # the network, only when asked for

        findings += findings_of_links(settings, [project.engines], valid, None)
    plan = Plan(
        settings.environment, unchanged=tuple(valid), diagnostics=tuple(findings), lockfile=settings.lockfile
    )
    return plan, ExitCode.INVALID if plan.invalid else ExitCode.OK, valid


def _with_shared_places(checked: Sequence[Made]) -> list[Made]:
    """The checks; the first one of a project has what is to be said of all its environments together."""
    valid: dict[str, dict[str, Mapping[str, Desired]]] = {}
    for one in checked:
        if any(engine.outputs for engine in (one.result or {}).values()):
            valid.setdefault(one.shown.folder, {})[one.shown.environment] = one.result
    told: list[Made] = []
    for one in checked:
        environments = valid.pop(one.shown.folder, {})
        if len(environments) > 1:
            from reconciler.core.outputs.places import shared_places

            found = (*one.shown.plan.diagnostics, *shared_places(environments))
            one = replace(one, shown=replace(one.shown, plan=replace(one.shown.plan, diagnostics=found)))
        told.append(one)
    return told


def _once(checked: Sequence[Made]) -> tuple[Made, ...]:
    """For reports, in which what several environments of a project have in common stands once."""
    told: set[tuple[str, str | None, int | None, int | None, str]] = set()
    kept = []
    for each in checked:
        folder, plan = each.shown.folder, each.shown.plan
        new = [
            one for one in plan.diagnostics if (folder, one.file, one.line, one.col, one.message) not in told
        ]
        told.update((folder, one.file, one.line, one.col, one.message) for one in new)
        shown = replace(each.shown, plan=replace(plan, diagnostics=tuple(new)))
        kept.append(replace(each, shown=shown))
    return tuple(kept)


def _text(checked: Sequence[Made], found: ProjectList, color: str | None, *, plain: bool = False) -> str:
    from reconciler.render.phrases.diagnostics import render_diagnostics
    from reconciler.render.phrases.style import Look
    from reconciler.render.text.project_plans import left_out, render_checked

    screen = screen_of(sys.stdout, color)
    look = Look() if plain else Look(screen.color, screen.ascii_only, screen.wrap)
    texts = [
        render_diagnostics(
            one.shown.plan.diagnostics, color=look.color, ascii_only=look.ascii_only, width=look.width
        )
        if one.shown.plan.diagnostics
        else ""
        for one in checked
    ]
    left = left_out(found.skipped, found.removed)
    return render_checked([one.shown for one in checked], texts, look, left)


def _show_json(checked: Sequence[Made], found: ProjectList, code: ExitCode) -> None:
    from reconciler.render.data.project_plans_json import render_checked_json

    click.echo(render_checked_json([one.shown for one in checked], code, found))
