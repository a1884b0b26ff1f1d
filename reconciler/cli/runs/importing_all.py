"""`reconcile import --all`: engines that the platform lists and nobody recorded, chosen by a person or by their names.

Each is imported as by itself. What cannot be is said with the command that does it by hand, and stops nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase

import click

from reconciler.app.recorded import RecordedState
from reconciler.cli.runs.importing import files_of, import_engine
from reconciler.cli.screen import screen_of
from reconciler.cli.stderr import say, warn
from reconciler.cli.wiring.api_key import api_key
from reconciler.cli.wiring.git_hints import how_to_record
from reconciler.cli.wiring.listed_engines import (
    engines_listed,
    named_on_remote,
    other_environments,
    recorded_anywhere,
    where_it_stands,
)
from reconciler.core.commands import reconcile
from reconciler.core.errors import ExitCode, LeaseHeld, ReconcileError, StorageError, UsageError
from reconciler.core.plan.lookup import name_of
from reconciler.core.plan.offers import Offer, Taken, numbers_in, offers_for, without_collisions
from reconciler.core.platform.listing import ListedEngine
from reconciler.project.opened import Project
from reconciler.render.phrases.sanitize import sanitize, sanitize_lines
from reconciler.render.phrases.words import counted
from reconciler.render.text.offers import offer_lines

_FEW = 10  # files that a command names one by one
_TRIES = 3


def import_all(project: Project, match: str | None, *, yes: bool, as_is: bool) -> ExitCode:
    """Raises what keeps everything from being imported; what keeps single engines from it is told."""
    _check_flags(match, yes=yes)
    recorded = where_it_stands(project)
    listing = engines_listed(project.settings, api_key(project.settings))
    known = recorded_anywhere(recorded, other_environments(project)[0]) | (named_on_remote(project) or set())
    unrecorded = [one for one in listing.engines if one.engine_id not in known]
    if not listing.complete:
        warn("the platform has more engines than it listed")
    if not unrecorded:
        click.echo(f"No engines to import: {counted(len(listing.engines), 'engine')} listed, all recorded.")
        return ExitCode.OK
    matching = [one for one in unrecorded if match is None or fnmatchcase(one.name or "", match)]
    if not matching:
        raise UsageError(f"no unrecorded engine has a name like `{match}`", hint=_names(unrecorded))
    offers = offers_for(matching, _taken(project, recorded))
    chosen = without_collisions(_chosen(offers, match, yes=yes))
    if not chosen:
        click.echo("No changes made.", err=True)
        return ExitCode.OK
    return _Import(project, as_is=as_is).of(chosen)


def _check_flags(match: str | None, *, yes: bool) -> None:
    """Raises `UsageError` where nobody can be asked, and nothing says which engines are meant."""
    if yes and match is None:
        raise UsageError(
            "--yes needs --match GLOB", hint=reconcile("import", "--all", ("--match", "*"), "--yes")
        )
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "there is no terminal to choose engines on",
            hint=f"use --match GLOB and --yes, such as `{reconcile('import', '--all', ('--match', '*'), '--yes')}`",
        )


def _names(engines: Sequence[ListedEngine]) -> str:
    names = sorted({one.name for one in engines if one.name is not None})
    more = f", … and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return f"their names are {', '.join(names[:_FEW])}{more}" if names else "none of them has a name"


def _taken(project: Project, recorded: RecordedState) -> Taken:
    lockfile = recorded.folded
    files = files_of(project)
    waiting: dict[str, str] = {}
    for key, path in files.items():
        loaded = None if key in lockfile.engines else project.engines.load(key, path, project.id_length)
        if loaded is not None and not isinstance(loaded, list):
            waiting.setdefault(loaded.spec.name, key)
    lost: dict[str, str] = {}
    for key in lockfile.engines:
        entry = lockfile.entry(key)
        for call in (*(entry.unresolved if entry is not None else ()), *recorded.doubts.get(key, ())):
            lost.setdefault(name_of(call), key)
    return Taken(lockfile.engines.keys(), files.keys(), waiting, lost)


def _chosen(offers: tuple[Offer, ...], match: str | None, *, yes: bool) -> tuple[Offer, ...]:
    """Those that are wanted. On a terminal they are shown and asked for."""
    if yes:
        return offers
    screen = screen_of(sys.stdout, None)
    click.echo("\n".join(offer_lines(offers, ascii_only=screen.ascii_only, wrap=screen.wrap)))
    if match is not None:
        wanted = click.confirm(f"\nImport {counted(len(offers), 'engine')}?", err=True)
        return offers if wanted else ()
    click.echo("", err=True)
    for _ in range(_TRIES):
        answer = click.prompt(
            "Which ones? (1,3-5, all; empty for none)", default="", show_default=False, err=True
        )
        try:
            return tuple(offers[number - 1] for number in numbers_in(answer, len(offers)))
        except UsageError as error:
            say(f"{error.message}; {error.hint}", "error")
    raise UsageError("no engines chosen", hint="write numbers and ranges, such as 1,3-5, or `all`")


class _Import:
    """One after the other."""

    def __init__(self, project: Project, *, as_is: bool) -> None:
        self._project = project
        self._as_is = as_is
        self._files: list[str] = []
        self._declined = 0
        self._left: list[tuple[Offer, str, str | None]] = []

    def of(self, chosen: Sequence[Offer]) -> ExitCode:
        stopped: ReconcileError | None = None
        interrupted = False
        for offer in chosen:
            if stopped is not None or interrupted:
                self._leave(offer, "not tried")
                continue
            try:
                self._one(offer)
            except (StorageError, LeaseHeld) as error:  # the next one would meet it, too
                stopped = error
                self._leave(offer, error.message, error.hint)
            except ReconcileError as error:
                self._leave(offer, error.message, error.hint)
            except (KeyboardInterrupt, click.Abort):
                interrupted = True
                self._leave(offer, "interrupted")
        self._tell()
        if interrupted:
            return ExitCode.INTERRUPTED
        if stopped is not None:
            return stopped.exit_code
        return ExitCode.FAILED if len(self._left) > self._declined else ExitCode.OK

    def _one(self, offer: Offer) -> None:
        engine_id = offer.engine.engine_id
        if offer.key is None:
            self._left.append((offer, offer.why_not or "", offer.hint))
            return
        file = import_engine(self._project, offer.key, engine_id, as_is=self._as_is)
        if file is None:
            self._left.append((offer, "left out", reconcile("import", arguments=[offer.key, engine_id])))
            self._declined += 1
            return
        self._files.append(file)
        click.echo(f"{sanitize(offer.key)}: {engine_id} imported")

    def _leave(self, offer: Offer, why: str, hint: str | None = None) -> None:
        by_hand = (
            reconcile("import", arguments=[offer.key, offer.engine.engine_id]) if offer.key else offer.hint
        )
        self._left.append((offer, why, hint if hint is not None and "reconcile " in hint else by_hand))

    def _tell(self) -> None:
        if self._left:
            number = counted(len(self._left), "engine")
            click.echo(f"\n{number} not imported ({len(self._files):,} imported):", err=True)
        for offer, why, hint in self._left:
            name = f" ({offer.engine.name})" if offer.engine.name is not None else ""
            click.echo(sanitize(f"  {offer.engine.engine_id}{name}: {why}"), err=True)
            for line in sanitize_lines(hint or ""):
                click.echo(f"    {line}".rstrip(), err=True)
        if self._files:
            project = self._project
            files = self._files if len(self._files) <= _FEW else [project.settings.engines]
            record = how_to_record(project.root, project.settings.lockfile, files)
            click.echo(f"Next: {record or reconcile('plan')}", err=True)
