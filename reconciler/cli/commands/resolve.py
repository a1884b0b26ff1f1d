"""`reconcile resolve`: a person says what became of a create call whose answer was lost."""

from __future__ import annotations

from collections.abc import Sequence

import click

from reconciler.adapters.outputs.files import LockfileAndOutputs
from reconciler.adapters.storage.lease_file import FileLease
from reconciler.adapters.system.clock import UtcClock
from reconciler.app.settling import settle
from reconciler.cli.opening import open_project
from reconciler.cli.options import as_keys, global_options
from reconciler.cli.stderr import warn
from reconciler.cli.wiring.interrupts import held_together
from reconciler.cli.wiring.project import WRITTEN, Project
from reconciler.cli.wiring.publishing import target_of_run
from reconciler.core.commands import reconcile
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Begin, Record
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.platform.job import is_id
from reconciler.render.phrases.sanitize import sanitize


@click.command("resolve")
@click.argument("key", callback=as_keys)
@click.option(
    "--engine-id", metavar="ID", help="The engine was made, it has this ID, and it is ready for use."
)
@click.option(
    "--job-id", metavar="ID", help="With --engine-id: its job, so that the next apply waits for it."
)
@click.option("--force", is_flag=True, help="With --engine-id: do not ask the platform for that engine.")
@click.option("--retry", is_flag=True, help="No engine was made: the next apply creates it.")
@click.option("--forget", is_flag=True, help="Leave it: nothing is created until its file changes.")
@click.option("--operation", metavar="ID", help="Which call, where several have an unknown outcome.")
@click.option(
    "--publish/--no-publish",
    default=None,
    help="Bring the decision to the remote, too; on by default where the operation was seen there.",
)
@click.option("--publish-pr", is_flag=True, help="The same by pull request.")
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
    operation: str | None,
    publish: bool | None,
    publish_pr: bool,
) -> None:
    """Settle the uncertain operation of KEY.

    Look on the platform first: an engine of that name, made at that time, is the one. Exactly one of
    --engine-id, --retry and --forget says what you found.
    """
    if [engine_id is not None, retry, forget].count(True) != 1:
        raise click.UsageError("say what you found: one of --engine-id ID, --retry and --forget.", ctx)
    if engine_id is None and (job_id is not None or force):
        raise click.UsageError(f"--{'force' if force else 'job-id'} goes with --engine-id.", ctx)
    if operation == "":
        raise click.UsageError("an ID cannot be empty.", ctx)
    for what, value in (("engine", engine_id), ("job", job_id)):
        _check_id(ctx, what, value)
    decision = "engine" if engine_id is not None else "retry" if retry else "forget"
    project = _project(ctx, key, "pr" if publish_pr else publish)
    if engine_id is not None and not force:
        _look_up(project, key, engine_id, job_id, operation)
    with FileLease(project.private).hold():
        _settle(project, key, decision, engine_id, job_id, operation)
    said = _said(decision, engine_id, job_id)
    click.echo(sanitize(f"{key}: {said}; {project.settings.lockfile} is written"))


def _check_id(ctx: click.Context, what: str, value: str | None) -> None:
    """Raises `UsageError` for what cannot be an ID: a page's address, a name, a placeholder."""
    if value is None or (is_id(value) and value not in _METAVARIABLES):
        return
    shown = sanitize(value[:80])
    raise click.UsageError(
        f"`{shown}` is no {what} ID; one has letters, digits, `_` and `-`, such as {_LIKE[what]}.", ctx
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
    if publish is None or (publish is True and project.settings.publish == "pr"):
        return project
    return open_project(ctx, publish=publish)


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
    lockfile = LockfileAndOutputs(
        project.root, project.settings.lockfile, project.settings.engines, note=project.private / WRITTEN
    )
    target = target_of_run(project.root, project.settings)
    if target is None:
        journal = project.known_journal
        settle(lockfile, journal, UtcClock(), key, decision, engine_id, job_id, operation=operation)
        _warn(lockfile.problems)
        return
    target.check_seal(_without_key(key, decision, engine_id, job_id, operation))
    seen = target.look_when_free(project.settings.lease_wait or 0.0, project.journal)
    ledger_writer = target.writer(seen)

    def publish(settled: Lockfile, records: Sequence[Record]) -> Lockfile:
        with held_together(ledger_writer):
            ledger_writer.acquire()
            return ledger_writer.finish(settled, records).lockfile

    settle(
        lockfile,
        project.journal,
        UtcClock(),
        key,
        decision,
        engine_id,
        job_id,
        operation=operation,
        shared=seen,
        publish=publish,
    )
    target.keep(ledger_writer.seen)
    _warn(lockfile.problems)
    target.propose(ledger_writer.seen)


def _without_key(
    key: str, decision: str, engine_id: str | None, job_id: str | None, operation: str | None
) -> str:
    """The same resolution where there is a key: in the workflow that is made for it, or here with one."""
    from reconciler.cli.wiring.sealing import how_to_resolve

    given = {"engine-id": engine_id, "job-id": job_id, "operation": operation}
    return how_to_resolve(key, decision, {name: value for name, value in given.items() if value is not None})


def _warn(problems: Sequence[str]) -> None:
    for one in problems:
        warn(one)


def _said(decision: str, engine_id: str | None, job_id: str | None) -> str:
    if decision == "retry":
        return "nothing was made; the next apply creates it"
    if decision == "forget":
        return "left alone until its file changes, or --retry-failed"
    return f"{engine_id} is its engine" + ("; the next apply waits for its job" if job_id else "")
