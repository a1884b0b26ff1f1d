"""What became of the pages that engines learned from, in words: which are stale, dead or unknown, and what changed.

Every word of a page, every address that it led to and every header is foreign: nothing of them leaves here but through
`sanitize`, or through what the caller gives to make it harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from reconciler.core.errors import Diagnostic, Severity
from reconciler.core.plan.model import Plan
from reconciler.core.sources.news import EngineNews, LinkNews, State
from reconciler.render.phrases.sanitize import sanitize, shorten
from reconciler.render.phrases.style import Look, Style

_ENGINES, _LINKS = 50, 10  # that are listed one by one
_LONGEST_URL = 300
_STYLES: dict[State, Style] = {
    State.DEAD: "red",
    State.STALE: "yellow",
    State.UNKNOWN: "magenta",
    State.FRESH: "green",
}
_LEVELS = {State.DEAD: Severity.ERROR, State.STALE: Severity.WARNING, State.UNKNOWN: Severity.NOTICE}
Shown = Callable[[str], str]


def sources_sentence(news: Sequence[EngineNews]) -> str:
    """`Sources: 1 dead, 2 stale, 39 fresh.`"""
    counts = [(state.value, sum(one.state is state for one in news)) for state in State]
    told = ", ".join(f"{number:,} {name}" for name, number in counts if number)
    return f"Sources: {told}." if told else "Sources: no engine that serves has links."


def sources_blocks(plan: Plan, look: Look) -> list[str]:
    """For a terminal or a log: a block for each engine with something to say."""
    told = [one for one in plan.sources if _speaks(one)]
    blocks = [_block(one, look) for one in told[:_ENGINES]]
    if len(told) > _ENGINES:
        blocks.append(f"{look.ellipsis} and the sources of {len(told) - _ENGINES:,} more engines")
    return blocks


def _speaks(news: EngineNews) -> bool:
    return news.state is not State.FRESH or news.held is not None or any(one.for_good for one in news.links)


def _block(news: EngineNews, look: Look) -> str:
    state = look.paint(news.state.value, _STYLES[news.state])
    lines = [f"sources of {look.paint(sanitize(news.key), 'bold')}: {state}"]
    for link in _worth(news.links):
        lines.append(
            f"  {look.paint(link.state.value, _STYLES[link.state])} {_address(link, link.file or news.file)}"
        )
        lines += [f"    {line}" for line in _said(link, sanitize, look)]
    lines += [f"  {line}" for line in _of_engine(news, sanitize)]
    return "\n".join(lines)


def _worth(links: Sequence[LinkNews]) -> list[LinkNews]:
    """The links with something to say, the most pressing first."""
    order = list(State)
    told = [one for one in links if one.state is not State.FRESH or one.for_good]
    return sorted(told, key=lambda one: order.index(one.state))[:_LINKS]


def _address(link: LinkNews, file: str | None) -> str:
    where = f" ({sanitize(_place(link, file))})" if file is not None else ""
    return f"{sanitize(shorten(link.url, _LONGEST_URL))}{where}"


def _place(link: LinkNews, file: str | None) -> str:
    return ":".join(str(part) for part in (file, link.line, link.col) if part is not None)


def _said(link: LinkNews, shown: Shown, look: Look) -> Iterator[str]:
    """What is said of one link, in lines without indent."""
    since = f"; recorded on {link.since}" if link.state is State.STALE and link.since else ""
    if link.reason:
        yield shown(f"{shorten(link.reason, _LONGEST_URL)}{since}")
    if link.moved_to is not None:
        how = "moved for good to" if link.for_good else "leads to"
        yield f"{how} {shown(shorten(link.moved_to, _LONGEST_URL))}"
    yield from (look.paint(f"- {shown(one)}", "red") for one in link.change.lost)
    yield from (look.paint(f"+ {shown(one)}", "green") for one in link.change.gained)
    if link.change.more:
        yield f"{look.ellipsis} and {link.change.more:,} more sentences"


def _of_engine(news: EngineNews, shown: Shown) -> Iterator[str]:
    if news.old is not None:
        yield shown(news.old)
    if news.held is not None:
        yield shown(f"not replaced: {shorten(news.held, 2 * _LONGEST_URL)}")


def sources_list(news: Sequence[EngineNews], code: Shown, prose: Shown, room: int) -> list[str]:
    """The same as Markdown in about `room` UTF-8 bytes; `code` and `prose` make foreign text harmless."""
    told = [one for one in news if _speaks(one)]
    if not told:
        return []
    kept: list[str] = []
    for one in told[:_ENGINES]:
        item = _item(one, code, prose)
        room -= len(item.encode()) + 1
        if room < 0:
            break
        kept.append(item)
    if len(kept) < len(told):
        kept.append(f"- … and the sources of {len(told) - len(kept):,} more engines")
    return ["\n".join([sources_sentence(news), "", *kept])]


def _item(news: EngineNews, code: Shown, prose: Shown) -> str:
    lines = [f"- **{news.state.value}** {code(news.key)}"]
    for link in _worth(news.links):
        place = f" ({code(_place(link, link.file or news.file))})" if news.file is not None else ""
        lines.append(f"  - {link.state.value}: {code(shorten(link.url, _LONGEST_URL))}{place}")
        lines += [f"    - {line}" for line in _said_in_markdown(link, code, prose)]
    lines += [f"  - {line}" for line in _of_engine(news, prose)]
    return "\n".join(lines)


def _said_in_markdown(link: LinkNews, code: Shown, prose: Shown) -> Iterator[str]:
    if link.reason:
        since = f"; recorded on {link.since}" if link.state is State.STALE and link.since else ""
        yield prose(f"{link.reason}{since}")
    if link.moved_to is not None:
        how = "moved for good to" if link.for_good else "leads to"
        yield f"{how} {code(shorten(link.moved_to, _LONGEST_URL))}"
    yield from (f"lost: {code(one)}" for one in link.change.lost)
    yield from (f"new: {code(one)}" for one in link.change.gained)
    if link.change.more:
        yield f"… and {link.change.more:,} more sentences"


def source_findings(news: Iterable[EngineNews]) -> Iterator[Diagnostic]:
    """For annotations and code reports: each link with something to say, at its line."""
    for one in news:
        for link in one.links:
            severity = _LEVELS.get(link.state, Severity.WARNING)
            if link.state is not State.FRESH or link.for_good:
                yield Diagnostic(
                    _finding(link),
                    link.file or one.file,
                    link.line,
                    link.col,
                    None,
                    _fix(link),
                    severity,
                    one.key,
                )
        if one.old is not None:
            yield Diagnostic(
                f"its sources are old: {one.old}", one.file, severity=Severity.WARNING, key=one.key
            )


def _finding(link: LinkNews) -> str:
    parts = [f"{shorten(link.url, _LONGEST_URL)} is {link.state.value}"]
    if link.reason:
        parts.append(link.reason)
    if link.moved_to is not None:
        parts.append(
            f"it {'moved for good to' if link.for_good else 'leads to'} {shorten(link.moved_to, _LONGEST_URL)}"
        )
    lost, gained = len(link.change.lost), len(link.change.gained)
    if lost or gained:
        more = " or more" if link.change.more else ""
        parts.append(
            f"{lost:,} sentence{'' if lost == 1 else 's'} lost and {gained:,} new{more} since {link.since}"
        )
    return ": ".join([parts[0], "; ".join(parts[1:])]) if parts[1:] else parts[0]


def _fix(link: LinkNews) -> str | None:
    if link.state is State.DEAD:
        return "replace or remove the link"
    return "use the new address" if link.for_good else None


def sources_documents(news: Iterable[EngineNews]) -> list[dict[str, Any]]:
    """For programs. Keys that have no value are left out."""
    return [
        _known(
            key=one.key,
            state=one.state.value,
            engineId=one.engine_id,
            file=one.file,
            links=[_link_document(link) for link in one.links],
            old=one.old,
            refresh="reprovision" if one.refresh.reprovision else None,
            held=one.held,
        )
        for one in news
    ]


def _link_document(link: LinkNews) -> dict[str, Any]:
    change = link.change
    difference = _known(
        lost=list(change.lost) or None, gained=list(change.gained) or None, more=change.more or None
    )
    return _known(
        url=link.url,
        state=link.state.value,
        reason=link.reason or None,
        status=link.status,
        movedTo=link.moved_to,
        movedForGood=True if link.for_good else None,
        since=link.since,
        file=link.file,
        line=link.line,
        col=link.col,
        difference=difference or None,
    )


def _known(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
