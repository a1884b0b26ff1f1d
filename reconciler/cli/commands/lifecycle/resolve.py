"""`reconcile resolve`: a person says what became of a create call whose answer was lost."""

from __future__ import annotations

import uuid
from typing import Any

import click

from reconciler.adapters.storage.lease_file import FileLease
from reconciler.adapters.system.clock import UtcClock
from reconciler.app.ports import Journal, LockfileStore
from reconciler.app.recorded import read_recorded_state
from reconciler.app.settling import calls_in_question, settle
from reconciler.cli.command import Command
from reconciler.cli.opening import engine_keys, open_project, publishing
from reconciler.cli.options import as_keys, global_options
from reconciler.cli.runs.deciding import finish_cut_off, record_decision
from reconciler.cli.screen import tell
from reconciler.cli.wiring.api_key import api_key
from reconciler.cli.wiring.publishing import shares
from reconciler.cli.wiring.resolutions import Resolutions
from reconciler.core.commands import key_variable, reconcile
from reconciler.core.errors import UsageError
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Begin
from reconciler.core.lockfile.model import EMPTY
from reconciler.core.values import ID
from reconciler.project.opened import Project
from reconciler.render.phrases.sanitize import sanitize


@click.command("resolve", cls=Command, example="acme --retry", docs="how-it-works.md")
@click.argument("key", callback=as_keys)
@click.option("--engine-id", metavar="ID", help="Record this engine: it was created and is ready for use.")
@click.option("--job-id", metavar="ID", help="With --engine-id, let the next apply wait for this job.")
@click.option("--force", is_flag=True, help="With --engine-id, do not look the engine up on the platform.")
@click.option("--retry", is_flag=True, help="No engine was created: let the next apply create it.")
@click.option(
    "--forget", is_flag=True, help="Mark it as not created: nothing is created until its file changes."
)
@click.option(
    "--undo",
    is_flag=True,
    help="Take back the last resolution of KEY, if nothing has happened to KEY since.",
)
@click.option("--find", is_flag=True, help="List unrecorded engines that the call may have created.")
@click.option("--operation", metavar="ID", help="Choose the call, if several have an unknown outcome.")
@click.option(
    "--publish/--no-publish",
    default=None,
    help="Also push the resolution to the remote; the default if the operation was seen there.",
)
@click.option("--publish-pr", is_flag=True, help="Also push it, with the lockfile in a pull request.")
@global_options
@click.pass_context
def command(
    ctx: click.Context,
    key: str,
    engine_id: str | None,
    job_id: str | None,
    force: bool,
    retry: bool,
    forget: bool,
    undo: bool,
    find: bool,
    operation: str | None,
    publish: bool | None,
    publish_pr: bool,
) -> None:
    """Resolve a create call of KEY whose outcome is unknown.

    Look on the platform first: an engine of that name, created at that time, is the one; --find looks there for you.
    Say what you found with exactly one of --engine-id, --retry and --forget. --undo takes back the last resolution
    made on this machine.
    """
    if [engine_id is not None, retry, forget, undo, find].count(True) != 1:
        raise click.UsageError(
            "say what you found with one of --engine-id, --retry and --forget, or look with --find.", ctx
        )
    if key.endswith((".yaml", ".yml")):  # the engine is named by its file
        (key,) = engine_keys(ctx, open_project(ctx), [key])
    if undo:
        _undo(ctx, key, "pr" if publish_pr else publish)
        return
    if engine_id is None and (job_id is not None or force):
        raise click.UsageError(f"--{'force' if force else 'job-id'} goes with --engine-id.", ctx)
    if operation == "":
        raise click.UsageError("an ID cannot be empty.", ctx)
    for what, value in (("engine", engine_id), ("job", job_id)):
        _check_id(ctx, what, value)
    if find:
        _find(ctx, key, operation, publish)
        return
    decision = "engine" if engine_id is not None else "retry" if retry else "forget"
    project = _project(ctx, key, "pr" if publish_pr else publish)
    finish_cut_off(project, f"set {key_variable()}", "resolve", key)
    if engine_id is not None and not force:
        _look_up(project, key, engine_id, job_id, operation)
    again = reconcile("apply", "--refresh") if retry and _stands_in(project, key) else None
    with FileLease(project.private).hold():
        _settle(project, key, decision, engine_id, job_id, operation)
    said = _said(decision, engine_id, job_id, again)
    tell(sanitize(f"{key}: {said}; {project.settings.lockfile} is written"))


def _undo(ctx: click.Context, key: str, publish: bool | str | None) -> None:
    """Raises `UsageError` where there is nothing to take back."""
    from reconciler.app.settling import undo

    project = open_project(ctx)
    resolutions = Resolutions(project.private)
    found = resolutions.recall(key)
    if found is None:
        raise UsageError(f"`{key}` was not resolved on this machine")
    resolution, published = found
    project = publishing(ctx, project, True if publish is None and published else publish)

    def carry_out(lockfile: LockfileStore, journal: Journal, **shared: Any) -> None:
        undo(lockfile, journal, UtcClock().now(), resolution, str(uuid.uuid4()), **shared)

    with FileLease(project.private).hold():
        record_decision(project, reconcile("resolve", "--undo", arguments=[key]), carry_out)
        resolutions.forget(key)
    said = "resolution undone; the outcome of its create call is unknown again"
    tell(sanitize(f"{key}: {said}; {project.settings.lockfile} is written"))


def _find(ctx: click.Context, key: str, operation: str | None, publish: bool | None) -> None:
    """Prints what the platform lists that the calls of KEY may have created. Records nothing."""
    from reconciler.cli.wiring.listed_engines import (
        engines_listed,
        named_on_remote,
        other_environments,
        recorded_anywhere,
        where_it_stands,
    )
    from reconciler.core.plan.lookup import look_through
    from reconciler.render.text.lookup import render_found

    project = publishing(ctx, open_project(ctx), publish)
    recorded = where_it_stands(project)
    calls = calls_in_question(recorded, key, operation)
    known = recorded_anywhere(recorded, other_environments(project)[0]) | (named_on_remote(project) or set())
    listing = engines_listed(project.settings, api_key(project.settings))
    found = [(call, look_through(call, listing, known)) for call in calls]
    click.echo(render_found(key, found, listing, several=operation is not None or len(calls) > 1))


def _check_id(ctx: click.Context, what: str, value: str | None) -> None:
    """Raises `UsageError` for what cannot be an ID: a page's address, a name, a placeholder."""
    if value is None or (ID.accepts(value) and value not in _METAVARIABLES):
        return
    shown = sanitize(value[:80])
    raise click.UsageError(
        f"`{shown}` is not a valid {what} ID; IDs have letters, digits, `_` and `-`, such as {_LIKE[what]}.",
        ctx,
    )


_METAVARIABLES = frozenset({"ID", "ENGINE_ID", "JOB_ID"})
_LIKE = {"engine": "eng_X1y2Z3a4B5c6D7e8", "job": "pjb_A1b2C3d4E5f6G7h8"}


def _look_up(project: Project, key: str, engine_id: str, job_id: str | None, operation: str | None) -> None:
    """Raises where the platform does not show that engine, or cannot be asked."""
    from reconciler.cli.wiring.engine_lookup import check_engine  # the network, only with a key

    given = (("--engine-id", engine_id), ("--job-id", job_id), ("--operation", operation))
    options = [(name, value) for name, value in given if value is not None]
    anyway = reconcile("resolve", *options, "--force", arguments=[key])
    lockfile = project.lockfile.read()[0]
    serving = (entry.current for one in lockfile.engines if (entry := lockfile.entry(one)) is not None)
    check_engine(project.settings, engine_id, [one.engine_id for one in serving if one is not None], anyway)


def _project(ctx: click.Context, key: str, publish: bool | str | None) -> Project:
    """With --publish in the way that is set: to the branch itself, or by pull request."""
    project = open_project(ctx)
    if publish is None and project.settings.publish is None and _is_from_ledger(project, key):
        publish = True
    return publishing(ctx, project, publish)


def _is_from_ledger(project: Project, key: str) -> bool:
    """Whether a call of this engine was seen on the remote: then its resolution counts for every run, at once."""
    records, unverified = project.known_journal.fetched()
    entry = fold(EMPTY, records).entry(key)
    told = any(
        isinstance(one.record, Begin) and one.record.key == key
        for one in (unverified.records if unverified is not None else ())
    )
    return told or (entry is not None and bool(entry.unresolved))


def _settle(
    project: Project,
    key: str,
    decision: str,
    engine_id: str | None,
    job_id: str | None,
    operation: str | None,
) -> None:
    resolutions, published = Resolutions(project.private), shares(project.settings)

    def carry_out(lockfile: LockfileStore, journal: Journal, **shared: Any) -> None:
        settle(
            lockfile,
            journal,
            UtcClock(),
            key,
            decision,
            engine_id,
            job_id,
            operation=operation,
            remember=lambda one: resolutions.remember(one, published=published),
            **shared,
        )

    record_decision(project, _without_key(key, decision, engine_id, job_id, operation), carry_out)


def _without_key(
    key: str, decision: str, engine_id: str | None, job_id: str | None, operation: str | None
) -> str:
    """The same resolution where there is a key: in the workflow that is made for it, or here with one."""
    from reconciler.project.sealing import how_to_resolve

    given = {"engine-id": engine_id, "job-id": job_id, "operation": operation}
    return how_to_resolve(key, decision, {name: value for name, value in given.items() if value is not None})


def _stands_in(project: Project, key: str) -> bool:
    """Whether a call is for an engine in the place of one that is gone."""
    entry = read_recorded_state(project.lockfile, project.known_journal).folded.entry(key)
    return entry is not None and any(
        call.instead_of is not None and not call.refreshes for call in entry.unresolved
    )


def _said(decision: str, engine_id: str | None, job_id: str | None, again: str | None) -> str:
    if decision == "retry":
        return f"marked as not created; {f'`{again}`' if again else 'the next apply'} creates it"
    if decision == "forget":
        return "marked as not created; skipped until its file changes, or until --retry-failed"
    return f"recorded {engine_id} as its engine" + ("; the next apply waits for its job" if job_id else "")
