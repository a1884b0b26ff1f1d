"""`reconcile prune`: delete earlier and retired engines on the platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from reconciler.adapters.system.clock import UtcClock
from reconciler.app.recorded import RecordedState, read_recorded_state
from reconciler.app.selection import select
from reconciler.cli.command import Command
from reconciler.cli.opening import engine_keys, open_project, publishing, settings_of_environment
from reconciler.cli.options import ONLY, as_keys, global_options, text_or_json
from reconciler.cli.screen import must_ask, tell
from reconciler.core.commands import key_variable, reconcile
from reconciler.core.duration import parse_duration
from reconciler.core.errors import ExitCode, InvalidInput, UsageError, most_severe
from reconciler.core.frozen import dataclass
from reconciler.core.ledger.pruning import begun_by
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.limits import Policy
from reconciler.core.plan.pruning import DEFAULT_KEEP, Choice, Listed, Terms, choose, deletions
from reconciler.core.values import ID
from reconciler.project.opened import Project
from reconciler.render.phrases.sanitize import sanitize

if TYPE_CHECKING:
    from reconciler.cli.runs.pruning import DeletingRun, Done


def _age(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    try:
        return parse_duration(value)
    except InvalidInput as error:
        hint = error.hint or ""
        raise click.BadParameter(f"{error.message}; {hint}", ctx, param) from error


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the options ask for."""

    older_than: float | None
    keep: int
    only: Sequence[str]
    allow: frozenset[str]
    dry_run: bool
    asks: bool
    format: str

    def terms(self, project: Project, recorded: RecordedState) -> Terms:
        folded = recorded.folded
        keys = {*folded.engines, *folded.retired}
        selected = select(self.only, keys)
        for key in sorted(self.allow - keys):
            raise UsageError(f"--allow-prune `{key}`: no such engine", hint="use the full key")
        policy = Policy(max_prune=project.settings.max_prune, allow_prune=self.allow)
        begun = frozenset(one.engine_id for one in begun_by(recorded.records))
        return Terms(UtcClock().now(), self.older_than, self.keep, selected, policy, begun)


@click.command("prune", cls=Command, example="--older-than 14d --dry-run", docs="clean-up.md")
@click.option(
    "--older-than",
    callback=_age,
    metavar="TIME",
    help="Only engines that have been out of use for so long, such as 14d. By default, of any age.",
)
@click.option(
    "--keep",
    type=click.IntRange(0, 1000),
    default=DEFAULT_KEEP,
    show_default=True,
    metavar="N",
    help="Keep the newest N earlier engines of each engine in use, for a rollback.",
)
@ONLY
@click.option("--dry-run", is_flag=True, help="Show what would be deleted. Needs no key and no network.")
@click.option("--yes", is_flag=True, help="Go ahead without asking.")
@click.option(
    "--allow-prune",
    callback=as_keys,
    multiple=True,
    metavar="KEY",
    help="Delete engines of KEY even if it is protected or over the limit. Repeatable.",
)
@click.option(
    "--deleted-by-hand",
    multiple=True,
    metavar="ENGINE_ID",
    help="Record that this engine was deleted in the dashboard. Repeatable.",
)
@text_or_json("Print the result in this format.")
@click.option(
    "--publish/--no-publish", default=None, help="Publish the result, as `apply` does; on by default in CI."
)
@click.option("--publish-pr", is_flag=True, help="Publish it by pull request.")
@global_options
@click.pass_context
def command(
    ctx: click.Context,
    older_than: float | None,
    keep: int,
    only: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    allow_prune: tuple[str, ...],
    deleted_by_hand: tuple[str, ...],
    format_: str,
    publish: bool | None,
    publish_pr: bool,
) -> int:
    """Delete engines that are out of use on the platform.

    The lockfile lists them as superseded or retired. Engines in use anywhere are never deleted: in this lockfile, on
    the branch, in another environment, or in a file that IDs are written to.
    """
    project = publishing(ctx, open_project(ctx), "pr" if publish_pr else publish)
    if deleted_by_hand:
        if dry_run or only or older_than is not None:
            raise click.UsageError("--deleted-by-hand goes with no other choice.", ctx)
        return _record_deleted(ctx, project, deleted_by_hand)
    asked = _Asked(
        older_than,
        keep,
        engine_keys(ctx, project, only),
        frozenset(engine_keys(ctx, project, allow_prune)),
        dry_run,
        not dry_run and must_ask("prune", yes=yes),
        format_,
    )
    return int(_dry_run(ctx, project, asked) if dry_run else _prune(ctx, project, asked))


def _dry_run(ctx: click.Context, project: Project, asked: _Asked) -> ExitCode:
    from reconciler.cli.wiring.in_use import InUse

    recorded = read_recorded_state(project.lockfile, project.known_journal)
    reasons = InUse(project, settings_of_environment(ctx), online=False).reasons(recorded.folded, None)
    choices = choose(recorded.folded, asked.terms(project, recorded), reasons)
    _show(choices, asked.format)
    return _code_of(choices)


def _prune(ctx: click.Context, project: Project, asked: _Asked) -> ExitCode:
    from reconciler.adapters.storage.lease_file import FileLease
    from reconciler.cli.runs.pruning import DeletingRun
    from reconciler.cli.wiring.api_key import api_key
    from reconciler.cli.wiring.in_use import InUse
    from reconciler.cli.wiring.publishing import target_of_run

    target = target_of_run(project.root, project.settings)
    key = api_key(project.settings)
    in_use = InUse(project, settings_of_environment(ctx), online=True)

    def chosen(folded: Lockfile, reasons: Mapping[str, str]) -> Sequence[Listed]:
        return deletions(choose(folded, terms, reasons))

    run = DeletingRun(project, in_use, target, key, chosen)
    seen = run.look()
    recorded = run.recorded(seen)
    folded, terms = recorded.folded, asked.terms(project, recorded)
    choices = choose(folded, terms, in_use.reasons(folded, seen))
    wanted = deletions(choices)
    if not wanted or asked.asks or asked.format == "text":
        _show(choices, asked.format, beside=bool(wanted))
    if not wanted:
        if recorded.unwritten:  # what a run that was killed got done
            with FileLease(project.private).hold():
                run.run(seen, [])
        return _code_of(choices)
    if asked.asks and not click.confirm(_question(wanted), err=True):
        click.echo("nothing was done", err=True)
        return ExitCode.OK
    with FileLease(project.private).hold():
        done = run.run(seen, wanted)
    return _report(project, choices, done, asked.format, run)


def _question(wanted: Sequence[Listed]) -> str:
    count = len(wanted)
    return f"\nDelete {'this engine' if count == 1 else f'these {count:,} engines'}? This cannot be undone."


def _code_of(choices: Sequence[Choice]) -> ExitCode:
    return (
        ExitCode.GUARD if any(one.guard is not None and one.kept is None for one in choices) else ExitCode.OK
    )


def _show(choices: Sequence[Choice], format_: str, *, beside: bool = False) -> None:
    """The plan; `beside` the result that is still to come, where that is for programs."""
    from reconciler.render.data.pruning_json import prune_json
    from reconciler.render.text.pruning import prune_plan

    if format_ == "json" and not beside:
        click.echo(prune_json(choices), nl=False)
    else:
        click.echo(prune_plan(choices), nl=False, err=format_ == "json")


def _report(
    project: Project, choices: Sequence[Choice], done: Done, format_: str, run: DeletingRun
) -> ExitCode:
    from reconciler.app.pruning import Result
    from reconciler.render.data.pruning_json import prune_json
    from reconciler.render.text.pruning import by_hand, prune_outcome

    if format_ == "json":
        results = {one.listed.engine_id: (one.result.value, one.reason) for one in done.deletions}
        click.echo(prune_json(choices, results), nl=False)
    told = [(one.listed, one.result.value, one.reason) for one in done.deletions]
    click.echo(prune_outcome(told), nl=False, err=format_ == "json")
    hand = [one.listed for one in done.deletions if one.result is Result.BY_HAND]
    if hand:
        left = [one.listed for one in done.deletions if one.result is Result.LEFT]
        click.echo(by_hand([*hand, *left]), nl=False, err=format_ == "json")
    if done.error is not None:
        raise done.error
    if (step := run.next_step()) is not None and any(one.result is Result.DELETED for one in done.deletions):
        click.echo(f"Next: {step}", err=True)
    failed = any(one.result is not Result.DELETED for one in done.deletions)
    codes = [_code_of(choices)]
    codes += [ExitCode.FAILED] if failed else []
    codes += [ExitCode.INTERRUPTED] if done.interrupted else []
    return most_severe(codes)


def _record_deleted(ctx: click.Context, project: Project, engines: Sequence[str]) -> int:
    """Record that these engines were deleted in the dashboard. Raises `UsageError` for one that is not out of use, or
    that the platform still has.
    """
    from reconciler.adapters.storage.lease_file import FileLease
    from reconciler.app.pruning import record_deleted
    from reconciler.cli.runs.deciding import record_decision
    from reconciler.cli.wiring.engine_lookup import refuse_if_there
    from reconciler.cli.wiring.in_use import InUse

    in_use = InUse(project, settings_of_environment(ctx), online=True)
    for engine_id in engines:
        if not ID.accepts(engine_id):
            raise UsageError(f"`{sanitize(engine_id[:80])}` is not an engine ID")

    def refuse(named: Sequence[str]) -> None:
        refuse_if_there(project.settings, named)

    def carry_out(lockfile: Any, journal: Any, **shared: Any) -> None:
        seen = shared["shared"] if "shared" in shared else in_use.look()

        def reasons(folded: Lockfile) -> Mapping[str, str]:
            return in_use.reasons(folded, seen)

        record_deleted(lockfile, journal, UtcClock(), engines, reasons, refuse, **shared)

    again = reconcile("prune", *[("--deleted-by-hand", one) for one in engines])
    with FileLease(project.private).hold():
        recorded = record_decision(project, f"set {key_variable()}, then run `{again}`", carry_out)
    tell(f"{', '.join(engines)}: deleted by hand ({recorded.where})")
    if recorded.step is not None:
        click.echo(f"Next: {recorded.step}", err=True)
    return int(ExitCode.OK)
