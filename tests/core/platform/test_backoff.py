from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.platform.backoff import delays


def test_grows_twofold_up_to_the_ceiling() -> None:
    longest = delays(lambda: 1.0, first=1, ceiling=15)
    assert list(islice(longest, 6)) == [1, 2, 4, 8, 15, 15]


def test_jitter_is_full_above_the_floor() -> None:
    assert list(islice(delays(lambda: 0.0, first=1, ceiling=8, floor=0.2), 3)) == pytest.approx([0.2] * 3)
    halves = delays(lambda: 0.5, first=1, ceiling=8, floor=0.2)
    assert list(islice(halves, 3)) == pytest.approx([0.6, 1.1, 2.1])


def test_chance_is_asked_once_for_each_delay() -> None:
    chances = iter([0.0, 1.0, 0.0])
    assert list(islice(delays(lambda: next(chances), first=2, ceiling=9), 3)) == [0, 4, 0]


@given(
    st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=2000),
    st.floats(0, 1),
    st.floats(1, 10),
    st.floats(10, 100),
    st.floats(1, 1e6),
)
def test_always_between_floor_and_ceiling(
    chances: list[float], floor: float, first: float, ceiling: float, factor: float
) -> None:
    drawn = iter(chances)
    values = delays(lambda: next(drawn), first=first, ceiling=ceiling, floor=floor, factor=factor)
    assert all(floor <= value <= ceiling for value in islice(values, len(chances)))


@pytest.mark.parametrize(
    ("first", "ceiling", "floor", "factor"), [(1, 0.5, 0, 2), (1, 2, 1.5, 2), (1, 2, -1, 2), (1, 2, 0, 0.5)]
)
def test_bounds_that_make_no_sense(first: float, ceiling: float, floor: float, factor: float) -> None:
    with pytest.raises(ValueError, match="no backoff from"):
        delays(lambda: 0.5, first=first, ceiling=ceiling, floor=floor, factor=factor)
