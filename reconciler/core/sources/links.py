"""What is wrong with the links of an engine file, for `validate --check-links`: each finding at its line.

An error is what nobody can learn from. What another reader might still read, such as a page that refuses this one, is a
warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.core.errors import Diagnostic, Severity
from reconciler.core.excerpt import Excerpt
from reconciler.core.sources.look import Outcome, PageKind, PageLook, Refusal, same_text
from reconciler.core.values import LINK, as_line

Place = tuple[str, int, int, Excerpt]  # file, line, column, the text there

_LONGEST = 200  # characters of an address in a message
_KINDS = {
    PageKind.LOGIN: ("asks to sign in", "link a public page, or put the text into a `content` source"),
    PageKind.CHALLENGE: ("is behind a check for robots", "make sure that the platform can read it"),
    PageKind.SCRIPT: (
        "has no text without JavaScript",
        "link a page that is served as text, or use a `content` source",
    ),
    PageKind.NEARLY_EMPTY: ("has nearly no text", "link a page with more to learn from, or remove it"),
    PageKind.NOT_FOUND: ("says that there is no such page", "replace or remove the link"),
    PageKind.NOT_TEXT: (
        "is neither HTML nor text",
        "link a page of text, or put the text into a `content` source",
    ),
}
_ALLOW = (
    "if pages of your network may be read, name its hosts in RECONCILE_PRIVATE_SOURCES where reconcile runs"
)
_MOST_UNREAD = 5
_HOPELESS = (Refusal.ADDRESS, Refusal.REDIRECTS)


def link_findings(
    key: str, places: Mapping[str, Place], looks: Mapping[str, PageLook]
) -> Iterator[Diagnostic]:
    """For the links of one engine file, in its order."""
    repeated = _repeated(places, looks)
    for url, place in places.items():
        for message, hint, severity in _of(url, looks.get(url), repeated.get(url)):
            yield Diagnostic(message, *place, hint, severity, key)


def unread(looks: Iterable[PageLook]) -> list[str]:
    """A line for each page whose text is not known, its address and why; of many only the first few, and a number."""
    lines = [f"{_shown(look.url)} {_reason(look)}" for look in looks if look.text_digest is None]
    more = len(lines) - _MOST_UNREAD
    return lines if more <= 1 else [*lines[:_MOST_UNREAD], f"{more:,} more pages"]


def _of(url: str, look: PageLook | None, same: str | None) -> Iterator[tuple[str, str | None, Severity]]:
    shown = _shown(url)
    if look is None:
        yield f"{shown} was not looked at in time", "run it again", Severity.WARNING
        return
    if look.outcome is Outcome.DEAD:
        yield f"{shown} is dead: {_reason(look)}", "replace or remove the link", Severity.ERROR
    elif look.kind in _KINDS:
        what, hint = _KINDS[look.kind]
        why = f": {_reason(look)}" if look.reason else ""
        yield f"{shown} {what}{why}", hint, Severity.WARNING
    elif look.refusal is not None:
        hopeless = look.refusal in _HOPELESS
        allow = _ALLOW if look.refusal is Refusal.PRIVATE else None
        yield f"{shown} {_reason(look)}", allow, Severity.ERROR if hopeless else Severity.WARNING
    elif look.outcome is Outcome.UNKNOWN:
        yield f"{shown} {_reason(look)}", "run it again; the page may be back", Severity.WARNING
    if look.moved_for_good and look.outcome is not Outcome.DEAD and LINK.accepts(look.final_url):
        new = _shown(look.final_url)
        yield f"{shown} has moved for good to {new}", f"write {new}", Severity.WARNING
    if same is not None:
        yield f"{shown} has the same text as {_shown(same)}", "keep one of the two", Severity.WARNING


def _repeated(urls: Iterable[str], looks: Mapping[str, PageLook]) -> dict[str, str]:
    """Links with the text of an earlier one."""
    groups: Sequence[tuple[PageLook, ...]] = same_text(tuple(looks[url] for url in urls if url in looks))
    return {one.url: group[0].url for group in groups for one in group[1:]}


def _reason(look: PageLook) -> str:
    return as_line(look.reason or (f"returned {look.status}" if look.status else "no reason is known"))


def _shown(url: str) -> str:
    return url if len(url) <= _LONGEST else f"{url[: _LONGEST - 1]}…"
