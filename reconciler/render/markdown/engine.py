"""One engine of a plan in Markdown, as a section that folds: what happens to it, why, and every difference.

The comment, the job summary and the Markdown view show the same section, under a title of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.engine.spec import Spec, meaning_of_text
from reconciler.core.plan.model import Action, Change
from reconciler.render.markdown.escape import code_span, fenced, prose
from reconciler.render.phrases.sanitize import sanitize, sanitize_lines, shorten, shorten_pair
from reconciler.render.phrases.style import Look
from reconciler.render.phrases.text_diff import diff_lines
from reconciler.render.phrases.words import content_title, counted, short_digest, what_happens

_LOOK = Look()
_LONGEST = 400  # characters of one line
_MAX_LINES = 40  # of one text
_PREVIEW = 3  # lines of a text that is new or gone as a whole


def engine_section(action: Action, title: str, most: int, *, unfolded: bool = False) -> str:
    """`title` is HTML, on one line. The differences take at most `most` UTF-8 bytes."""
    happens = prose(what_happens(action))
    about = [f"{happens[:1].upper()}{happens[1:]}."]
    if action.reason:
        about.append(f"Reason: {prose(action.reason)}.")
    if action.read_from is not None:
        about.append(f"File: {code_span(action.read_from)}.")
    opening = "<details open>" if unfolded else "<details>"
    parts = [f"{opening}<summary>{title}</summary>", " ".join(about)]
    lines = list(_differences(action))
    if lines:
        parts.append(fenced(lines, room=most, info="diff"))
    if action.hint:
        parts.append(f"Hint: {prose(action.hint, 2_000)}")
    return "\n\n".join([*parts, "</details>"])


def _differences(action: Action) -> Iterator[str]:
    yield from _changes(action)
    if action.drift:
        yield "@@ drift: - in the lockfile, + on the platform @@"
        for change in action.drift:
            yield from _value(change)


def _changes(action: Action) -> Iterator[str]:
    if action.changes:
        for change in action.changes:
            yield from _content(change) if change.content else _value(change)
    elif action.spec is not None and not action.drift:
        yield from _asked_for(action.spec)


def _value(change: Change) -> Iterator[str]:
    label = "link" if change.field == "sources" else sanitize(change.field)
    old, new = shorten_pair(change.old or "", change.new or "", _LONGEST * 4)
    if change.old is not None:
        yield from _marked("-", label, old)
    if change.new is not None:
        yield from _marked("+", label, new)


def _marked(mark: str, label: str, text: str) -> Iterator[str]:
    first, *more = sanitize_lines(text)
    yield f"{mark} {label}: {first}".rstrip()
    yield from (f"{mark}   {line}".rstrip() for line in more)


def _content(change: Change) -> Iterator[str]:
    mark = "+" if change.old is None else "-" if change.new is None else "@@"
    yield f"{mark} content {content_title(change, _LOOK)}"
    if mark == "@@" and change.old_text is not None and change.new_text is not None:
        lines = diff_lines(change.old_text, change.new_text, limit=_LONGEST)
        yield from (line.text if line.mark == "@" else line.mark + line.text for line in lines[:_MAX_LINES])
        yield from _more(len(lines) - _MAX_LINES)
        return
    text = change.new_text if mark == "+" else change.old_text if mark == "-" else None
    if text is not None:
        yield from _preview(mark, text)
    else:
        digests = [short_digest(digest) for digest in (change.old, change.new) if digest is not None]
        yield f"  {' → '.join(digests)}"


def _asked_for(spec: Spec) -> Iterator[str]:
    yield from _marked("+", "name", shorten(spec.name, _LONGEST))
    if spec.description:
        yield from _marked("+", "description", shorten(spec.description.rstrip(), _LONGEST * 4))
    if spec.locales:
        yield from _marked("+", "locales", shorten(", ".join(spec.locales), _LONGEST * 4))
    for source in spec.sources:
        if source.type == "link":
            yield from _marked("+", "link", shorten(source.payload, _LONGEST * 4))
            continue
        label = f"content {sanitize(source.file)}" if source.file is not None else "content"
        yield f"+ {label} ({counted(len(meaning_of_text(source.payload)), 'character')})"
        yield from _preview("+", source.payload)


def _preview(mark: str, text: str) -> Iterator[str]:
    lines = text.rstrip().split("\n")
    yield from (f"{mark}   {sanitize(shorten(line, _LONGEST))}".rstrip() for line in lines[:_PREVIEW])
    yield from _more(len(lines) - _PREVIEW)


def _more(number: int) -> Iterator[str]:
    if number > 0:
        yield f"… {counted(number, 'more line')}"
