"""The engines of a plan in text, a block each: its sign, what happens to it, and what changes in it.

Imported only where something happens, since most plans are of nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.commands import KEY, reconcile
from reconciler.core.display import cut_to_width, display_width
from reconciler.core.plan.model import Action, Kind, Plan
from reconciler.render.phrases.sanitize import sanitize
from reconciler.render.phrases.style import Look, style_of
from reconciler.render.phrases.words import counted, what_happens
from reconciler.render.text.fields import Room, field_lines

_KEY_COLUMN = 40


def action_blocks(plan: Plan, look: Look, room: Room, terse_above: int) -> list[str]:
    """A block for each engine that is not simply unchanged; more new ones than `terse_above` share one block."""
    terse = sum(action.kind is Kind.CREATE for action in plan.actions) > terse_above
    if all(action.origin is None for action in plan.actions):
        return _blocks(plan.actions, terse, look, room)
    from reconciler.render.phrases.origins import in_groups  # only with --base

    blocks: list[str] = []
    for title, actions in in_groups(plan.actions):
        blocks += [look.paint(f"{title}:", "bold"), *_blocks(actions, terse, look, room)]
    return blocks


def _blocks(actions: Sequence[Action], terse: bool, look: Look, room: Room) -> list[str]:
    new = [action for action in actions if terse and action.kind is Kind.CREATE]
    blocks = [_terse_block(new, look, room)] if new else []
    rest = [action for action in actions if not (terse and action.kind is Kind.CREATE)]
    rest.sort(key=lambda action: action.condition is not None or action.guard is not None)
    return blocks + [_block(action, look, room) for action in rest]


def _block(action: Action, look: Look, room: Room) -> str:
    style = style_of(action)
    sign = look.paint(look.sign(action), style)
    head = f"{sign} {look.paint(sanitize(action.key), 'bold')} {look.paint(what_happens(action), style)}"
    return "\n".join([head, *field_lines(action, look, room)])


def _terse_block(new: list[Action], look: Look, room: Room) -> str:
    column = min(_KEY_COLUMN, max(display_width(sanitize(action.key)) for action in new))
    lines = [_terse_line(action, column, look, room.width) for action in new]
    note = f"{counted(len(new), 'engine')} will be created; `{reconcile('plan', ('--only', KEY))}` shows one in full."
    return "\n".join([*lines, "", look.paint(note, "dim")])


def _terse_line(action: Action, column: int, look: Look, width: int) -> str:
    key = sanitize(action.key)
    facts = [key + " " * (column - display_width(key))]
    if action.spec is not None:
        sources = len(action.spec.sources)
        facts += [
            action.spec.name,
            ", ".join(action.spec.locales),
            counted(sources, "source") * bool(sources),
        ]
    line = "  ".join(sanitize(fact) for fact in facts if fact).rstrip()
    sign = look.sign(action)
    return f"{look.paint(sign, style_of(action))} {cut_to_width(line, width - len(sign) - 1, look.ellipsis)}"
