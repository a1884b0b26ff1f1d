"""The operations of a run: found by id, by key and by job, and counted by the phase they are in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.core.run.operation import Operation, Phase


@dataclass(slots=True)
class Roster:
    """Operations change their phase and get their job only through it, so the counts are always right."""

    _by_id: dict[str, Operation] = field(default_factory=dict)
    _by_key: dict[str, Operation] = field(default_factory=dict)
    _by_job: dict[str, list[Operation]] = field(default_factory=dict)
    _counts: Counter[Phase] = field(default_factory=Counter)

    def add(self, operation: Operation) -> None:
        self._by_id[operation.id] = operation
        self._by_key[operation.action.key] = operation
        self._counts[operation.phase] += 1
        if operation.job_id is not None:
            self._by_job.setdefault(operation.job_id, []).append(operation)

    def accept(self, operation: Operation, job_id: str, engine_id: str) -> None:
        """Its create call made this job and this engine."""
        operation.job_id, operation.engine_id = job_id, engine_id
        self._by_job.setdefault(job_id, []).append(operation)

    def enter(self, operation: Operation, phase: Phase) -> None:
        self._counts[operation.phase] -= 1
        self._counts[phase] += 1
        operation.phase = phase

    def of_id(self, operation_id: str) -> Operation | None:
        return self._by_id.get(operation_id)

    def of_key(self, key: str) -> Operation | None:
        return self._by_key.get(key)

    def of_job(self, job_id: str) -> Sequence[Operation]:
        """Those that wait for this job; a lockfile that was edited can name one twice."""
        return self._by_job.get(job_id, ())

    def in_phase(self, phase: Phase) -> list[Operation]:
        return [one for one in self._by_id.values() if one.phase is phase]

    def count(self, *phases: Phase) -> int:
        """How many are in one of these phases."""
        return sum(self._counts[phase] for phase in phases)

    def engine_ids(self) -> set[str]:
        """The engines that the operations made, or wait for."""
        return {one.engine_id for one in self._by_id.values() if one.engine_id is not None}
