"""`reconcile validate`: are the engine files right? All errors at once, each with its place."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unicodedata import normalize

import click

from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.app.environments.validating import validate_everywhere
from reconciler.app.planning import discovered
from reconciler.cli.command import Command
from reconciler.cli.opening import open_project, settings_of_environment, start_folder
from reconciler.cli.options import CHECK_LINKS, given, global_options
from reconciler.cli.projects.options import ALL_ENVIRONMENTS, is_for_several, project_options
from reconciler.cli.screen import screen_of
from reconciler.core.engine.overlay import Beside
from reconciler.core.errors import Diagnostic, ExitCode, Severity, UsageError
from reconciler.core.frozen import replace
from reconciler.core.plan.model import Plan
from reconciler.core.settings.model import SETTINGS
from reconciler.project.opened import Project


@click.command("validate", cls=Command, example="engines/acme.yaml", docs="engine-files.md")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "github", "gitlab", "sarif"]),
    default="text",
    show_default=True,
    help="Print the findings in this format.",
)
@project_options
@ALL_ENVIRONMENTS
@CHECK_LINKS
@global_options
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[str, ...], format_: str, **flags: Any) -> None:
    """Check engine files and report every error.

    Checks all engine files, or those at PATH (files or folders), as each environment has them with its overlays; with
    --env, only as that one has them. Needs no API key, and a network only with --check-links. Exits with 3 if something
    is wrong.
    """
    if is_for_several(flags):
        from reconciler.cli.projects.validation import validate_several  # only for several

        if paths:
            raise UsageError(
                "PATH is about one project, and this is for several", hint="leave one of them out"
            )
        ctx.exit(validate_several(ctx, {**flags, "format_": format_}))
    project = open_project(ctx)
    environments = _environments(ctx, project)
    chosen = None
    if paths:
        chosen = _chosen(paths, _known(environments, project), start_folder(ctx), project.root)
    valid, findings = validate_everywhere(environments, chosen, project.checkout)
    if flags["check_links"]:
        from reconciler.project.source_checks import findings_of_links  # the network, only when asked for

        findings += findings_of_links(project.settings, environments.values(), valid, chosen)
    wrong = any(finding.severity is Severity.ERROR for finding in findings)
    code = ExitCode.INVALID if wrong else ExitCode.OK
    _show(ctx, project, format_, valid, findings, code, len(environments))
    ctx.exit(code)


def _environments(ctx: click.Context, project: Project) -> dict[str, EngineFiles]:
    """The engine files as each listed environment has them, or as the one that is asked for."""
    settings, environment = project.settings, SETTINGS["environment"]
    asked = settings.source_of["environment"] in (environment.flag, environment.variable)
    if asked or len(settings.listed) < 2:
        return {settings.environment: project.engines}
    beside = settings_of_environment(ctx)
    others = {name: beside(name) for name in settings.listed if name != settings.environment}
    return {
        settings.environment: project.engines,
        **{name: replace(project, settings=one).engines for name, one in others.items()},
    }


def _known(environments: Mapping[str, EngineFiles], project: Project) -> dict[str, str]:
    """Every file that can be named, with the engine file that it is part of."""
    known: dict[str, str] = {}
    for engines in environments.values():
        found, _ = discovered(engines, project.checkout)
        beside = engines.beside()
        known |= {path: path for path in (*found.values(), *beside.unchosen.values())}
        known |= dict(_overlaid(beside, {**beside.unchosen, **found}))
    return known


def _overlaid(beside: Beside, found: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, path in beside.files.items():
        if beside.bases[key] in found:
            yield path, found[beside.bases[key]]


def _chosen(paths: tuple[str, ...], known: Mapping[str, str], start: Path, root: Path) -> set[str]:
    """The engine files at the given paths. Raises `UsageError` for one that has none."""
    chosen: set[str] = set()
    for given_path in paths:
        target = Path(normalize("NFC", str((start / given_path).resolve())))
        matches = {engine for path, engine in known.items() if _is_at((root / path), target)}
        if not matches:
            raise UsageError(
                f"no engine file at {given_path}",
                hint="choose .yaml or .yml files in the engines folder",
            )
        chosen |= matches
    return chosen


def _is_at(file: Path, target: Path) -> bool:
    absolute = Path(normalize("NFC", str(Path(file.parent.resolve(), file.name))))
    return absolute == target or target in absolute.parents


def _show(
    ctx: click.Context,
    project: Project,
    format_: str,
    valid: list[str],
    findings: list[Diagnostic],
    code: int,
    environments: int,
) -> None:
    environment = project.settings.environment
    count = f"{len(valid):,} engine file{'s' if len(valid) != 1 else ''} valid"
    count += f" in {environments} environments" if environments > 1 else ""
    if format_ == "json":
        _show_json(valid, findings, code, environment)
    elif format_ in ("gitlab", "sarif"):
        from reconciler.cli.wiring.plan_views import report

        plan = Plan(environment, diagnostics=tuple(findings), lockfile=project.settings.lockfile)
        click.echo(report(project.root, plan, format_))
    elif format_ == "github":
        from reconciler.render.reports.annotations import render_plan_github  # one view of three

        plan = Plan(environment, unchanged=tuple(valid), diagnostics=tuple(findings))
        click.echo(render_plan_github(plan) if findings else count)
    else:
        from reconciler.render.phrases.diagnostics import render_diagnostics

        screen = screen_of(sys.stdout, given(ctx, "color"))
        if findings:
            shown = render_diagnostics(
                findings, color=screen.color, ascii_only=screen.ascii_only, width=screen.wrap
            )
            click.echo(shown)
        if code == 0:
            click.echo(count)


def _show_json(valid: list[str], findings: list[Diagnostic], code: int, environment: str) -> None:
    from reconciler.render.data.json_view import SCHEMA_VERSION, diagnostics_document, render_json

    document: dict[str, Any] = {
        "schemaVersion": SCHEMA_VERSION,
        "environment": environment,
        "valid": valid,
        "diagnostics": diagnostics_document(findings),
        "exitCode": int(code),
    }
    click.echo(render_json(document))
