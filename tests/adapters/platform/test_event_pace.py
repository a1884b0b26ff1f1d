"""When the next connection is due: values only. How the event stream uses it is in test_event_stream.py."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.platform.event_pace import AT_ONCE, LASTED, LIVED_LONG, Pace
from reconciler.core.platform.job import News, Progress

RUNNING = News("pjb_1", "in_progress")
STEP = Progress("pjb_1", "crawl")


def pause(
    pace: Pace, *heard: News | Progress, lived: float = 0.1, in_order: bool = True
) -> tuple[float, bool]:
    for message in heard:
        pace.heard(message)
    pace.ended(lived, in_order=in_order)
    return round(pace.pause, 3), pace.at_once


def test_an_orderly_end_after_news_is_looked_into_at_once() -> None:
    assert pause(Pace(lambda: 0.5), RUNNING, STEP) == (AT_ONCE / 2, True)
    assert pause(Pace(lambda: 0.5), RUNNING) == (AT_ONCE / 2, True)


def test_no_news_no_order_no_connection() -> None:
    assert pause(Pace(lambda: 0.5)) == (0.6, False)
    assert pause(Pace(lambda: 0.5), RUNNING, STEP, in_order=False) == (0.6, False)
    never_made = Pace(lambda: 0.5)
    never_made.ended()
    assert (round(never_made.pause, 3), never_made.at_once) == (0.6, False)


def test_a_repeated_snapshot_is_no_news_and_another_status_is() -> None:
    pace = Pace(lambda: 0.5)
    assert pause(pace, News("pjb_1", "queued"), lived=LASTED) == (AT_ONCE / 2, True)
    assert pause(pace, News("pjb_1", "queued"), lived=LASTED) == (0.6, False)
    assert pause(pace, RUNNING, lived=LASTED) == (AT_ONCE / 2, True)


def test_the_second_look_at_once_is_for_connections_that_lasted() -> None:
    pace = Pace(lambda: 0.5)
    assert pause(pace, STEP) == (AT_ONCE / 2, True)
    assert pause(pace, STEP) == (0.6, False)
    assert pause(pace, STEP) == (0.6, False)
    assert pause(pace, STEP, lived=LASTED) == (AT_ONCE / 2, True)


def test_connections_that_live_long_are_of_use_whatever_they_bring() -> None:
    pace = Pace(lambda: 0.5)
    assert [pause(pace, in_order=False)[0] for _ in range(3)] == [0.6, 1.1, 2.1]
    assert pause(pace, in_order=False, lived=LIVED_LONG) == (0.6, False)


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from([RUNNING, STEP, News("pjb_1", "queued")]), max_size=4),
            st.floats(0, 30),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_never_more_than_one_connection_in_a_fifth_of_a_second(
    connections: list[tuple[list[News | Progress], float, bool]],
) -> None:
    """Whatever the far end does: pauses and the life of connections together, but for one look at once."""
    pace = Pace(lambda: 0.0)
    time = 0.0
    for heard, lived, in_order in connections:
        pause(pace, *heard, lived=lived, in_order=in_order)
        time += lived + pace.pause
    assert time >= 0.2 * (len(connections) - 1) - 1e-9
