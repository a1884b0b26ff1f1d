"""The plan for a terminal and a log: what happens to each engine, what changes in it, and what it comes to.

Engines that want attention come last, next to the summary, because the end of the output is what people see.
"""

from __future__ import annotations

from reconciler.core.plan import Action, Kind, Plan
from reconciler.render.diagnostics import render_diagnostics
from reconciler.render.look import Look, style_of
from reconciler.render.printable import cut_to_width, display_width, printable
from reconciler.render.text_fields import Room, field_lines
from reconciler.render.words import (
    closing_sentences,
    counted,
    short_digest,
    what_happens,
)

TERSE_ABOVE = (
    50  # with more new engines than this each takes one line: a first run is not read field by field
)
_KEY_COLUMN = 40


def render_plan(
    plan: Plan, *, color: bool = False, width: int = 100, max_lines: int = 40, ascii_only: bool = False
) -> str:
    """The whole plan, or only the diagnostics when it is invalid. No final newline.

    `width` is the terminal's, in cells; `max_lines` is how much of one text or diff is shown. Hints and file
    names are never cut, so that they can be copied.
    """
    look = Look(color, ascii_only)
    findings = render_diagnostics(plan.diagnostics, color=color, ascii_only=ascii_only)
    if plan.invalid:
        return findings
    blocks = [*_action_blocks(plan, look, Room(max(width, 40), max_lines)), findings, _closing(plan, look)]
    return look.written("\n\n".join(block for block in blocks if block))


def _action_blocks(plan: Plan, look: Look, room: Room) -> list[str]:
    new = [action for action in plan.actions if action.kind is Kind.CREATE]
    terse = len(new) > TERSE_ABOVE
    blocks = [_terse_block(new, look, room)] if terse else []
    rest = [action for action in plan.actions if not (terse and action.kind is Kind.CREATE)]
    rest.sort(key=lambda action: action.condition is not None)
    return blocks + [_block(action, look, room) for action in rest]


def _block(action: Action, look: Look, room: Room) -> str:
    style = style_of(action)
    sign = look.paint(look.sign(action), style)
    head = f"{sign} {look.paint(printable(action.key), 'bold')} {look.paint(what_happens(action), style)}"
    return "\n".join([head, *field_lines(action, look, room)])


def _terse_block(new: list[Action], look: Look, room: Room) -> str:
    column = min(_KEY_COLUMN, max(display_width(printable(action.key)) for action in new))
    lines = [_terse_line(action, column, look, room.width) for action in new]
    note = f"{counted(len(new), 'engine')} will be created; `reconcile plan --only KEY` shows all of one."
    return "\n".join([*lines, "", look.paint(note, "dim")])


def _terse_line(action: Action, column: int, look: Look, width: int) -> str:
    key = printable(action.key)
    facts = [key + " " * (column - display_width(key))]
    if action.spec is not None:
        sources = len(action.spec.sources)
        facts += [
            action.spec.name,
            ", ".join(action.spec.locales),
            counted(sources, "source") * bool(sources),
        ]
    line = "  ".join(printable(fact) for fact in facts if fact).rstrip()
    sign = look.sign(action)
    return f"{look.paint(sign, style_of(action))} {cut_to_width(line, width - len(sign) - 1, look.ellipsis)}"


def _closing(plan: Plan, look: Look) -> str:
    sentence, *more = closing_sentences(plan)
    lines = [look.paint(sentence, "bold"), *more]
    if plan.changes_anything:
        facts = (
            f"environment {printable(plan.environment)}",
            printable(plan.lockfile),
            short_digest(plan.digest),
        )
        lines.append(look.paint(f" {look.dot} ".join(facts), "dim"))
    return "\n".join(lines)
