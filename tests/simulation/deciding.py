"""A person who looks on the platform for what became of a create call, and says so."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from reconciler.app.recorded import RecordedState
from tests.simulation.naming import questions_in
from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person found out about an uncertain operation."""

    key: str
    operation: str
    what: str
    engine_id: str | None = None
    job_id: str | None = None


def truth(world: World, known: RecordedState, rng: Random) -> Decision | None:
    """What a person who looks on the platform says about an uncertain operation, if there is one."""
    lock = known.folded
    found = questions_in(lock) + [(key, call) for key, calls in known.doubts.items() for call in calls]
    if not found:
        return None
    key, pending = rng.choice(found)
    made = world.platform.of_operation(pending.operation_id)
    if made is None:
        return Decision(key, pending.operation_id, rng.choice(("retry", "forget")))
    job_id = None if made.status == "completed" and rng.random() < 0.5 else made.job_id
    return Decision(key, pending.operation_id, "engine", made.engine_id, job_id)
