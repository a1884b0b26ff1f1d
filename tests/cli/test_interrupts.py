from __future__ import annotations

import asyncio
import os
import signal

import pytest

from reconciler.cli.wiring.interrupts import Interrupts


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
