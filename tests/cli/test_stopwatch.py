"""The time of a run is the time it worked."""

from __future__ import annotations

import time

import pytest

from reconciler.cli.runs.stopwatch import Stopwatch


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Hand:
    hand = Hand()
    monkeypatch.setattr(time, "monotonic", hand)
    return hand


def test_a_pause_does_not_count(clock: Hand) -> None:
    work = Stopwatch()
    clock.now += 2
    with work.paused():
        clock.now += 600
    assert work.seconds == 2
    clock.now += 1
    assert work.seconds == 3


def test_a_pause_that_is_broken_off_does_not_count_either(clock: Hand) -> None:
    work = Stopwatch()

    def interrupted() -> None:
        with work.paused():
            clock.now += 600
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert work.seconds == 0
