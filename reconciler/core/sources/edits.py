"""What somebody changed by hand in what is recorded of sources: what no run changes once it is written.

A record is of one engine and one page, and is written once; only one that later looks cannot be compared with is made
anew. So a digest that became another one, by the same reader, was edited: it would have an engine replaced for a page
that did not change, or keep one whose page did.
"""

from __future__ import annotations

from reconciler.core.errors import Diagnostic, LockfileError, Severity
from reconciler.core.sources.news import is_usable
from reconciler.core.sources.state import Seen, parse

_NAMED = 5  # engines that the warning names


def edits_of_sources(before: bytes, now: bytes, file: str, since: str) -> list[Diagnostic]:
    """A warning for records that were edited since `before`; none where one of both cannot be read."""
    try:
        then, found = parse(before, file), parse(now, file)
    except LockfileError:  # what is broken is told by those who need it
        return []
    edited = sorted(
        engine_id
        for engine_id, record in found.engines.items()
        if any(_was_edited(then.seen(engine_id, url), seen) for url, seen in record.links.items())
    )
    if not edited:
        return []
    few = ", ".join(edited[:_NAMED]) + (f" and {len(edited) - _NAMED:,} more" if len(edited) > _NAMED else "")
    what = f"{file} was edited by hand since {since}: what is recorded of the sources of {few}"
    hint = "undo the edit; `--check-sources` compares pages with this file, and only runs write it"
    return [Diagnostic(what, file, hint=hint, severity=Severity.WARNING)]


def _was_edited(then: Seen | None, now: Seen) -> bool:
    return then is not None and is_usable(then, (now.reader,)) and then.digest != now.digest
