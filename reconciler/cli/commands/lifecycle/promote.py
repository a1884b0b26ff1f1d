"""`reconcile promote`: what one environment tested becomes what another one asks for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import click

from reconciler.adapters.engine_files.promotion import Promoter
from reconciler.adapters.project.settings import find_root
from reconciler.app.environments.promoting import Promotion, Side
from reconciler.app.planning import discovered
from reconciler.app.recorded import read_recorded_state
from reconciler.app.selection import select
from reconciler.cli.command import Command
from reconciler.cli.invocation import invocation_of, with_settings
from reconciler.cli.opening import engine_keys, open_project, settings_of_environment, start_folder
from reconciler.cli.options import as_keys, given, global_options
from reconciler.cli.screen import screen_of
from reconciler.core.commands import commands_for, git, git_path, only, reconcile
from reconciler.core.engine.overlay import chosen
from reconciler.core.errors import Diagnostic, InvalidInput, Severity, UsageError, most_severe
from reconciler.core.frozen import replace
from reconciler.core.plan.environments.promotion import UNCHANGED, WRITTEN, Promoted
from reconciler.core.settings.model import Settings
from reconciler.core.suggest import did_you_mean
from reconciler.project.opened import Project
from reconciler.project.several import Place, environments_of

_NAMED = 5  # engines that the commands to come name one by one


@click.command("promote", cls=Command, example="acme --from staging --to production", docs="environments.md")
@click.argument("keys", nargs=-1, required=True, metavar="KEY [KEY]...", callback=as_keys)
@click.option(
    "--from", "source", required=True, metavar="ENV", help="The environment that tested the engine."
)
@click.option("--to", "target", required=True, metavar="ENV", help="The environment that is to get it.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Print the result in this format.",
)
@global_options
@click.pass_context
def command(
    ctx: click.Context, keys: tuple[str, ...], source: str, target: str, dry_run: bool, format_: str
) -> None:
    """Give engines of one environment what another one tested.

    KEY may be a pattern. An engine is tested if its job completed in --from and its files have not changed since. The
    edits go into the engine file or the overlay of --to; further environments stay as they are. Nothing is provisioned:
    review the edits, commit them, and apply them in --to. Needs no API key and no network.
    """
    if given(ctx, "environment") is not None:
        raise UsageError("promote is for two environments", hint="leave out --env; use --from and --to")
    run = _Run(ctx, source, target)
    found, diagnostics = run.of(keys)
    if not dry_run:
        for one in found:
            run.write(one)
    code = most_severe(one.code for one in found)
    following = [] if dry_run else run.following(found)
    if format_ == "json":
        from reconciler.render.data.promotion_json import promotion_json  # one view of two

        click.echo(
            promotion_json(
                found,
                diagnostics,
                source=source,
                target=target,
                dry_run=dry_run,
                following=following,
                code=int(code),
            )
        )
    else:
        _show(ctx, found, diagnostics, source, target, dry_run=dry_run)
        if following:
            click.echo("\n".join(["Next:", *(f"  {line}" for line in following)]), err=True)
    ctx.exit(code)


def _show(
    ctx: click.Context,
    found: Sequence[Promoted],
    diagnostics: Sequence[Diagnostic],
    source: str,
    target: str,
    *,
    dry_run: bool,
) -> None:
    from reconciler.render.phrases.diagnostics import render_diagnostics
    from reconciler.render.text.promotion import render_promotion

    screen = screen_of(sys.stdout, given(ctx, "color"))
    if diagnostics:
        click.echo(
            render_diagnostics(
                diagnostics, color=screen.color, ascii_only=screen.ascii_only, width=screen.wrap
            )
        )
    click.echo(render_promotion(found, source, target, dry_run=dry_run))


def _check_listed(option: str, name: str, listed: Sequence[str]) -> None:
    if name in listed:
        return
    close = did_you_mean(name, listed)
    known = ", ".join(listed) or "none"
    raise UsageError(
        f"{option} {name}: the settings list no such environment",
        hint=f"did you mean `{close}`?" if close else f"list it under `environments:`; listed are: {known}",
    )


class _Run:
    """Two environments of one project, opened."""

    def __init__(self, ctx: click.Context, source: str, target: str) -> None:
        self._ctx = ctx
        start = start_folder(ctx)
        place = Place(find_root(start), start, given(ctx, "config"))
        _check_listed("--from", source, environments_of(place, os.environ))
        self._project = open_project(ctx, environment=source)
        listed = self._project.settings.listed
        _check_listed(
            "--from", source, listed
        )  # without a list there is one environment, and none to promote to
        _check_listed("--to", target, listed)
        if source == target:
            raise UsageError("--from and --to name the same environment")
        self._beside = settings_of_environment(ctx)
        self._source = replace(self._project, settings=self._beside(source))
        self._target = replace(self._project, settings=self._beside(target))
        folders = [one.settings.engines for one in (self._source, self._target)]
        if folders[0] != folders[1]:
            raise UsageError(
                f"{source} has its engines in {folders[0]}/, and {target} in {folders[1]}/",
                hint="promote is for environments with one folder of engine files; copy the files instead",
            )
        self._invocation = invocation_of(ctx, start, self._project.root)

    def of(self, keys: tuple[str, ...]) -> tuple[list[Promoted], list[Diagnostic]]:
        """What is found out about the engines that are asked for, and what is wrong with files."""
        source, target = _side(self._source), _side(self._target)
        named = engine_keys(self._ctx, self._source, keys)
        _check_chosen(named, source)
        wanted = select(named, source.found)
        promotion = Promotion(
            source,
            target,
            read_recorded_state(self._source.lockfile, self._source.known_journal),
            self._promoter({*source.found.values(), *target.found.values()}),
            self._others,
        )
        promoted: list[Promoted] = []
        diagnostics: list[Diagnostic] = []
        with self._commands_of(self._source.settings):
            for key in source.found:
                if wanted(key):
                    one, problems = promotion.of(key)
                    promoted.append(one)
                    diagnostics += [problem for problem in problems if problem not in diagnostics]
        return promoted, diagnostics

    def _promoter(self, paths: Iterable[str]) -> Promoter:
        root = str(self._project.root)
        settings = self._target.settings
        return Promoter(root, settings.engines, settings.output_rules, settings.listed, _linked(root, paths))

    def _others(self, key: str) -> Iterable[str]:
        """The further environments that read the same engine file and choose the engine."""
        for name in self._source.settings.listed:
            if name in (self._source.settings.environment, self._target.settings.environment):
                continue
            settings = self._beside(name)
            if settings.engines == self._target.settings.engines and chosen(settings.choice, key):
                yield name

    def _commands_of(self, settings: Settings) -> AbstractContextManager[None]:
        invocation = replace(with_settings(self._invocation, settings), environment=settings.environment)
        return commands_for(invocation)

    def write(self, one: Promoted) -> None:
        """Each file in one step; a run that is killed between two is finished when it is typed again."""
        from reconciler.adapters.storage.durable_files import mapped, replace_file, sync_folder

        for path, text in {} if one.edits is None else one.edits.files.items():
            file = Path(self._project.root, path)
            if text is not None:
                replace_file(file, text.encode(), path)
                continue
            with mapped("remove", path):
                file.unlink(missing_ok=True)
                sync_folder(file.parent)

    def following(self, found: Sequence[Promoted]) -> list[str]:
        """The commands that come next."""
        done = [one for one in found if one.status in (WRITTEN, UNCHANGED)]
        if not done:
            return []
        paths = dict.fromkeys(path for one in done if one.edits is not None for path in one.edits.files)
        with self._commands_of(self._target.settings):
            named = [only(one.key) for one in done] if len(done) <= _NAMED else []
            commit = f"{git('add', '--', *(git_path(path) for path in paths))} && {git('commit')}"
            return [reconcile("plan", *named), *([commit] if paths else []), reconcile("apply", *named)]


def _check_chosen(named: Iterable[str], source: Side) -> None:
    """Raises `UsageError` for an engine that has a file, and that the environment leaves out."""
    unchosen = source.engines.beside().unchosen
    for key in named:
        if key in unchosen:
            raise UsageError(
                f"`{key}` is not chosen for {source.name}",
                hint="change `include` or `exclude` of that environment in the settings",
            )


def _side(project: Project) -> Side:
    engines = project.engines
    found, problems = discovered(engines, project.checkout)
    wrong = [one for one in problems if one.severity is Severity.ERROR]
    if wrong:
        raise InvalidInput("the engine files are not valid", diagnostics=wrong)
    return Side(project.settings.environment, engines, found)


def _linked(root: str, paths: Iterable[str]) -> frozenset[str]:
    """The places on disk that links among these paths lead to."""
    real = os.path.realpath(root)
    places = ((os.path.join(real, path), os.path.realpath(os.path.join(root, path))) for path in paths)
    return frozenset(place for path, place in places if path != place)
