"""`reconcile status`: the engines of a lockfile as a table for people.

The widths are computed by hand: the table is plain text that can be piped, and a terminal library would cost
more time to load than everything else here takes.
"""

from __future__ import annotations

from collections.abc import Callable

from reconciler.core.display import cut_to_width, display_width
from reconciler.core.lockfile.entry import FAILED, IN_PROGRESS, UNCERTAIN, Pending
from reconciler.core.lockfile.model import Lockfile
from reconciler.render.phrases.sanitize import sanitize, sanitize_lines, shorten
from reconciler.render.phrases.status_rows import PROTECTED, SERVING, Row, engine_rows, retired_rows, tally
from reconciler.render.phrases.style import Look
from reconciler.render.phrases.words import counted

_LOCALES, _STATUS = 4, 2  # columns
_NARROWEST = 8  # cells of the locales; with less room they are left out
_LONGEST = 2_000  # characters of an error
_GAP = "  "


def render_status(
    lockfile: Lockfile,
    *,
    now: str,
    color: bool = False,
    width: int = 100,
    keys: Callable[[str], bool] | None = None,
    retired: bool = False,
    ascii_only: bool = False,
) -> str:
    """The table, then what failed or is uncertain, then the counts. No final newline.

    `now` is UTC, `2026-11-24T11:08:13Z`; `keys` says which engines are shown; `retired` lists those whose files
    are gone, too. Only locales give way to `width`: keys and IDs are there to be copied. Raises `LockfileError`.
    """
    look = Look(color, ascii_only)
    rows, gone = engine_rows(lockfile, keys), retired_rows(lockfile, keys)
    shown = rows + gone if retired else rows
    parts = [_table(shown, now, look, width)] if shown else []
    for row in rows:
        if row.entry.pressing is not None and row.hint is not None:
            parts.append("\n".join(_trouble(row, row.entry.pressing, row.hint, look)))
    parts.append(look.paint(_sentence(rows, gone, listed=retired), "bold"))
    return look.written("\n\n".join(parts))


def _table(rows: list[Row], now: str, look: Look, width: int) -> str:
    cells = [["KEY", "ENGINE", "STATUS", "PROVISIONED", "LOCALES", "SUPERSEDED"]]
    cells += [_cells(row, now) for row in rows]
    columns = [list(column) for column in zip(*cells, strict=True)]
    if not any(row.entry.superseded for row in rows):
        columns.pop()
    _fit(columns, width, look.ellipsis)
    lines = [list(line) for line in zip(*(_padded(column) for column in columns), strict=True)]
    shown = [look.paint(_GAP.join(lines[0]).rstrip(), "dim")]
    for row, line in zip(rows, lines[1:], strict=True):
        line[_STATUS] = look.paint(line[_STATUS], row.style)
        shown.append(_GAP.join(line).rstrip())
    return "\n".join(shown)


def _cells(row: Row, now: str) -> list[str]:
    entry = row.entry
    engine = entry.current.engine_id if entry.current is not None else "-"
    if entry.current is None and entry.pending is not None and entry.pending.engine_id:
        engine = f"({entry.pending.engine_id})"  # it exists, and nobody is to use it yet
    provisioned = (entry.current.provisioned_at or "-") if entry.current is not None else "-"
    locales = ", ".join(map(str, row.spec.get("locales", ())))
    superseded = str(len(entry.superseded)) if entry.superseded else ""
    texts = (row.key, engine, row.words(now), provisioned.partition("T")[0], locales, superseded)
    return [sanitize(text) for text in texts]


def _fit(columns: list[list[str]], width: int, ellipsis: str) -> None:
    """Cut the locales to what the others leave, or drop them."""
    others = sum(_width(column) + len(_GAP) for i, column in enumerate(columns) if i != _LOCALES)
    room = width - others
    if room < _NARROWEST:
        del columns[_LOCALES]
    else:
        columns[_LOCALES] = [cut_to_width(text, room, ellipsis) for text in columns[_LOCALES]]


def _width(column: list[str]) -> int:
    return max(display_width(text) for text in column)


def _padded(column: list[str]) -> list[str]:
    width = _width(column)
    return [text + " " * (width - display_width(text)) for text in column]


def _trouble(row: Row, pending: Pending, advice: str, look: Look) -> list[str]:
    head = f"{look.paint(sanitize(row.key), 'bold')} {look.paint(pending.status, row.style)}"
    facts = [part for part in (pending.engine_id, pending.job_id and f"job {pending.job_id}") if part]
    about = f" ({sanitize(', '.join(facts))})" if facts else ""
    error = sanitize_lines(shorten(pending.error or "no reason is recorded", _LONGEST, look.ellipsis))
    first, *more = sanitize_lines(advice)
    hint = [f"    {look.paint('hint:', 'cyan')} {first}", *(f"    {line}" for line in more)]
    return [f"{head}{about}", *(f"    {line}" for line in error), *hint]


def _sentence(rows: list[Row], gone: list[Row], *, listed: bool) -> str:
    counts = tally(rows)
    named = (
        (SERVING, "serving"),
        (IN_PROGRESS, "under way"),
        (FAILED, "failed"),
        (UNCERTAIN, "uncertain"),
        (PROTECTED, "protected"),
    )
    parts = [f"{counts[name]:,} {words}" for name, words in named if counts[name]]
    sentence = counted(len(rows), "engine") + (f": {', '.join(parts)}" if parts else "")
    if not gone:
        return f"{sentence}."
    return f"{sentence}; {len(gone):,} retired{'' if listed else ' (--all lists them)'}."
