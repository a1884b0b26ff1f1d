"""Outputs in a plan, in words: which places in other files are behind, and which cannot be written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from reconciler.core.outputs.places import Write, place_of
from reconciler.core.plan.model import Plan
from reconciler.render.phrases.sanitize import sanitize
from reconciler.render.phrases.style import Look

_LISTED = 20


def outputs_blocks(plan: Plan, look: Look) -> list[str]:
    """For a terminal or a log: a block of places, and one of what is wrong with others."""
    behind = [f"  {look.paint('~', 'yellow')} {_line(write, sanitize)}" for write in plan.outputs]
    wrong = [f"  {look.paint('!', 'red')} {sanitize(one)}" for one in plan.outputs_failed]
    titled = (("Outputs to update:", behind), ("Outputs that cannot be written:", wrong))
    return ["\n".join([title, *_few(lines, f"  {look.ellipsis}")]) for title, lines in titled if lines]


def outputs_lists(
    plan: Plan, code: Callable[[str], str], prose: Callable[[str], str], room: int
) -> list[str]:
    """The same as Markdown, each in about `room` UTF-8 bytes; `code` and `prose` make foreign text harmless."""
    behind = [f"- {_line(write, code)}" for write in plan.outputs]
    wrong = [f"- {prose(one)}" for one in plan.outputs_failed]
    titled = (("Outputs to update:", behind), ("Outputs that cannot be written:", wrong))
    return ["\n".join([title, "", *_few(lines, "- …", room)]) for title, lines in titled if lines]


def _line(write: Write, shown: Callable[[str], str]) -> str:
    place = f"{shown(write.output.file)} {shown(place_of(write.output)[len(write.output.file) + 1 :])}"
    return f"{place}: {shown(write.engine_id)}, of {shown(write.key)}"


def _few(lines: Sequence[str], ellipsis: str, room: int | None = None) -> list[str]:
    kept: list[str] = []
    for line in lines[:_LISTED]:
        if room is not None:
            room -= len(line.encode()) + 1
            if room < 0:
                break
        kept.append(line)
    more = len(lines) - len(kept)
    return [*kept, *([f"{ellipsis} and {more:,} more"] if more else [])]


def outputs_documents(plan: Plan) -> list[dict[str, Any]]:
    """For programs: the place as engine files name it, the engine, and the ID that belongs there."""
    return [
        {
            "file": write.output.file,
            **(
                {"key": write.output.key}
                if write.output.pointer is None
                else {"pointer": write.output.pointer}
            ),
            "engine": write.key,
            "engineId": write.engine_id,
        }
        for write in plan.outputs
    ]
