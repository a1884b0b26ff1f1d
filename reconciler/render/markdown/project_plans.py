"""The plans of several projects or environments as one comment: a table of all, then a section for each that changes.

What GitHub takes is shared out: every plan has its row as long as rows fit, and the sections come in the order of what
a reviewer must not miss. A section that finds no room is named in a line.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.frozen import replace
from reconciler.render.markdown.comment import (
    COMMENT_BYTES,
    SUMMARY_BYTES,
    Occasion,
    marker,
    render_plan_summary,
)
from reconciler.render.markdown.escape import code_span, prose, size
from reconciler.render.phrases.project_plans import ProjectPlan, row_of, total_of
from reconciler.render.phrases.words import counted

_ALL = "plans"  # the command in the marker: no single plan's comment has it
_SMALLEST = 8_000  # bytes that a plan of its own is given at least
_RESERVE = 600
_MISSES = 20  # sections that found no room before smaller ones are looked for no longer
_UNFOLDED = 2  # sections that are shown without a click


def marker_of_all(environment: str, folder: str) -> str:
    """The hidden line of the one comment: `environment` is empty for all of them, `folder` for all projects."""
    return marker(_ALL, environment, folder)


def markers_of_each(plans: Sequence[ProjectPlan]) -> frozenset[str]:
    """The lines of the comments that these plans would have by themselves, and have had before."""
    return frozenset(marker("plan", one.environment, one.folder) for one in plans if one.environment)


def render_plans_comment(
    plans: Sequence[ProjectPlan], line: str, occasion: Occasion, *, limit: int = COMMENT_BYTES
) -> str:
    """The comment, its marker `line` first, in at most `limit` UTF-8 bytes."""
    return f"{line}\n\n{render_plans_summary(plans, occasion, limit=limit - size(line) - 2)}"


def render_plans_summary(
    plans: Sequence[ProjectPlan], occasion: Occasion, *, limit: int = SUMMARY_BYTES
) -> str:
    """The same without a marker, for a job's summary or for stdout."""
    ordered = sorted(plans, key=_urgency)
    told = total_of(plans) if plans else "No project is affected."
    parts = [f"### Localization engines: {counted(len(plans), 'plan')}", f"**{told}**"]
    room = limit - sum(size(part) + 2 for part in parts) - _RESERVE
    table = _table(ordered, room // 2)
    parts += [table] * bool(plans)
    shown, left = _sections([one for one in ordered if one.stands_out], occasion, room - size(table) - 2)
    parts += shown
    if left:
        named = ", ".join(code_span(one.folder, 60) for one in left[:5]) + (
            " and others" if len(left) > 5 else ""
        )
        run = f" See [the run](<{occasion.run_url}>)." if occasion.run_url else ""
        parts.append(f"{counted(len(left), 'more plan')} not shown for lack of space: {named}.{run}")
    return "\n\n".join(parts)


def _urgency(one: ProjectPlan) -> tuple[int, str, str]:
    plan = one.plan
    waits = any(action.condition or action.guard is not None for action in plan.actions)
    rank = 0 if plan.invalid else 1 if waits else 2 if plan.changes_anything else 3 if one.stands_out else 4
    return rank, one.folder, one.environment


def _table(plans: Sequence[ProjectPlan], room: int) -> str:
    lines = ["| Project | Environment | Plan |", "|---|---|---|"]
    left = room - size("\n".join(lines)) - 100
    for number, one in enumerate(plans):
        cells = (
            _cell(code_span(one.folder, 120)),
            _cell(code_span(one.environment or "?", 100)),
            prose(row_of(one)),
        )
        row = f"| {' | '.join(cells)} |"
        left -= size(row) + 1
        if left < 0:
            lines.append(f"| … and {counted(len(plans) - number, 'more plan')} | | |")
            break
        lines.append(row)
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _sections(
    plans: Sequence[ProjectPlan], occasion: Occasion, room: int
) -> tuple[list[str], list[ProjectPlan]]:
    shown: list[str] = []
    left: list[ProjectPlan] = []
    for number, one in enumerate(plans):
        if len(left) > _MISSES:
            return shown, [*left, *plans[number:]]
        share = max(room // (len(plans) - number), _SMALLEST)
        section = _section(one, occasion, share, folded=len(plans) > _UNFOLDED)
        if size(section) + 2 > room:
            left.append(one)
            continue
        room -= size(section) + 2
        shown.append(section)
    return shown, left


def _section(one: ProjectPlan, occasion: Occasion, limit: int, *, folded: bool) -> str:
    about = replace(occasion, folder=one.folder)
    if not folded:
        return render_plan_summary(one.plan, about, limit=limit)
    from reconciler.render.markdown.escape import html_code

    summary = f"{html_code(one.folder, 120)}, {html_code(one.environment or '?', 100)}: {prose(row_of(one))}"
    text = render_plan_summary(one.plan, about, limit=limit - size(summary) - 60)
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"
