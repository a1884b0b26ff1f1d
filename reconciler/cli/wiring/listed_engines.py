"""Wires the list of the organization's engines: where it comes from, and which of its engines somebody has already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from reconciler.app.recorded import RecordedState, read_recorded_state
from reconciler.cli.stderr import warn
from reconciler.core.errors import GitError, InvalidInput, StorageError, UsageError
from reconciler.core.frozen import replace
from reconciler.core.ledger.journal import Acceptance, Decision, Pruned, Pruning, Record, Settlement
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.names import engines_of
from reconciler.core.platform.listing import Listing
from reconciler.core.settings.model import Settings
from reconciler.core.settings.trust import check_lookup_host
from reconciler.project.opened import Project

SECONDS = 15.0
_NAMING = (Acceptance, Settlement, Decision, Pruning, Pruned)  # records that name an engine


def engines_listed(
    settings: Settings, key: str, attach: Callable[[Callable[[], object]], None] | None = None
) -> Listing:
    """Asks the platform with this API key. `attach` is given what ends the look early.

    Raises `PlatformError` where it lists none, `UsageError` where nobody said where it does, and `GuardRefused` for a
    host that is not trusted.
    """
    if settings.listed_at is None:
        raise UsageError(
            f"where the platform at {settings.api_url} lists its engines is not known",
            hint="set RECONCILE_MCP_URL to the address of its MCP server",
        )
    check_lookup_host(settings)
    from reconciler.adapters.platform.mcp import list_engines  # the network, only here

    return list_engines(settings.listed_at, key, SECONDS, attach)


def where_it_stands(project: Project) -> RecordedState:
    """What is recorded, with what is on the remote now where runs share; if it cannot be reached, as last seen."""
    try:
        return _newest(project)
    except GitError as error:
        warn(f"the remote was not looked at: {error.message}")
        return _as_last_seen(project)


class Elsewhere(NamedTuple):
    """What another environment of the project has recorded."""

    environment: str
    file: str
    lockfile: Lockfile


def other_environments(project: Project, *, on_remote: bool = False) -> tuple[list[Elsewhere], bool]:
    """As far as this checkout knows, or with what is on the remote now where runs share; and whether that is all of
    them. What cannot be read is a warning.
    """
    found: list[Elsewhere] = []
    others = [one for one in project.settings.lockfiles if one != project.settings.environment]
    for environment in others:
        file = project.settings.lockfiles[environment]
        settings = replace(project.settings, environment=environment, lockfile=file)
        other = replace(project, settings=settings)
        try:
            look = _newest if on_remote else _as_last_seen
            found.append(Elsewhere(environment, file, look(other).folded))
        except (InvalidInput, StorageError, GitError) as error:
            warn(f"the environment `{environment}`: {error.message}")
    return found, len(found) == len(others)


def _newest(project: Project) -> RecordedState:
    """What is recorded, with what is on the remote now where runs share. Raises `GitError` where that is not known."""
    from reconciler.cli.wiring.publishing import fetch, shares

    if not shares(project.settings):
        return _as_last_seen(project)
    seen = fetch(project.root, project.settings, project.journal)
    return read_recorded_state(project.lockfile, project.journal, seen)


def _as_last_seen(project: Project) -> RecordedState:
    return read_recorded_state(project.lockfile, project.known_journal)


def named_on_remote(project: Project) -> frozenset[str] | None:
    """The engines that the remote's branch and ledger name, for a run that does not share and may be behind; None where
    the remote cannot be read, which is a warning.
    """
    from reconciler.adapters.git.remote import has_remote
    from reconciler.cli.wiring.publishing import fetch, shares

    if shares(project.settings) or not has_remote(project.root, project.settings.remote):
        return frozenset()
    try:
        seen = fetch(project.root, project.settings, project.journal)
    except (GitError, InvalidInput) as error:
        warn(f"the remote was not looked at: {error.message}")
        return None
    records = (*seen.records, *(one.record for one in seen.unverified.records))
    return frozenset((*engines_of(seen.lockfile), *engines_of(seen.recorded), *_named_in(records)))


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
        if isinstance(record, _NAMING) and record.engine_id is not None:
            yield record.engine_id
