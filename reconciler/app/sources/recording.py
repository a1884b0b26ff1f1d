"""What is recorded of the pages of engines that a run made or waited for, in the file beside the lockfile.

Only of those: what a page is like now says nothing of what an older engine learned from it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from reconciler.app.sources.checking import links_of
from reconciler.core.engine.spec import SpecRecord, record_of, sources_of
from reconciler.core.frozen import dataclass, field
from reconciler.core.lockfile.entry import Pending, Provisioned
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.sources.news import is_usable, record_of_looks
from reconciler.core.sources.state import SourcesState

if TYPE_CHECKING:
    from reconciler.core.plan.model import Plan
    from reconciler.core.sources.look import PageLook


@dataclass(frozen=True, slots=True)
class Wanted:
    """The `keys` whose engines are to be recorded, and the `links` of their specs. Engines that served before, `past`,
    are left as they are.
    """

    keys: frozenset[str] = frozenset()
    links: tuple[str, ...] = ()
    past: frozenset[str] = field(default_factory=frozenset)


def wanted_of(
    plan: Plan, lockfile: Lockfile, made: Collection[str] = (), before: Lockfile | None = None
) -> Wanted:
    """What a plan's run has to record; `lockfile` is as the plan was made from. Engines of the keys that were `made`
    by other runs are recorded, too, as far as they are not in the lockfile of `before`.
    """
    keys: set[str] = set()
    links: dict[str, None] = {}
    past: set[str] = set()
    for action in plan.actions:
        submission, entry = action.submission, lockfile.entry(action.from_key or action.key)
        specs: list[SpecRecord] = []
        if submission is not None:
            specs.append(record_of(submission.spec))
        elif action.awaited is not None and entry is not None:
            specs += [part.spec for part in entry.parts if part.operation_id == action.operation_id]
        if specs:
            keys.add(action.key)
            links.update(dict.fromkeys(url for spec in specs for url in links_of(spec)))
            past.update(() if entry is None or entry.current is None else (entry.current.engine_id,))
    for key in sorted(set(made) - keys):
        parts, served = _made_of(key, lockfile, before)
        if parts:
            keys.add(key)
            links.update(dict.fromkeys(url for part in parts for url in links_of(part.spec)))
            past |= served
    return Wanted(frozenset(keys), tuple(links), frozenset(past))


def _made_of(
    key: str, lockfile: Lockfile, before: Lockfile | None
) -> tuple[list[Provisioned | Pending], set[str]]:
    """What became of a key since, and the engine that served before."""
    entry, old = lockfile.entry(key), None if before is None else before.entry(key)
    served = set() if old is None or old.current is None else {old.current.engine_id}
    parts = () if entry is None else (entry.current, entry.pending)
    return [one for one in parts if one is not None and one.engine_id not in {None, *served}], served


def recorded(
    state: SourcesState,
    lockfile: Lockfile,
    wanted: Wanted,
    looks: Mapping[str, PageLook],
    at: str,
) -> SourcesState:
    """The state with what was seen of the pages of these engines, and without engines that the lockfile does not name
    any more. What is recorded already stays.
    """
    for key in sorted(wanted.keys):
        entry = lockfile.entry(key)
        for part in (None, None) if entry is None else (entry.current, entry.pending):
            if part is not None and part.engine_id is not None and part.engine_id not in wanted.past:
                state = with_engine(state, part.engine_id, part.spec, looks, at)
    return state.of(lockfile)


def with_engine(
    state: SourcesState, engine_id: str, spec: SpecRecord, looks: Mapping[str, PageLook], at: str
) -> SourcesState:
    """With what was seen of the links of one engine, as far as nothing is recorded that a later look can be compared
    with, and its texts.
    """
    missing = {
        url: looks[url]
        for url in links_of(spec)
        if url in looks and not is_usable(state.seen(engine_id, url), _reader(looks[url]))
    }
    files = {one["file"]: one["digest"] for one in sources_of(spec) if "file" in one}
    known = state.engines.get(engine_id)
    if not missing and (not files or (known is not None and known.files == files)):
        return state
    return state.with_record(engine_id, record_of_looks(missing, files, at))


def _reader(look: PageLook) -> tuple[str, ...] | None:
    return (look.reader,) if look.reader else None


def missing_links(
    state: SourcesState, engine_id: str, spec: SpecRecord, readers: Collection[str] | None
) -> Collection[str]:
    """The links of an engine of which nothing is recorded that these `readers` can be compared with."""
    return [url for url in links_of(spec) if not is_usable(state.seen(engine_id, url), readers)]
