"""What signals do to a run that is about to change something: the first one ends it in good order, the second at once.

From the moment at which the lease is taken until the run has given it back, a signal must not tear anything apart.
Before and after, there is nothing to lose, and a signal ends the command where it is.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from reconciler.core.errors import ExitCode

if TYPE_CHECKING:
    from typing import Protocol

    class Hurried(Protocol):
        def hurry(self, seconds: float) -> None: ...


_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AGAIN = b"\ninterrupted again: ending now; the journal has what was recorded\n"


@contextmanager
def held_together(ledger_writer: Hurried) -> Iterator[None]:
    """For what takes the lease and gives it back without a loop in between: the first signal leaves it seconds for
    both, and is heard afterwards."""
    from reconciler.app.driver import END

    with Interrupts() as interrupts:
        interrupts.hurry = lambda: ledger_writer.hurry(END)
        yield
    if interrupts.asked:
        raise KeyboardInterrupt


class Interrupts:
    """A context manager for the main thread. `hurry` is called with the first signal, while nothing is attached yet."""

    def __init__(self) -> None:
        self.asked = False
        self.hurry: Callable[[], object] = lambda: None
        self.at_once = b""  # what the terminal needs before it is left
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._early) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def attach(self, interrupt: Callable[[], object]) -> None:
        """Within the event loop: from now on `interrupt` is what the first signal does; at once, if it came already."""
        loop = asyncio.get_running_loop()
        self.hurry = interrupt
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._on_signal)
        if self.asked:
            interrupt()

    def _early(self, number: int, frame: FrameType | None) -> None:
        self._on_signal()

    def _on_signal(self) -> None:
        if self.asked:
            os.write(2, self.at_once + _AGAIN)
            os._exit(ExitCode.INTERRUPTED)
        self.asked = True
        self.hurry()
