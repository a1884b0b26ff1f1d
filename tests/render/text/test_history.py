from __future__ import annotations

import pytest

from reconciler.core.display import display_width
from reconciler.render.phrases.style import Look
from reconciler.render.text.history import HistoryRow, render_history
from tests.render.samples import EVIL

RUN = "https://github.com/acme/engines/actions/runs/6712345678"
ROWS = [
    HistoryRow(
        "2026-11-24T11:08:13Z", "shop/website", "completed", "eng_X1y2Z3a4B5c6D7e8", "CI <ci@acme>", RUN
    ),
    HistoryRow("2026-11-23T11:08:13Z", "shop", "moved from shop/web", "eng_B", "Ada <ada@acme>", None),
    HistoryRow("2026-11-22T11:08:13Z", "shop", "uncertain, unverified", None, "Ada <ada@acme>", None),
    HistoryRow("2026-11-21T11:08:13Z", "shop/website", "completed", "e" * 30, "Ada <ada@acme>", None),
]


def test_a_table_of_what_was_done() -> None:
    assert render_history(ROWS, Look()).split("\n") == [
        "WHEN (UTC)        ACTION                       KEY           ENGINE                    BY",
        "2026-11-24 11:08  replaced                     shop/website  eng_X1y2Z3a4B5c6D7e8      CI (run 6712345678)",
        "2026-11-23 11:08  moved from shop/web          shop          eng_B                     Ada",
        "2026-11-22 11:08  outcome unknown, unverified  shop          -                         Ada",
        "2026-11-21 11:08  created                      shop/website  eeeeeeeeeeeeeeeeeeeeeee…  Ada",
    ]


@pytest.mark.parametrize(
    ("width", "heads"), [(40, "ACTION KEY"), (80, "WHEN (UTC) ACTION KEY ENGINE"), (120, None)]
)
def test_it_fits_by_leaving_out_what_matters_least(width: int, heads: str | None) -> None:
    lines = render_history(ROWS, Look(width=width)).split("\n")
    assert max(map(display_width, lines)) <= width
    assert " ".join(lines[0].split()) == (heads or "WHEN (UTC) ACTION KEY ENGINE BY")


def test_foreign_text_is_harmless() -> None:
    shown = render_history([HistoryRow(EVIL, EVIL, EVIL, EVIL, EVIL, EVIL)], Look())
    assert not {"\x1b", "\x07", "\u202e", "\u200b", "\r"} & set(shown)
    assert len(shown.split("\n")) == 2
