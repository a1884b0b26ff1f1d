"""`reconcile history` for people: a table, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reconciler.core.display import cut_to_width
from reconciler.render.phrases.sanitize import sanitize
from reconciler.render.phrases.style import Look, Style
from reconciler.render.text.table import Column, table_lines

_ID = 24  # cells of an engine ID; what is longer is whole in the JSON
_ACTIONS = {"accepted": "in progress", "uncertain": "outcome unknown"}
_STYLES: dict[str, Style] = {
    "created": "green",
    "replaced": "green",
    "in progress": "cyan",
    "failed": "red",
    "refused": "red",
    "outcome unknown": "magenta",
}


class HistoryRow(NamedTuple):
    """One thing that was done. `at` is UTC; `status` is how it ended, with what there is to add after a comma; `run` is
    the address or the name of the run; `took` says how long its job ran, where that is known.
    """

    at: str
    key: str
    status: str
    engine_id: str | None
    by: str
    run: str | None
    took: str = ""


def render_history(rows: Sequence[HistoryRow], look: Look) -> str:
    """The rows as a table, in the order given: newest first. No final newline."""
    actions, moments = actions_of(rows), [moment_of(row) for row in rows]
    columns = [
        Column("WHEN (UTC)", moments, rank=1, short=[moment.partition(" ")[0] for moment in moments]),
        Column(
            "ACTION",
            actions,
            flows=True,
            styles=[_STYLES.get(one.partition(",")[0], "plain") for one in actions],
        ),
        Column("KEY", [sanitize(row.key) for row in rows]),
        Column("ENGINE", [_short(row.engine_id, look) for row in rows], rank=2),
        Column("BY", [author_of(row) for row in rows], rank=3),
    ]
    return look.written("\n".join(table_lines(columns, look)))


def actions_of(rows: Sequence[HistoryRow]) -> list[str]:
    """What was done: the first engine of a key was created, later ones replaced the one before."""
    served: set[str] = set()
    actions = []
    for row in reversed(rows):
        status, comma, more = row.status.partition(",")
        if status == "completed":
            status = "replaced" if row.key in served else "created"
            served.add(row.key)
        actions.append(sanitize(_ACTIONS.get(status, status) + comma + more))
    return actions[::-1]


def moment_of(row: HistoryRow) -> str:
    """When, to the minute."""
    at = row.at
    return sanitize(at[:16].replace("T", " ") if at[10:11] == "T" else at)


def _short(engine_id: str | None, look: Look) -> str:
    return cut_to_width(sanitize(engine_id or "-"), _ID, look.ellipsis)


def author_of(row: HistoryRow) -> str:
    """The name without its mail address, and of the run's address what is its own."""
    name = row.by.partition(" <")[0]
    if row.run is None:
        return sanitize(name)
    return sanitize(f"{name} (run {row.run.rstrip('/').rpartition('/')[2]})")
