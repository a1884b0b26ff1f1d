"""The faults that are asked for right now, and who gets one next."""

from __future__ import annotations

import threading
from collections import Counter

from reconciler.core.frozen import replace
from reconciler.sandbox.fault_kinds import Fault, faults_in, parse_fault


class FaultBook:
    """Added from any thread; taken by the event loop. Of the added ones each request gets at most one, oldest
    first, so that a list of them plays like a script; those written into an engine's text all apply to it."""

    def __init__(self) -> None:
        self._added: list[Fault] = []
        self._used: Counter[tuple[str, Fault]] = Counter()
        self._alone = threading.Lock()

    def add(
        self, on: str, do: str, *, times: int | None = 1, match: str = "", retry_after: float | None = None
    ) -> Fault:
        """`times` None: until cleared. Raises `UnknownFault`."""
        fault = parse_fault(on, do, times=times, match=match, retry_after=retry_after)
        with self._alone:
            self._added.append(fault)
        return fault

    def listed(self) -> list[Fault]:
        """Those added and not used up; `times` is what remains."""
        with self._alone:
            return list(self._added)

    def clear(self) -> None:
        with self._alone:
            self._added.clear()
            self._used.clear()

    def take(self, place: str, name: str = "", text: str = "", subject: str = "") -> tuple[Fault, ...]:
        """The faults for one request. `name` is the engine's, `text` its name and description, `subject` what
        a `times` in that text is counted by (an engine's name for create calls, an id later)."""
        with self._alone:
            added = self._take_added(place, name)
            written = [
                fault for fault in faults_in(text) if fault.place == place and self._use(subject, fault)
            ]
        return (*added, *written)

    def _take_added(self, place: str, name: str) -> list[Fault]:
        for index, fault in enumerate(self._added):
            if fault.place == place and fault.match in name:
                if fault.times == 1:
                    del self._added[index]
                elif fault.times is not None:
                    self._added[index] = replace(fault, times=fault.times - 1)
                return [fault]
        return []

    def _use(self, subject: str, fault: Fault) -> bool:
        if fault.times is None:
            return True
        self._used[subject, fault] += 1
        return self._used[subject, fault] <= fault.times
