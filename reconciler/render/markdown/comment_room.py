"""Which engines a comment shows whole, which in one line, and which it only counts.

GitHub refuses a comment of more than 65,536 characters, so a large plan has to be cut, and what is cut must be the
least telling. Every engine is named if that is possible at all. What room is left goes to the differences of the
engines that a reviewer must not miss, and after that to one line of facts for the others.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.frozen import dataclass
from reconciler.core.plan.model import Action, Kind
from reconciler.render.markdown.engine import engine_section
from reconciler.render.markdown.escape import code_span, html_code, size
from reconciler.render.phrases.comment_words import facts
from reconciler.render.phrases.style import Look
from reconciler.render.phrases.words import TERSE_ABOVE

_LOOK = Look()
_MOST = 15_000  # bytes for the differences of one engine
_MISSES = 20  # engines whose differences found no room before smaller ones are looked for no longer
_UNFOLDED = 2  # so few engines are shown without a click
_UNFOLDED_BYTES = 3_000
_NAME = 200  # characters


@dataclass(frozen=True, slots=True)
class Shown:
    """One engine as it is going to stand there: `section` is Markdown of its own, else `line` is an item of a list."""

    action: Action
    line: str
    section: str | None = None


def fitted(actions: Sequence[Action], room: int) -> tuple[list[Shown], int]:
    """The engines, most important first as given, in at most `room` UTF-8 bytes; and how many are left out."""
    shown = [Shown(action, f"- {code_span(action.key, _NAME)}") for action in actions]
    spare = max(room - sum(size(one.line) + 1 for one in shown), room // 2)
    for_sections = spare * 3 // 5 if len(actions) > _MISSES else spare
    shown, left = _with_sections(shown, for_sections)
    shown, _ = _with_facts(shown, spare - for_sections + left)
    return _cut(shown, room)


def _with_sections(shown: list[Shown], spare: int) -> tuple[list[Shown], int]:
    terse = sum(one.action.kind is Kind.CREATE for one in shown) > TERSE_ABOVE
    most = min(_MOST, spare // 2)
    misses = 0
    made: list[Shown] = []
    for one in shown:
        skipped = misses > _MISSES or (terse and one.action.kind is Kind.CREATE)
        section = None if skipped else _section(one.action, most, few=len(shown) <= _UNFOLDED)
        cost = 0 if section is None else size(section) + 2 - size(one.line) - 1
        if section is None or cost > spare:
            misses += section is not None
            made.append(one)
            continue
        spare -= cost
        made.append(Shown(one.action, one.line, section))
    return made, spare


def _section(action: Action, most: int, *, few: bool) -> str:
    told = facts(action, html_code)
    title = f"{_LOOK.sign(action).strip()} {html_code(action.key, _NAME)}{f': {told}' if told else ''}"
    section = engine_section(action, title, most)
    if few and size(section) <= _UNFOLDED_BYTES:
        return engine_section(action, title, most, unfolded=True)
    return section


def _with_facts(shown: list[Shown], spare: int) -> tuple[list[Shown], int]:
    made: list[Shown] = []
    for one in shown:
        told = "" if one.section is not None else facts(one.action, lambda text: code_span(text, 60))
        cost = size(told) + 2
        if not told or cost > spare:
            made.append(one)
            continue
        spare -= cost
        made.append(Shown(one.action, f"{one.line}: {told}"))
    return made, spare


def _cut(shown: list[Shown], room: int) -> tuple[list[Shown], int]:
    kept: list[Shown] = []
    # Sections were paid for already; what they leave is for lines.
    room -= sum(size(one.section) + 2 for one in shown if one.section is not None)
    full = False
    for one in shown:
        if one.section is None:
            room -= size(one.line) + 1
            full = full or room < 0
            if full:
                continue
        kept.append(one)
    return kept, len(shown) - len(kept)
