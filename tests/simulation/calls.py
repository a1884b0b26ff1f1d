"""Create calls on their way from a process to the platform and back."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.core.platform.job import Accepted, Answer, Uncertain
from reconciler.core.run.protocol import Create
from tests.simulation.world import Process, World


@dataclass(slots=True)
class Calls:
    """Those of one process. When it dies, one that is on the wire may arrive all the same."""

    world: World
    process: Process
    sent: dict[str, Create] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)

    def send(self, command: Create) -> None:
        self.world.on_send(self.process, command)
        self.sent[command.operation] = command
        self.process.arrivals.append(lambda: self.arrive(command.operation))

    def arrive(self, operation: str) -> None:
        """It reaches the platform, once."""
        command = self.sent.pop(operation, None)
        if command is None:
            return
        process, world = self.process, self.world
        key, chance = command.key, process.weather.refused_call
        if operation in world.decided:  # a person said that it made nothing while it was on its way
            world.late.add(operation)
        answer = world.platform.post(
            operation, key, command.spec, process.name, process.publishes, process.rng, chance
        )
        made = answer.engine_id if isinstance(answer, Accepted) else "nothing"
        world.say(f"{process.name}: POST {operation} for {key} {command.spec.locales[0]} made {made}")
        self.answers[operation] = answer
        process.step(f"POST {operation} arrived")

    def answer(self, operation: str) -> Answer | None:
        """What came back for one that arrived; it may have been lost."""
        answer = self.answers.pop(operation, None)
        if answer is not None and self.process.lucky(self.process.weather.lost_answer):
            self.world.say(f"{self.process.name}: the answer of {operation} is lost")
            return Uncertain("the answer was lost")
        return answer

    def give_up(self, operation: str) -> None:
        """It is on its way, and nobody waits for it any more."""
        self.arrive(operation)
        self.answers.pop(operation, None)
