"""The plan for a pull request comment or a job summary, kept within the size that GitHub takes.

Engines come in the order of what a reviewer must not miss, so that what has to be left out for want of room
is the least telling; it is always counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.plan import Action, Change, Kind, Plan
from reconciler.core.spec import Spec, meaning_of_text
from reconciler.render.diagnostics import render_diagnostics
from reconciler.render.look import Look
from reconciler.render.markdown_text import code_span, fenced, html_code, prose, size
from reconciler.render.printable import printable, printable_lines, shorten, shorten_pair
from reconciler.render.text import TERSE_ABOVE
from reconciler.render.text_diff import diff_lines
from reconciler.render.text_fields import content_title
from reconciler.render.words import closing_sentences, counted, short_digest, what_happens

_LOOK = Look()
_LONGEST = 400  # characters of one line
_MAX_LINES = 40  # of one text
_PREVIEW = 3  # lines of a text that is new or gone as a whole
_RESERVE = 200  # bytes for the closing count
_MISSES = 20  # engines whose details found no room before smaller ones are looked for no longer
_URGENCY = (
    Kind.NONE,
    Kind.REPLACE,
    Kind.RETIRE,
    Kind.CREATE,
)  # then all others, which cost and change little


def render_plan_markdown(plan: Plan, *, limit: int = 60_000) -> str:
    """The plan as GitHub-flavoured Markdown of at most `limit` UTF-8 bytes (2,000 or more)."""
    heading = f"### Reconcile plan for {code_span(plan.environment, 100)}"
    findings = render_diagnostics(plan.diagnostics, color=False).split("\n") if plan.diagnostics else []
    if plan.invalid:
        room = limit - size(heading) - _RESERVE
        return f"{heading}\n\nNo plan could be made.\n\n{fenced(findings, room=room)}"
    parts = [heading, _sentences(plan)]
    if plan.actions:
        parts.append(_table(plan))
    if findings:
        parts.append(fenced(findings, room=limit // 4))
    foot = f"Plan {code_span(short_digest(plan.digest))}, made from {code_span(plan.lockfile, 200)}."
    room = limit - sum(size(part) + 2 for part in parts) - size(foot) - _RESERVE
    return "\n\n".join([*parts, *_engines(plan, room, limit // 4), foot])


def _sentences(plan: Plan) -> str:
    sentence, *more = closing_sentences(plan)
    return " ".join([f"**{sentence}**", *more])


def _table(plan: Plan) -> str:
    rows = [f"| {name} | {number:,} |" for name, number in plan.summary().items() if number]
    return "\n".join(["| Action | Engines |", "|---|---:|", *rows])


def _engines(plan: Plan, room: int, most: int) -> Iterator[str]:
    """Details as long as all engines can still be named, or up to half the room; then names; then a count."""
    rank = {kind: index for index, kind in enumerate(_URGENCY)}
    actions = sorted(plan.actions, key=lambda action: rank.get(action.kind, len(rank)))
    terse = sum(action.kind is Kind.CREATE for action in actions) > TERSE_ABOVE
    names = [f"- {action.condition or action.kind} {code_span(action.key, 200)}" for action in actions]
    spare = max(room - sum(size(name) + 1 for name in names), room // 2)
    listed: list[str] = []
    misses = 0
    for action, name in zip(actions, names, strict=True):
        block = "" if misses > _MISSES or (terse and action.kind is Kind.CREATE) else _details(action, most)
        cost = size(block) + 2 - size(name) - 1
        if not block or cost > spare:
            misses += bool(block)
            listed.append(name)
            continue
        spare -= cost
        room -= size(block) + 2
        yield block
    yield from _listed(listed, room)


def _listed(names: list[str], room: int) -> Iterator[str]:
    kept: list[str] = []
    for name in names:
        room -= size(name) + 1
        if room < 0:
            break
        kept.append(name)
    if kept:
        yield "\n".join(kept)
    left = len(names) - len(kept)
    if left:
        yield f"… and {counted(left, 'more engine')}, for which there is no room here."


def _details(action: Action, most: int) -> str:
    title = f"{_LOOK.sign(action).strip()} {html_code(action.key)} {action.condition or action.kind}".strip()
    about = [f"It {prose(what_happens(action))}."]
    if action.reason:
        about.append(f"Why: {prose(action.reason)}.")
    if action.file is not None:
        about.append(f"File: {code_span(action.file)}.")
    parts = [f"<details><summary>{title}</summary>", " ".join(about)]
    lines = list(_differences(action))
    if lines:
        parts.append(fenced(lines, room=most, info="diff"))
    if action.hint:
        parts.append(f"Hint: {prose(action.hint, 2_000)}")
    return "\n\n".join([*parts, "</details>"])


def _differences(action: Action) -> Iterator[str]:
    if action.changes:
        for change in action.changes:
            yield from _content(change) if change.content else _value(change)
    elif action.spec is not None:
        yield from _asked_for(action.spec)


def _value(change: Change) -> Iterator[str]:
    label = "link" if change.field == "sources" else printable(change.field)
    old, new = shorten_pair(change.old or "", change.new or "", _LONGEST * 4)
    if change.old is not None:
        yield from _marked("-", label, old)
    if change.new is not None:
        yield from _marked("+", label, new)


def _marked(mark: str, label: str, text: str) -> Iterator[str]:
    first, *more = printable_lines(text)
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
        label = f"content {printable(source.file)}" if source.file is not None else "content"
        yield f"+ {label} ({counted(len(meaning_of_text(source.payload)), 'character')})"
        yield from _preview("+", source.payload)


def _preview(mark: str, text: str) -> Iterator[str]:
    lines = text.rstrip().split("\n")
    yield from (f"{mark}   {printable(shorten(line, _LONGEST))}".rstrip() for line in lines[:_PREVIEW])
    yield from _more(len(lines) - _PREVIEW)


def _more(number: int) -> Iterator[str]:
    if number > 0:
        yield f"… {counted(number, 'more line')}"
