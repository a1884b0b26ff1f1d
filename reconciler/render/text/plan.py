"""The plan for a terminal and a log: what happens to each engine, what changes in it, and what it comes to.

Engines that want attention come last, next to the summary, because the end of the output is what people see.
"""

from __future__ import annotations

from reconciler.core.plan.model import Plan
from reconciler.render.phrases.sanitize import sanitize
from reconciler.render.phrases.style import Look
from reconciler.render.phrases.words import TERSE_ABOVE, closing_sentences, short_digest


def render_plan(
    plan: Plan,
    *,
    color: bool = False,
    width: int = 100,
    max_lines: int = 40,
    ascii_only: bool = False,
    wrap: int | None = None,
) -> str:
    """The whole plan, or only the diagnostics when it is invalid. No final newline.

    `width` is how wide a list of new engines is, in cells; `wrap` is a terminal's width, as `Look` has it; `max_lines`
    is how much of one text or diff is shown. Hints and file names are never cut, so that they can be copied.
    """
    look = Look(color, ascii_only, wrap)
    findings = _findings(plan, look)
    if plan.invalid:
        return findings
    more = [*_outputs(plan, look), *_sources(plan, look)]
    blocks = [*_blocks(plan, look, width, max_lines), findings, *more, _closing(plan, look)]
    return look.shown("\n\n".join(block for block in blocks if block))


def _blocks(plan: Plan, look: Look, width: int, max_lines: int) -> list[str]:
    if not plan.actions:
        return []
    from reconciler.render.text.actions import action_blocks
    from reconciler.render.text.fields import Room

    return action_blocks(plan, look, Room(max(width, 40), max_lines), TERSE_ABOVE)


def _outputs(plan: Plan, look: Look) -> list[str]:
    if not plan.outputs and not plan.outputs_failed:
        return []
    from reconciler.render.phrases.outputs import outputs_blocks

    return outputs_blocks(plan, look)


def _sources(plan: Plan, look: Look) -> list[str]:
    if not plan.sources:
        return []
    from reconciler.render.phrases.sources import sources_blocks

    return sources_blocks(plan, look)


def _findings(plan: Plan, look: Look) -> str:
    if not plan.diagnostics:
        return ""
    from reconciler.render.phrases.diagnostics import render_diagnostics

    return render_diagnostics(
        plan.diagnostics, color=look.color, ascii_only=look.ascii_only, width=look.width
    )


def _closing(plan: Plan, look: Look) -> str:
    sentence, *more = closing_sentences(plan)
    lines = [look.paint(sentence, "bold"), *more]
    if plan.changes_anything:
        facts = (
            f"environment {sanitize(plan.environment)}",
            sanitize(plan.lockfile),
            short_digest(plan.digest),
        )
        lines.append(look.paint(f" {look.dot} ".join(facts), "dim"))
    return "\n".join(lines)
