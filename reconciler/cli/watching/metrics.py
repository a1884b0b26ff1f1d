"""What a watch counts, as plain values; `families` gives them to whoever shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.adapters.system.prometheus import Family, counter, gauge, histogram
from reconciler.core.watch.results import STATES, RunResult

_BOUNDS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)  # seconds


class Durations:
    """A histogram of seconds."""

    def __init__(self) -> None:
        self.counts = [0] * (len(_BOUNDS) + 1)
        self.total = 0.0

    def took(self, seconds: float) -> None:
        at = next((place for place, bound in enumerate(_BOUNDS) if seconds <= bound), len(_BOUNDS))
        self.counts[at] += 1
        self.total += seconds

    def family(self, name: str, help_: str) -> Family:
        return histogram(name, help_, _BOUNDS, self.counts, self.total)


class Metrics:
    """Of one watch. `clock` gives unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.states: dict[str, int] = dict.fromkeys(STATES, 0)
        self.drifted = 0
        self.rounds: dict[str, int] = {}
        self.errors: dict[str, int] = {}
        self.pushes: dict[str, int] = {}
        self.calls: dict[str, int] = {}
        self.looks = self.moves = self.forced = 0
        self.look_seconds, self.run_seconds = Durations(), Durations()
        self.last_success: float | None = None
        self.last_look: float | None = None
        self.lease_held = self.standby = self.running = False
        self.blocked: str | None = None

    def look_done(self, seconds: float) -> None:
        self.looks += 1
        self.last_look = self._clock()
        self.look_seconds.took(seconds)

    def run_done(self, result: RunResult, seconds: float, calls: Mapping[str, int], *, refresh: bool) -> None:
        _add(self.rounds, result.verdict.value)
        self.run_seconds.took(seconds)
        for status, count in calls.items():
            _add(self.calls, status, count)
        if result.states is not None:
            self.states = dict(result.states)
            if refresh:
                self.drifted = self.states["drifted"]
        if result.trouble is not None:
            self.failed(result.trouble.kind)
        if result.verdict.value in ("converged", "running"):
            self.last_success = self._clock()

    def failed(self, kind: str) -> None:
        _add(self.errors, kind)

    def pushed(self, outcome: str) -> None:
        _add(self.pushes, outcome)

    def families(self) -> list[Family]:
        states: list[tuple[dict[str, str], float]] = [
            ({"state": name}, float(self.states[name])) for name in STATES if name != "drifted"
        ]
        blocked = [] if self.blocked is None else [({"kind": self.blocked}, 1.0)]
        found = [
            Family("reconcile_engines", "gauge", "Engines by state, as of the last run.", tuple(states)),
            gauge("reconcile_drifted_engines", "Engines that differ on the platform.", self.drifted),
            gauge("reconcile_pending_jobs", "Provisioning jobs in progress.", self.states["running"]),
            counter("reconcile_watch_rounds", "Runs by result.", self.rounds, "result"),
            counter("reconcile_watch_errors", "Errors by kind.", self.errors, "kind"),
            counter("reconcile_watch_pushes", "Push webhooks by outcome.", self.pushes, "outcome"),
            counter("reconcile_platform_requests", "Requests of runs by status.", self.calls, "status"),
            counter("reconcile_watch_looks", "Looks at the remote.", self.looks),
            counter("reconcile_watch_moves", "Times that the clone was moved.", self.moves),
            counter("reconcile_watch_forced", "Times that the branch was rewritten.", self.forced),
            self.look_seconds.family("reconcile_watch_look_seconds", "Time of a look at the remote."),
            self.run_seconds.family("reconcile_watch_run_seconds", "Time of a run."),
            gauge("reconcile_watch_lease_held", "1 while a run here holds the lease.", self.lease_held),
            gauge("reconcile_watch_standby", "1 while another replica does the work.", self.standby),
            gauge("reconcile_watch_running", "1 while a run is in progress.", self.running),
            Family(
                "reconcile_watch_blocked",
                "gauge",
                "1 while something keeps runs from starting.",
                tuple(blocked),
            ),
        ]
        times: tuple[tuple[str, str, Any], ...] = (
            (
                "reconcile_watch_last_success_timestamp_seconds",
                "Time of the last run without errors.",
                self.last_success,
            ),
            (
                "reconcile_watch_last_look_timestamp_seconds",
                "Time of the last look at the remote.",
                self.last_look,
            ),
        )
        return found + [gauge(name, help_, value) for name, help_, value in times if value is not None]


def _add(counts: dict[str, int], name: str, more: int = 1) -> None:
    counts[name] = counts.get(name, 0) + more
