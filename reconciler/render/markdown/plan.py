"""The plan for a pull request comment or a job summary, kept within the size that GitHub takes.

Engines come in the order of what a reviewer must not miss, so that what has to be left out for want of room
is the least telling; it is always counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.plan.attribution import by_origin
from reconciler.core.plan.model import Action, Kind, Plan
from reconciler.render.markdown.engine import engine_section
from reconciler.render.markdown.escape import code_span, fenced, html_code, prose, size
from reconciler.render.phrases.diagnostics import render_diagnostics
from reconciler.render.phrases.origins import origin_words
from reconciler.render.phrases.style import Look
from reconciler.render.phrases.words import TERSE_ABOVE, closing_sentences, counted, short_digest

_LOOK = Look()
_RESERVE = 200  # bytes for the closing count
_MISSES = 20  # engines whose details found no room before smaller ones are looked for no longer
_URGENCY = (
    Kind.NONE,
    Kind.RECREATE,
    Kind.DELETE,
    Kind.REPLACE,
    Kind.RETIRE,
    Kind.CREATE,
    Kind.UPDATE,
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
    if plan.outputs or plan.outputs_failed:
        from reconciler.render.phrases.outputs import outputs_lists

        parts += outputs_lists(plan, code_span, prose, limit // 10)
    if plan.sources:
        from reconciler.render.phrases.sources import sources_list

        parts += sources_list(plan.sources, code_span, prose, limit // 4)
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
    urgent = sorted(
        plan.actions, key=lambda one: -1 if one.guard is not None else rank.get(one.kind, len(rank))
    )
    actions = by_origin(urgent)
    terse = sum(action.kind is Kind.CREATE for action in actions) > TERSE_ABOVE
    names = [_name(action) for action in actions]
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


def _name(action: Action) -> str:
    origin = origin_words(action)
    return f"- {_label(action)} {code_span(action.key, 200)}" + (f" ({origin})" * bool(origin))


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
        yield f"… and {counted(left, 'more engine')}, not shown for lack of space."


def _details(action: Action, most: int) -> str:
    title = f"{_LOOK.sign(action).strip()} {html_code(action.key)} {_label(action)}".strip()
    if action.origin is not None:
        title += f" · {origin_words(action)}"
    return engine_section(action, title, most)


def _label(action: Action) -> str:
    return str(action.condition or action.kind) if action.guard is None else f"{action.kind}, held back"
