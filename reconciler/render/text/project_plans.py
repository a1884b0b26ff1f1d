"""The plans of several projects or environments for a terminal: each that has something to show, then one table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.core.project_list import Skipped
from reconciler.render.phrases.diagnostics import tally
from reconciler.render.phrases.project_plans import ProjectPlan, row_of, total_of
from reconciler.render.phrases.sanitize import sanitize
from reconciler.render.phrases.style import Look
from reconciler.render.phrases.words import counted
from reconciler.render.text.projects import name
from reconciler.render.text.table import Column, table_lines


def render_project_plans(
    plans: Sequence[ProjectPlan], texts: Sequence[str], look: Look, left: Iterable[str] = ()
) -> str:
    """`texts` has the text of each plan, empty for one that needs none. No final newline."""
    last = Column("PLAN", [row_of(one) for one in plans], flows=True)
    return _shown(plans, texts, look, left, last, total_of(plans))


def render_checked(
    checked: Sequence[ProjectPlan], texts: Sequence[str], look: Look, left: Iterable[str] = ()
) -> str:
    """The same for what `validate` found: the plans have no actions, and the valid files are the unchanged ones."""
    files = [counted(len(one.plan.unchanged), "engine file") for one in checked]
    cells = [
        tally(one.plan.diagnostics).rstrip(".") if one.plan.invalid else f"{valid} valid"
        for one, valid in zip(checked, files, strict=True)
    ]
    wrong = sum(one.plan.invalid for one in checked)
    valid = sum(len(one.plan.unchanged) for one in checked)
    total = f"{counted(len(checked), 'check')}: {counted(valid, 'engine file')} valid"
    total += f", {wrong:,} with errors." if wrong else "."
    return _shown(checked, texts, look, left, Column("ENGINE FILES", cells, flows=True), total)


def _shown(
    plans: Sequence[ProjectPlan],
    texts: Sequence[str],
    look: Look,
    left: Iterable[str],
    last: Column,
    total: str,
) -> str:
    blocks = [
        f"{look.paint(title(one), 'bold')}\n\n{text}" for one, text in zip(plans, texts, strict=True) if text
    ]
    columns = [
        Column("PROJECT", [name(one.folder) for one in plans]),
        Column("ENVIRONMENT", [sanitize(one.environment) or "?" for one in plans], rank=1),
        last,
    ]
    table = "\n".join(table_lines(columns, look)) if plans else ""
    blocks += [table, "\n".join(left), look.paint(total if plans else "No projects to look at.", "bold")]
    return look.shown("\n\n".join(filter(None, blocks)))


def title(one: ProjectPlan) -> str:
    """`== apps/web, staging`"""
    environment = f", {sanitize(one.environment)}" if one.environment else ""
    return f"== {name(one.folder)}{environment}"


def left_out(skipped: Iterable[Skipped], removed: Iterable[str]) -> list[str]:
    """Lines about folders that have no plan."""
    gone = [f"removed: {name(one)} (its engines stay on the platform)" for one in removed]
    return [*gone, *(f"skipped: {name(one.folder)} ({sanitize(one.reason)})" for one in skipped)]
