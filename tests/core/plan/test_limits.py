"""Limits on what one run may replace or retire."""

from __future__ import annotations

import pytest

from reconciler.core.errors import InvalidInput
from reconciler.core.plan.limits import Limit, LimitKind


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        (0, Limit(0)),
        (5, Limit(5)),
        ("5", Limit(5)),
        ("30%", Limit(0, 30)),
        ("30 %", Limit(0, 30)),
        ("5 or 30%", Limit(5, 30)),
        ("100%", Limit(0, 100)),
    ],
)
def test_a_limit_is_a_number_a_share_or_both(written: object, limit: Limit) -> None:
    assert LimitKind().parse(written, True) == limit


@pytest.mark.parametrize(
    "written",
    [
        None,
        True,
        -1,
        1.5,
        10**6,
        "",
        "five",
        "-1",
        "5 or",
        "or 5%",
        "5 and 30%",
        "101%",
        "0x5",
        "٥",
        "5%%",
        [],
    ],
)
def test_anything_else_is_refused_without_repeating_it(written: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        LimitKind().parse(written, False)
    assert caught.value.message == "must be a number of engines, a percentage, or both"


@pytest.mark.parametrize("text", ["5", "30%", "5 or 30%", "0"])
def test_a_limit_is_written_as_it_is_read(text: str) -> None:
    assert str(LimitKind().parse(text, True)) == text


@pytest.mark.parametrize(
    ("limit", "engines", "most"),
    [(Limit(5), 600, 5), (Limit(0, 30), 6, 1), (Limit(5, 30), 6, 5), (Limit(0, 100), 7, 7), (Limit(), 9, 0)],
)
def test_what_allows_more_counts(limit: Limit, engines: int, most: int) -> None:
    assert limit.of(engines) == most
