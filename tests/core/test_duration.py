from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.core.duration import (
    DURATION_PATTERN,
    duration_pattern,
    format_duration,
    parse_duration,
    seconds_between,
)
from reconciler.core.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("500ms", 0.5),
        ("1.5h", 5400),
        ("2d", 172800),
        ("1m 05s", 65),
        ("1d1h1m1s1ms", 90061.001),
        ("1800", 1800),
        ("0.25", 0.25),
        (" 30m\n", 1800),
        ("0", 0),
    ],
)
def test_reads_what_people_write(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "m",
        "30 minutes",
        "30M",
        "1m1h",
        "1h1h",
        "1h90m",
        "1d24h",
        "1.5h30m",
        "0.0000000001",
        "-5s",
        "+5s",
        "1e3",
        "nan",
        "inf",
        "1:30",
        ".5s",
        "５m",
        "9" * 400,
    ],
)
def test_refuses_the_rest_and_says_what_to_write(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_duration(text)
    assert caught.value.hint is not None
    assert "1h30m" in caught.value.hint
    assert len(caught.value.message) < 100


def test_a_refusal_does_not_repeat_the_text() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_duration("sk-very-secret")
    assert "sk-very-secret" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (-3, "0s"),
        (0.0004, "0s"),
        (0.35, "350ms"),
        (0.9999, "999ms"),
        (1, "1s"),
        (59.9, "59s"),
        (60, "1m 00s"),
        (65, "1m 05s"),
        (1800, "30m 00s"),
        (3599.9, "59m 59s"),
        (3600, "1h 00m"),
        (7500, "2h 05m"),
        (86400 * 3 + 3600 * 4, "3d 04h"),
    ],
)
def test_shows_the_two_largest_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(min_value=0, max_value=10**8))
def test_what_is_shown_can_be_written_and_is_never_more(seconds: int) -> None:
    shown = format_duration(seconds)
    read = parse_duration(shown)
    assert read <= seconds
    assert format_duration(read) == shown
    assert re.search(DURATION_PATTERN, shown)


PIECES = st.sampled_from(
    ["0", "1", "6", "7", "8", "23", "24", "59", "60", "167", "168", "169", "604800", ".5", ".0", " "]
)
UNITS = st.sampled_from(["d", "h", "m", "s", "ms", ""])


@given(
    st.lists(st.tuples(PIECES, UNITS), min_size=1, max_size=4).map(lambda some: "".join(map("".join, some)))
)
@example("7d")
@example("7d 0h")
@example("7d 1ms")
@example("6d 23h 59m 59s 999.9ms")
@example("8d")
@example("604800")
@example("604800.1")
@example("0s")
def test_the_bounded_pattern_and_the_bound_say_the_same(text: str) -> None:
    try:
        fits = 0 < parse_duration(text) <= 7 * 86400 and text == text.strip()
    except InvalidInput:
        fits = False
    assert (re.fullmatch(duration_pattern(7), text) is not None) is fits


@pytest.mark.parametrize(
    ("at", "then", "seconds"),
    [
        ("2026-11-24T11:08:13.500Z", "2026-11-24T11:09:13Z", 59.5),
        ("2026-11-24T12:08:13+01:00", "2026-11-24T11:08:13Z", 0.0),
        ("2026-11-24T11:09:13Z", "2026-11-24T11:08:13Z", 0.0),
        (None, "2026-11-24T11:08:13Z", None),
        ("", "2026-11-24T11:08:13Z", None),
        ("yesterday", "2026-11-24T11:08:13Z", None),
        ("2026-11-24T11:08:13", "2026-11-24T11:08:13Z", None),
    ],
)
def test_seconds_between_two_moments(at: str | None, then: str, seconds: float | None) -> None:
    assert seconds_between(at, then) == seconds
