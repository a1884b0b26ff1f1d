"""`reconcile status`: the engines of a lockfile as a table for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from reconciler.core.lockfile.entry import Pending
from reconciler.core.lockfile.model import Lockfile
from reconciler.render.phrases.diagnostics import hint_lines
from reconciler.render.phrases.sanitize import sanitize, sanitize_lines, shorten
from reconciler.render.phrases.status_rows import Row, engine_rows, retired_rows, status_sentence
from reconciler.render.phrases.style import Look
from reconciler.render.text.table import Column, table_lines

if TYPE_CHECKING:  # only with --refresh
    from reconciler.core.plan.drift import Actual

_LONGEST = 2_000  # characters of an error
_INDENT = "    "


def render_status(
    lockfile: Lockfile,
    *,
    now: str,
    color: bool = False,
    width: int | None = None,
    keys: Callable[[str], bool] | None = None,
    retired: bool = False,
    ascii_only: bool = False,
    actual: Actual | None = None,
) -> str:
    """The table, then what failed or is uncertain, then the counts. No final newline.

    `now` is UTC, `2026-11-24T11:08:13Z`; `keys` says which engines are shown; `retired` lists those whose files
    are gone, too. `width` is a terminal's, as `Look` has it. Raises `LockfileError`.
    """
    look = Look(color, ascii_only, width)
    rows, gone = engine_rows(lockfile, keys, actual), retired_rows(lockfile, keys)
    shown = rows + gone if retired else rows
    parts = [_table(shown, now, look)] if shown else []
    for row in rows:
        if row.entry.pressing is not None and row.hint is not None:
            parts.append("\n".join(_trouble(row, row.entry.pressing, row.hint, look)))
    if actual is not None:
        parts += ["\n".join(_drift(row, look)) for row in rows if row.gone or row.drift]
    sentence = look.flowing(status_sentence(rows, gone, listed=retired), 0)
    parts.append("\n".join(look.paint(line, "bold") for line in sentence))
    return look.shown("\n\n".join(parts))


def _table(rows: list[Row], now: str, look: Look) -> str:
    columns = [
        Column("KEY", [sanitize(row.key) for row in rows]),
        Column("ENGINE", [sanitize(_engine(row)) for row in rows], rank=1),
        Column(
            "STATUS",
            [sanitize(row.words(now)) for row in rows],
            flows=True,
            styles=[row.style for row in rows],
        ),
        Column("PROVISIONED", [sanitize(_provisioned(row)) for row in rows], rank=2),
        Column("LOCALES", [sanitize(_locales(row)) for row in rows], rank=4, lists=True),
    ]
    if any(row.entry.superseded for row in rows):
        superseded = [str(len(row.entry.superseded) or "") for row in rows]
        columns.append(Column("SUPERSEDED", superseded, rank=3))
    return "\n".join(table_lines(columns, look))


def _engine(row: Row) -> str:
    entry = row.entry
    if entry.current is not None:
        return entry.current.engine_id
    if entry.pending is not None and entry.pending.engine_id:
        return f"({entry.pending.engine_id})"  # it exists, and nobody is to use it yet
    return "-"


def _provisioned(row: Row) -> str:
    current = row.entry.current
    return (current.provisioned_at or "-").partition("T")[0] if current is not None else "-"


def _locales(row: Row) -> str:
    return ", ".join(map(str, row.spec.get("locales", ())))


def _trouble(row: Row, pending: Pending, advice: str, look: Look) -> list[str]:
    head = f"{look.paint(sanitize(row.key), 'bold')} {look.paint(pending.status, row.style)}"
    facts = [part for part in (pending.engine_id, pending.job_id and f"job {pending.job_id}") if part]
    about = f" ({sanitize(', '.join(facts))})" if facts else ""
    error = sanitize_lines(shorten(pending.error or "no reason recorded", _LONGEST, look.ellipsis))
    reasons = [f"{_INDENT}{part}" for line in error for part in look.flowing(line, len(_INDENT))]
    return [f"{head}{about}", *reasons, *hint_lines(advice, look)]


def _drift(row: Row, look: Look) -> list[str]:
    from reconciler.render.text.fields import Room, drift_lines

    engine = row.entry.current.engine_id if row.entry.current is not None else ""
    head = look.paint(sanitize(row.key), "bold")
    advice = hint_lines(row.drift_hint or "", look)
    if row.gone:
        said = f"{_INDENT}the platform no longer has {sanitize(engine)}"
        return [f"{head} {look.paint('gone', row.style)}", said, *advice]
    changes = drift_lines(row.drift, look, Room(look.width or 100, 40))
    return [f"{head} {look.paint('drifted', row.style)} ({sanitize(engine)})", *changes, *advice]
