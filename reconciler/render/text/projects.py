"""The projects of a repository for a terminal: one a row, then what is wrong, and what was left alone."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.project_list import Listed, ProjectList, from_top
from reconciler.render.phrases.diagnostics import render_diagnostics
from reconciler.render.phrases.sanitize import sanitize
from reconciler.render.phrases.style import Look
from reconciler.render.phrases.words import counted
from reconciler.render.text.table import Column, table_lines

_MOST = 300  # characters of a name


def render_projects(found: ProjectList, look: Look) -> str:
    """No final newline."""
    blocks = [_table(found, look), *(_broken(one, look) for one in found.projects if one.error is not None)]
    left = [*_removed(found), *_skipped(found)]
    return look.shown("\n\n".join([*filter(None, blocks), *(["\n".join(left)] if left else [])]))


def _table(found: ProjectList, look: Look) -> str:
    if not found.projects:
        return "No projects."
    rows = found.projects
    columns = [
        Column("PROJECT", [name(one.folder) for one in rows]),
        Column(
            "ENVIRONMENTS",
            [", ".join(one.environments) or "settings are not valid" for one in rows],
            lists=True,
        ),
    ]
    if any(one.changed is not None for one in rows):
        columns.append(Column("CHANGED", [counted(len(one.changed or ()), "file") for one in rows], rank=1))
    return "\n".join(table_lines(columns, look))


def _broken(one: Listed, look: Look) -> str:
    if one.error is None:
        return ""
    lines = [f"{look.paint('error:', 'red')} {name(one.folder)}: {sanitize(one.error.message)}"]
    if one.error.hint:
        lines += [f"{look.paint('hint:', 'cyan')} {sanitize(line)}" for line in one.error.hint.split("\n")]
    if one.error.diagnostics:
        lines += [
            "",
            render_diagnostics(
                from_top(one.folder, one.error.diagnostics), color=look.color, ascii_only=look.ascii_only
            ),
        ]
    return "\n".join(lines)


def _removed(found: ProjectList) -> Iterator[str]:
    for folder in found.removed:
        yield f"removed: {name(folder)} (its engines stay on the platform; its lockfile is in git's history)"


def _skipped(found: ProjectList) -> Iterator[str]:
    for one in found.skipped:
        yield f"skipped: {name(one.folder)} ({sanitize(one.reason)})"


def name(folder: str) -> str:
    """A folder as it is shown: harmless, and cut where nobody reads on."""
    return sanitize(folder if len(folder) <= _MOST else f"{folder[:_MOST]}…")
