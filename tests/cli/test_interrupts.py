from __future__ import annotations

import asyncio
import os
import signal

import pytest

from reconciler.cli.runs.interrupts import Interrupts, held_together


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_loop_is_told_in_it(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    told: list[str] = []

    async def attached() -> None:
        interrupts.attach(lambda: told.append("run"))

    with Interrupts() as interrupts:
        interrupts.hurry = lambda: told.append("lease")
        os.kill(os.getpid(), number)
        assert told == ["lease"]
        asyncio.run(attached())
    assert told == ["lease", "run"]
    assert signal.getsignal(number) == before


def test_a_signal_in_the_loop_interrupts_the_run() -> None:
    told: list[str] = []

    async def attached() -> None:
        interrupts.attach(lambda: told.append("run"))
        assert told == []
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.05)

    with Interrupts() as interrupts:
        asyncio.run(attached())
    assert interrupts.asked
    assert told == ["run"]


class Writer:
    """What is held: how soon it is to end."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def hurry(self, seconds: float) -> None:
        self.seconds.append(seconds)


def test_what_is_held_together_is_finished_before_the_signal_is_heard() -> None:
    writer, done = Writer(), []

    def cancelled() -> None:
        with held_together(writer):
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("lease given back")

    with pytest.raises(KeyboardInterrupt):
        cancelled()
    assert done == ["lease given back"]
    assert len(writer.seconds) == 1
    with held_together(writer):
        done.append("undisturbed")
    assert done[1:] == ["undisturbed"]
