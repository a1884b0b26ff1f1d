"""The platform of the simulation: every create call makes an engine, whatever becomes of its answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from random import Random

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.engine.spec import Spec
from reconciler.core.ledger.webhook_facts import Delivery
from reconciler.core.platform.engine import EngineAnswer, Found, Gone
from reconciler.core.platform.job import COMPLETED, FAILED, IN_PROGRESS, Accepted, Answer, Refused
from reconciler.core.platform.webhook import Event


@dataclass(slots=True)
class Made:
    """An engine. `run` is who made it, `publishes` whether that run shared through the remote."""

    engine_id: str
    job_id: str
    operation: str
    key: str
    fingerprint: str
    run: str
    publishes: bool
    status: str = IN_PROGRESS
    delivered: bool = False


@dataclass(slots=True)
class Platform:
    """`answered` tells of every operation that reached it what was answered, heard or not."""

    engines: dict[str, Made] = field(default_factory=dict)
    answered: dict[str, Answer] = field(default_factory=dict)
    inbox: list[Delivery] = field(default_factory=list)
    claimed: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)  # deleted by somebody, behind everyone's back

    def post(
        self, operation: str, key: str, spec: Spec, run: str, publishes: bool, rng: Random, refusing: float
    ) -> Answer:
        """The answer to a create call that arrived."""
        assert operation not in self.answered, f"operation {operation} was sent twice"
        if rng.random() < refusing:
            answer: Answer = Refused("no", rng.choice([400, 402, 422, 429]))
        else:
            number = len(self.engines) + 1
            status = COMPLETED if rng.random() < 0.2 else IN_PROGRESS
            made = Made(
                f"eng_{number}", f"pjb_{number}", operation, key, fingerprint(spec), run, publishes, status
            )
            self.engines[made.engine_id] = made
            answer = Accepted(made.job_id, made.engine_id, status)
        self.answered[operation] = answer
        return answer

    def make_by_hand(self, key: str, wanted: str) -> Made:
        """An engine that somebody made without any run of ours."""
        number = len(self.engines) + 1
        made = Made(f"eng_{number}", f"pjb_{number}", f"hand_{number}", key, wanted, "", False, COMPLETED)
        self.engines[made.engine_id] = made
        return made

    def look_up(self, engine_ids: Collection[str]) -> Mapping[str, EngineAnswer]:
        """As the port `Lookups`."""
        return {one: Gone() if one in self.gone else Found() for one in engine_ids}

    def of_operation(self, operation: str) -> Made | None:
        return next((one for one in self.engines.values() if one.operation == operation), None)

    def of_job(self, job_id: str) -> Made | None:
        return next((one for one in self.engines.values() if one.job_id == job_id), None)

    def running(self) -> list[Made]:
        return [one for one in self.engines.values() if one.status == IN_PROGRESS]

    def end(self, made: Made, failed: bool) -> None:
        made.status = FAILED if failed else COMPLETED

    def work(self, rng: Random, failing: float) -> None:
        """Every job ends, and most of their webhooks come in."""
        for made in self.running():
            self.end(made, rng.random() < failing)
        for made in self.engines.values():
            if made.status != IN_PROGRESS and not made.delivered and rng.random() < 0.8:
                self.deliver(made)

    def deliver(self, made: Made) -> None:
        """Its webhook comes in, perhaps once more."""
        made.delivered = True
        summary: Mapping[str, int] | None = {"instructions": 3} if made.status == COMPLETED else None
        error = "it broke" if made.status == FAILED else None
        event = Event(
            f"provisioning.{made.status}",
            made.job_id,
            made.engine_id,
            made.status,
            error,
            summary,
            made.operation,
        )
        self.inbox.append(Delivery(f"d{len(self.inbox)}", event))

    def waiting(self) -> list[Delivery]:
        return [one for one in self.inbox if one.id not in self.claimed]
