"""Tables that fit a terminal: where room is short the least important column goes, and no word is ever broken.

The widths are computed by hand: a table is plain text that can be piped, and a terminal library would take longer to
load than everything else that shows one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from reconciler.core.display import display_width, padded, wrapped
from reconciler.core.frozen import dataclass, replace
from reconciler.render.phrases.style import Look, Style

_GAP = "  "
_LIST, _TEXT = 8, 20  # cells that a list and a text get at least, where their column stays


@dataclass(frozen=True, slots=True)
class Column:
    """`rank` says what goes first, the highest; 0 stays. A column that `flows` is wrapped at blanks; in one of `lists`,
    items that do not fit are counted. `styles` has one for each cell; `short` are cells to try before the column goes.
    """

    head: str
    cells: Sequence[str]
    rank: int = 0
    flows: bool = False
    lists: bool = False
    styles: Sequence[Style] = ()
    short: Sequence[str] = ()

    @property
    def width(self) -> int:
        return max(map(display_width, (self.head, *self.cells)))


def table_lines(columns: Sequence[Column], look: Look) -> list[str]:
    """The lines of a table; without a width of the look, every column at its full width."""
    kept = [replace(each, cells=[look.written(cell) for cell in each.cells]) for each in columns]
    widths = _widths(kept, look.width)
    while widths is None:
        last = max(kept, key=lambda column: column.rank)
        if last.rank == 0:
            return _stacked(kept, look)
        at = kept.index(last)
        kept[at : at + 1] = [replace(last, cells=last.short, short=())] if last.short else []
        widths = _widths(kept, look.width)
    heads = _GAP.join(padded(column.head, width) for column, width in zip(kept, widths, strict=True))
    lines = [look.paint(heads.rstrip(), "dim")]
    for row in range(len(kept[0].cells)):
        lines += _row(kept, widths, row, look)
    return lines


def _widths(columns: Sequence[Column], width: int | None) -> list[int] | None:
    """How wide each column is; None where they do not fit."""
    widths = [column.width for column in columns]
    excess = 0 if width is None else sum(widths) + len(_GAP) * (len(widths) - 1) - width
    if excess <= 0:
        return widths
    narrowest = _LIST if any(column.lists for column in columns) else _TEXT
    for at, column in enumerate(columns):
        if column.lists or (column.flows and narrowest == _TEXT):
            less = max(min(excess, widths[at] - max(narrowest, display_width(column.head))), 0)
            widths[at] -= less
            excess -= less
    return widths if excess <= 0 else None


def _row(columns: Sequence[Column], widths: Sequence[int], row: int, look: Look) -> list[str]:
    cells = [_cell(column, width, row, look) for column, width in zip(columns, widths, strict=True)]
    lines = []
    for parts in zip_longest(*cells, fillvalue=""):
        shown = [
            look.paint(padded(part, width), column.styles[row])
            if column.styles and part
            else padded(part, width)
            for column, width, part in zip(columns, widths, parts, strict=True)
        ]
        lines.append(_GAP.join(shown).rstrip())
    return lines


def _cell(column: Column, width: int, row: int, look: Look) -> list[str]:
    text = column.cells[row]
    if display_width(text) <= width:
        return [text]
    return [_as_many(text.split(", "), width)] if column.lists else wrapped(text, width)


def _as_many(items: Sequence[str], width: int) -> str:
    """As many items as fit, and how many more there are."""
    shown = 0
    while display_width(", ".join([*items[: shown + 1], f"+{len(items) - shown - 1}"])) <= width:
        shown += 1
    return ", ".join([*items[:shown], f"+{len(items) - shown}"])


def _stacked(columns: Sequence[Column], look: Look) -> list[str]:
    """A row as a block: what it is about on a line of its own, the rest below it."""
    first, *rest = columns
    lines = []
    for row, name in enumerate(first.cells):
        lines.append(name)
        for column in rest:
            style = column.styles[row] if column.styles else "plain"
            lines += [f"  {look.paint(line, style)}" for line in look.flowing(column.cells[row], 2)]
    return lines
