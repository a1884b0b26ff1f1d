"""`--check-sources`: look at the pages of the serving engines, say what became of each, and replace what is stale.

Imported only where pages are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from reconciler.core.engine.spec import sources_of
from reconciler.core.frozen import replace
from reconciler.core.lockfile.entry import Provisioned
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.recreate import refreshed, too_old
from reconciler.core.sources.links import Place
from reconciler.core.sources.news import EngineNews, State, news_of, target_of
from reconciler.core.sources.state import SourcesState

if TYPE_CHECKING:
    from reconciler.core.engine.spec import Desired
    from reconciler.core.plan.model import Action
    from reconciler.core.sources.look import PageLook, Target

Places = Callable[[str, str], Mapping[str, Place]]


class Pages(Protocol):
    """The web, as far as engines learn from it. Every method blocks, and never raises for what a page does."""

    def look(self, targets: Sequence[Target]) -> Mapping[str, PageLook]:
        """Each page once in a run, by its address; those that are missing were not looked at in time."""
        ...

    def restless(self, urls: Collection[str]) -> Collection[str]:
        """Those of the pages, which were looked at, that have another text when they are looked at once more."""
        ...


class SourceCheck:
    """What a plan needs to check sources: the `pages`, what is recorded of them, and where each link stands. After
    that it has the `news` of each serving engine with links.
    """

    def __init__(
        self, pages: Pages, state: SourcesState, now: str, places: Places = lambda key, path: {}
    ) -> None:
        self.pages = pages
        self.state = state
        self.now = now
        self.places = places
        self.news: tuple[EngineNews, ...] = ()

    def keys(self, lockfile: Lockfile, selected: Callable[[str], bool]) -> frozenset[str]:
        """The engines whose files say what is done when a page changed."""
        return frozenset(linked(lockfile, selected))

    def refreshed(
        self,
        actions: Collection[Action],
        desired: Mapping[str, Desired],
        lockfile: Lockfile,
        files: Mapping[str, str],
        selected: Callable[[str], bool],
    ) -> tuple[Action, ...]:
        """Look at the pages of each serving engine: the actions, with a replacement of those whose sources changed and
        whose file asks for that. The news say why any other such engine is not replaced. `files` are the engine files
        by key.

        What changed is looked at once more first: a page whose text is new at each look would make a new engine at each
        run.
        """
        news = engine_news(self, lockfile, desired, files, selected)
        wanting = [one for one in news if one.refresh.reprovision and one.state is State.STALE]
        urls = list(dict.fromkeys(link.url for one in wanting for link in one.stale))
        restless = self.pages.restless(urls) if urls else ()
        made, self.news = refreshed(tuple(actions), news, desired, lockfile, restless, self.now)
        return made


def linked(lockfile: Lockfile, selected: Callable[[str], bool]) -> dict[str, Provisioned]:
    """The serving engines that learned from links, by key."""
    found = {}
    for key in lockfile.engines:
        entry = lockfile.entry(key) if selected(key) else None
        if entry is not None and entry.current is not None and links_of(entry.current.spec):
            found[key] = entry.current
    return found


def links_of(record: Mapping[str, object]) -> list[str]:
    """The links of a recorded spec, each once."""
    return list(dict.fromkeys(one["payload"] for one in sources_of(record) if one["type"] == "link"))


def engine_news(
    check: SourceCheck,
    lockfile: Lockfile,
    desired: Mapping[str, Desired],
    files: Mapping[str, str],
    selected: Callable[[str], bool],
) -> tuple[EngineNews, ...]:
    """What became of the pages of each serving engine, sorted by key. `files` are the engine files by key."""
    serving = linked(lockfile, selected)
    looks = check.pages.look(_targets(check.state, serving.values()))
    news = []
    for key, current in sorted(serving.items()):
        links = tuple(
            news_of(url, check.state.seen(current.engine_id, url), looks.get(url))
            for url in links_of(current.spec)
        )
        one = EngineNews(key, current.engine_id, files.get(key), links)
        if key in desired:
            refresh = desired[key].refresh
            one = replace(one, refresh=refresh, old=too_old(current, refresh, check.now))
        news.append(_with_places(one, check.places))
    return tuple(news)


def _targets(state: SourcesState, engines: Iterable[Provisioned]) -> list[Target]:
    wanted: dict[str, list[str]] = {}
    for current in engines:
        for url in links_of(current.spec):
            wanted.setdefault(url, []).append(current.engine_id)
    targets = []
    for url, names in wanted.items():
        seen = [state.seen(name, url) for name in names]
        known = [one for one in seen if one is not None]
        targets.append(target_of(url, known if len(known) == len(seen) else ()))
    return targets


def _with_places(news: EngineNews, places: Places) -> EngineNews:
    """With line and column of what is not fresh."""
    if news.file is None or all(one.state is State.FRESH and one.moved_to is None for one in news.links):
        return news
    found = places(news.key, news.file)
    links = []
    for link in news.links:
        file, line, col, *_ = found.get(link.url, (news.file, None, None))
        links.append(replace(link, file=file, line=line, col=col))
    return replace(news, links=tuple(links))
