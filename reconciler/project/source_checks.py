"""Wires looking at pages: asks for each page once in a run, as the settings allow."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.sources.look import Target

if TYPE_CHECKING:
    from reconciler.adapters.engine_files.files import EngineFiles
    from reconciler.adapters.storage.sources_file import SourcesFile
    from reconciler.app.sources.checking import Pages, Places, SourceCheck
    from reconciler.core.engine.spec import Desired
    from reconciler.core.errors import Diagnostic
    from reconciler.core.settings.model import Settings
    from reconciler.core.sources.addresses import Allowed
    from reconciler.core.sources.look import PageLook
    from reconciler.core.sources.preview import EnginePreview
    from reconciler.project.opened import Project


class WebPages:
    """Implements the port `Pages`."""

    def __init__(self, settings: Settings) -> None:
        from reconciler.core.settings.trust import allowed_sources

        self._allowed = allowed_sources(settings)
        self._known: dict[str, PageLook] = {}
        self._still: dict[str, bool] = {}

    def look(self, targets: Sequence[Target]) -> Mapping[str, PageLook]:
        """See the port."""
        if new := [one for one in targets if one.url not in self._known]:
            self._known |= looks_at(new, self._allowed)
        return {one.url: self._known[one.url] for one in targets if one.url in self._known}

    def restless(self, urls: Collection[str]) -> Collection[str]:
        """See the port."""
        if new := [url for url in urls if url not in self._still]:
            again = looks_at([Target(url) for url in new], self._allowed)
            for url in new:
                first, second = self._known.get(url), again.get(url)
                digests = {None if one is None else one.text_digest for one in (first, second)}
                self._still[url] = len(digests) == 1 and None not in digests
        return [url for url in urls if not self._still[url]]


def sources_file(root: Path, settings: Settings) -> SourcesFile:
    """Raises `InvalidInput` where a link stands in its place, or leads to it: a run writes this file and no other."""
    from reconciler.adapters.project.places import refuse_link_out, refuse_links
    from reconciler.adapters.storage.sources_file import SourcesFile

    path = settings.sources_file
    refuse_link_out(root, root / path, path)
    refuse_links(root, path)
    return SourcesFile(root, path)


def source_check(root: Path, settings: Settings, pages: Pages, places: Places) -> SourceCheck:
    """What a plan needs to check sources. Raises `LockfileError` where what is recorded cannot be read."""
    from reconciler.adapters.system.clock import UtcClock
    from reconciler.app.sources.checking import SourceCheck

    state = sources_file(root, settings).read()
    return SourceCheck(pages, state, UtcClock().now(), places)


def findings_of_links(
    settings: Settings,
    environments: Iterable[EngineFiles],
    keys: Collection[str],
    only: Collection[str] | None,
) -> list[Diagnostic]:
    """What is wrong with the links of these engines, as each environment has them; `only` limits them to some files.
    Raises `GuardRefused`, `InvalidInput` where nothing can be looked at.
    """
    from reconciler.core.settings.trust import allowed_sources
    from reconciler.core.sources.links import link_findings

    places = [
        (key, engines.link_places(key, path))
        for engines in environments
        for key, path in engines.discover()[0].items()
        if key in keys and (only is None or path in only)
    ]
    urls = dict.fromkeys(url for _, found in places for url in found)
    looks = looks_at([Target(url) for url in urls], allowed_sources(settings))
    return list(dict.fromkeys(one for key, found in places for one in link_findings(key, found, looks)))


def previews(project: Project, engines: Sequence[Desired]) -> list[EnginePreview]:
    """What these engines would learn from. Raises as `findings_of_links` does."""
    from reconciler.core.settings.trust import allowed_sources
    from reconciler.core.sources.preview import preview_of

    urls = dict.fromkeys(url for one in engines for url in _links(one))
    looks = looks_at([Target(url) for url in urls], allowed_sources(project.settings))
    files = project.engines
    return [preview_of(one, files.link_places(one.key, one.file), looks) for one in engines]


def record_missing(project: Project, keys: Collection[str]) -> tuple[str, int, int, list[str]]:
    """Record the pages of serving engines of which nothing is recorded: of these keys, or of all. Returns the path of
    the file, how many engines and pages are new in it, and a line for each page that could not be read. Raises as
    `findings_of_links` does, `StorageError`.
    """
    from reconciler.adapters.system.clock import UtcClock
    from reconciler.adapters.web.page_text import readers
    from reconciler.app.recorded import read_lockfile
    from reconciler.app.selection import select
    from reconciler.app.sources.checking import linked
    from reconciler.app.sources.recording import missing_links, with_engine
    from reconciler.core.lockfile.transitions import seconds
    from reconciler.core.settings.trust import allowed_sources
    from reconciler.core.sources.links import unread

    file = sources_file(project.root, project.settings)
    state, lockfile = file.read(), read_lockfile(project.lockfile, project.known_journal)
    serving = linked(lockfile, select(tuple(keys), list(lockfile.engines)))
    known = readers()
    missing = {
        one.engine_id: missing_links(state, one.engine_id, one.spec, known) for one in serving.values()
    }
    urls = dict.fromkeys(url for found in missing.values() for url in found)
    at = seconds(UtcClock().now())
    looks = looks_at([Target(url) for url in urls], allowed_sources(project.settings))
    for one in serving.values():
        state = with_engine(state, one.engine_id, one.spec, looks, at)
    if urls:
        file.write(state.of(lockfile))
    read = {url for url, look in looks.items() if look.text_digest is not None}
    new = [len(read.intersection(found)) for found in missing.values()]
    return file.path, sum(map(bool, new)), sum(new), unread(looks.values())


def _links(engine: Desired) -> list[str]:
    return [source.payload for source in engine.spec.sources if source.type == "link"]


def looks_at(
    targets: Sequence[Target], allowed: Allowed, found: dict[str, PageLook] | None = None
) -> Mapping[str, PageLook]:
    """Look at pages now, by their address; `found` is filled meanwhile. Raises `InvalidInput` where libraries are
    missing.
    """
    looks = {} if found is None else found
    if targets:
        asyncio.run(_look(targets, allowed, looks))
    return looks


async def _look(targets: Sequence[Target], allowed: Allowed, found: dict[str, PageLook]) -> None:
    from reconciler.adapters.web.fetcher import look  # the network, only here

    async with aclosing(look(targets, allowed=allowed)) as looks:
        async for one in looks:
            found[one.url] = one
