"""What became of the pages that an engine learned from: fresh, stale, dead or unknown, each with its reason.

A failure is never taken for absence, and nothing is concluded from a page that could not be read: it is unknown, and
says why. What is stale says which sentences changed, and since when.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

from reconciler.core.commands import reconcile
from reconciler.core.engine.spec import ONLY_REPORTED, RefreshOptions
from reconciler.core.frozen import dataclass
from reconciler.core.sources.look import Comparison, Outcome, PageLook, Target, compare
from reconciler.core.sources.main_text import DIGEST_VERSION
from reconciler.core.sources.sentences import TextChange, change, kept_of
from reconciler.core.sources.state import EngineRecord, Seen
from reconciler.core.values import LINE, LINK, as_line

_NOTHING = TextChange()


class State(StrEnum):
    """The most pressing first."""

    DEAD = "dead"  # 404 or 410
    STALE = "stale"  # its text changed, or the engine is older than `max_source_age`
    UNKNOWN = "unknown"
    FRESH = "fresh"


@dataclass(frozen=True, slots=True)
class LinkNews:
    """One link. `since` is when the text was seen last as the engine learned it. `moved_to` is where redirects lead,
    `for_good` whether the far end says that it stays so. `readable` is whether there is a text now, whatever is
    recorded. `file`, `line` and `col` are where it stands.
    """

    url: str
    state: State
    reason: str = ""
    status: int | None = None
    moved_to: str | None = None
    for_good: bool = False
    since: str | None = None
    change: TextChange = _NOTHING
    readable: bool = False
    file: str | None = None
    line: int | None = None
    col: int | None = None


@dataclass(frozen=True, slots=True)
class EngineNews:
    """One engine and its links. `old` says that it is older than it may be, in words; `held` why it is not replaced,
    where its file asks for that.
    """

    key: str
    engine_id: str
    file: str | None = None
    links: tuple[LinkNews, ...] = ()
    old: str | None = None
    refresh: RefreshOptions = ONLY_REPORTED
    held: str | None = None

    @property
    def state(self) -> State:
        states = {one.state for one in self.links} | ({State.STALE} if self.old else {State.FRESH})
        return next(state for state in State if state in states)

    @property
    def needs_attention(self) -> bool:
        """Whether a page changed or is gone; that nothing is known of one is no news of it."""
        return self.state in (State.DEAD, State.STALE)

    @property
    def stale(self) -> tuple[LinkNews, ...]:
        return tuple(one for one in self.links if one.state is State.STALE)


def target_of(url: str, records: Sequence[Seen]) -> Target:
    """What to ask for, given what engines recorded of a page: only whether it changed, where all recorded the same."""
    one = records[0] if records else None
    same = one is not None and all(
        (each.digest, each.etag, each.last_modified, each.final_url)
        == (one.digest, one.etag, one.last_modified, one.final_url)
        for each in records
    )
    if one is None or not same or one.digest is None or not one.digest.startswith(f"{DIGEST_VERSION}:"):
        return Target(url)
    return Target(url, one.etag, one.last_modified, one.final_url or "")


def news_of(url: str, seen: Seen | None, look: PageLook | None) -> LinkNews:
    """What a look says of a link, given what is recorded. None: there was no time to look."""
    if look is None:
        return LinkNews(url, State.UNKNOWN, "not looked at in time")
    state, reason, difference = _judged(seen, look)
    moved = look.final_url if look.redirects and LINK.accepts(look.final_url) else None
    since = None if seen is None or state not in (State.STALE, State.FRESH) else seen.looked_at
    return LinkNews(
        url,
        state,
        as_line(reason) if reason else "",
        look.status,
        moved,
        look.moved_for_good,
        since,
        difference,
        look.outcome in (Outcome.OK, Outcome.UNCHANGED),
    )


def _judged(seen: Seen | None, look: PageLook) -> tuple[State, str, TextChange]:
    if look.outcome is Outcome.DEAD:
        return State.DEAD, look.reason or f"returned {look.status}", _NOTHING
    if look.outcome not in (Outcome.OK, Outcome.UNCHANGED):
        return State.UNKNOWN, look.reason, _NOTHING
    if seen is None:
        return State.UNKNOWN, f"nothing is recorded of it; {_recording()}", _NOTHING
    if seen.digest is None:
        return (
            State.UNKNOWN,
            f"it could not be read when the engine learned from it; {_recording()}",
            _NOTHING,
        )
    if look.outcome is Outcome.UNCHANGED:
        return State.FRESH, "", _NOTHING
    compared = compare(seen.digest, seen.reader, look)
    if compared is Comparison.SAME:
        return State.FRESH, "", _NOTHING
    if compared is Comparison.INCOMPARABLE:
        return State.UNKNOWN, f"it was recorded by another reader of pages; {_recording()}", _NOTHING
    return State.STALE, "its text changed", change(seen.sentences, look.text or "")


def _recording() -> str:
    return f"`{reconcile('sources', '--record')}` records it as it is now"


def is_usable(seen: Seen | None, readers: Collection[str] | None = None) -> bool:
    """Whether a later look can be compared with this one; by one of the `readers`, where those are known."""
    return (
        seen is not None
        and seen.digest is not None
        and seen.digest.startswith(f"{DIGEST_VERSION}:")
        and (readers is None or seen.reader in readers)
    )


def seen_of(look: PageLook, at: str) -> Seen:
    """What is recorded of a look. What its author chose and no line can hold is left out, and so are the parameters of
    an address that redirects led to: they may name a session. What the far end said of its version belongs to the whole
    address, and is left out with them.
    """
    final = look.final_url.partition("#")[0].partition("?")[0] if look.redirects else ""
    whole = not look.redirects or (final == look.final_url and LINK.accepts(final))
    read = look.outcome is Outcome.OK and look.text_digest is not None
    return Seen(
        at,
        look.status,
        final if LINK.accepts(final) else None,
        _line(look.etag) if whole else None,
        _line(look.last_modified) if whole else None,
        look.size or None,
        look.text_digest if read else None,
        look.reader if read and LINE.accepts(look.reader) else "",
        kept_of(look.text or "") if read else (),
    )


def _line(value: str | None) -> str | None:
    return value if value is not None and len(value) <= 200 and LINE.accepts(value) else None


def record_of_looks(looks: Mapping[str, PageLook], files: Mapping[str, str], at: str) -> EngineRecord:
    """What is recorded of an engine that learned from these pages and texts."""
    return EngineRecord({url: seen_of(look, at) for url, look in looks.items()}, dict(files))
