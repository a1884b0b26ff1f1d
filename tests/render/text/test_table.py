from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.display import display_width
from reconciler.render.phrases.style import Look
from reconciler.render.text.table import Column, table_lines

KEYS = ("acme", "marketing/website")
COLUMNS = [
    Column("KEY", KEYS),
    Column("ENGINE", ("eng_X1y2Z3a4B5c6D7e8", "-"), rank=1),
    Column("STATUS", ("serving", "serving, replacement in progress since noon"), flows=True),
    Column("LOCALES", ("de", "de, es, fr, pt-BR"), rank=2, lists=True),
]


def shown(width: int | None) -> list[str]:
    return table_lines(COLUMNS, Look(width=width))


def test_without_a_width_nothing_is_left_out() -> None:
    assert shown(None) == [
        "KEY                ENGINE                STATUS                                       LOCALES",
        "acme               eng_X1y2Z3a4B5c6D7e8  serving                                      de",
        "marketing/website  -                     serving, replacement in progress since noon  de, es, fr, pt-BR",
    ]


def test_a_list_says_how_many_more_there_are() -> None:
    assert shown(96)[2].endswith("noon  de, es, +2")


def test_the_least_important_column_goes_first_and_text_hangs() -> None:
    assert shown(80) == [
        "KEY                ENGINE                STATUS",
        "acme               eng_X1y2Z3a4B5c6D7e8  serving",
        "marketing/website  -                     serving, replacement in progress since",
        "                                         noon",
    ]
    assert shown(40) == [
        "KEY                STATUS",
        "acme               serving",
        "marketing/website  serving, replacement",
        "                   in progress since",
        "                   noon",
    ]


def test_where_two_columns_do_not_fit_each_row_is_a_block() -> None:
    assert shown(30) == [
        *("acme", "  serving", "marketing/website", "  serving, replacement in", "  progress since noon")
    ]


def test_signs_that_are_spelled_out_are_measured_so() -> None:
    columns = [Column("KEY", ("日", "a")), Column("ENGINE", ("x", "y"))]
    lines = table_lines(columns, Look(ascii_only=True))
    assert lines[1:] == ["\\u65e5  x", "a       y"]


words = st.text("abc/_é日\u0301", min_size=1, max_size=12)


@given(
    keys=st.lists(words, min_size=1, max_size=5),
    data=st.data(),
    width=st.integers(20, 120),
)
def test_a_table_fits_and_no_word_is_broken(keys: list[str], data: st.DataObject, width: int) -> None:
    texts = st.lists(words, min_size=1, max_size=8)
    of = {name: [data.draw(texts) for _ in keys] for name in ("text", "list")}
    columns = [
        Column("KEY", keys),
        Column("ID", [data.draw(words) for _ in keys], rank=1),
        Column("TEXT", [" ".join(text) for text in of["text"]], flows=True),
        Column("LIST", [", ".join(text) for text in of["list"]], rank=2, lists=True),
    ]
    known = {word for column in columns for cell in (column.head, *column.cells) for word in cell.split()}
    known |= {f"{word}," for word in known}
    for line in table_lines(columns, Look(width=width)):
        assert display_width(line) <= width or len(line.split()) == 1
        assert all(word in known or word.removeprefix("+").isdecimal() for word in line.split())
