"""Wires the list of the organization's engines: where it comes from, and which of its engines somebody has already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from reconciler.app.recorded import RecordedState, read_recorded_state
from reconciler.cli.stderr import warn
from reconciler.cli.wiring.api_key import api_key
from reconciler.core.errors import GitError, InvalidInput, StorageError, UsageError
from reconciler.core.frozen import replace
from reconciler.core.ledger.journal import Acceptance, Decision, Record, Settlement
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.names import engines_of
from reconciler.core.platform.listing import Listing
from reconciler.core.settings.model import Settings
from reconciler.core.settings.trust import check_lookup_host
from reconciler.project.opened import Project
from reconciler.render.phrases.sanitize import sanitize

SECONDS = 15.0


def engines_listed(settings: Settings, seconds: float = SECONDS) -> Listing:
    """Asks the platform. Raises `PlatformError` where it does not list any, `UsageError` where nobody said where it
    does, and what a key or a host raises that must not be used.
    """
    if settings.listed_at is None:
        raise UsageError(
            f"where the platform at {settings.api_url} lists its engines is not known",
            hint="set RECONCILE_MCP_URL to the address of its MCP server",
        )
    check_lookup_host(settings)
    key = api_key(settings)
    from reconciler.adapters.platform.mcp import list_engines  # the network, only here

    return list_engines(settings.listed_at, key, seconds)


def where_it_stands(project: Project) -> RecordedState:
    """What is recorded, with what is on the remote now where runs share; if it cannot be reached, as last seen."""
    from reconciler.cli.wiring.publishing import fetch, shares

    if shares(project.settings):
        try:
            seen = fetch(project.root, project.settings, project.journal)
            return read_recorded_state(project.lockfile, project.journal, seen)
        except GitError as error:
            warn(sanitize(f"the remote was not looked at: {error.message}"))
    return read_recorded_state(project.lockfile, project.known_journal)


class Elsewhere(NamedTuple):
    """What another environment of the project has recorded."""

    environment: str
    file: str
    lockfile: Lockfile


def other_environments(project: Project) -> Iterator[Elsewhere]:
    """As far as this checkout knows; what cannot be read is a warning."""
    for environment, file in project.settings.lockfiles.items():
        if environment == project.settings.environment:
            continue
        settings = replace(project.settings, environment=environment, lockfile=file)
        other = replace(project, settings=settings)
        try:
            recorded = read_recorded_state(other.lockfile, other.known_journal)
            yield Elsewhere(environment, file, recorded.folded)
        except (InvalidInput, StorageError) as error:
            warn(sanitize(error.message))


def recorded_anywhere(recorded: RecordedState, others: Iterable[Elsewhere]) -> frozenset[str]:
    """Every engine that is somebody's already, as far as it is known here."""
    named = set(_named_in(recorded.records)) | engines_of(recorded.on_disk) | engines_of(recorded.folded)
    if recorded.unverified is not None:
        named |= set(_named_in(one.record for one in recorded.unverified.records))
    for other in others:
        named |= engines_of(other.lockfile)
    return frozenset(named)


def _named_in(records: Iterable[Record]) -> Iterator[str]:
    for record in records:
        if isinstance(record, Acceptance | Settlement | Decision) and record.engine_id is not None:
            yield record.engine_id
