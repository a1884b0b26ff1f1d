"""A run whose commands are looked at by hand, one fact after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.core.engine.spec import Spec
from reconciler.core.ledger.journal import Record
from reconciler.core.lockfile.entry import IN_PROGRESS, Entry
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.platform.job import Accepted
from reconciler.core.run.machine import Run
from reconciler.core.run.operations import Options
from reconciler.core.run.protocol import (
    Answered,
    Append,
    Command,
    Create,
    Fact,
    Finish,
    Recorded,
)
from tests.core.build import A, at, planned

ONE = {"acme": A}
THREE = {"a": A, "b": A, "c": A}
QUIET = Options(read_summaries=False)


class RunHarness:
    """A run whose commands are looked at by hand. Every fact comes a second after the one before it."""

    def __init__(
        self, lock: Lockfile, files: Mapping[str, Spec], options: Options = QUIET, **how: Any
    ) -> None:
        plan = planned(lock, files, **how)
        self.run = Run(plan, lock, {one.key: f"op_{one.key}" for one in plan.actions if one.creates}, options)
        self.second = 0
        self.said = self.run.start(at(0))

    def tell(self, fact: Fact) -> list[Command]:
        self.second += 1
        self.said = self.run.handle(fact, at(self.second))
        return self.said

    def recorded(self) -> list[Command]:
        """Everything appended in the last reaction is durable."""
        return self.tell(Recorded(self.appended()))

    def appended(self) -> tuple[Record, ...]:
        return tuple(record for one in self.said if isinstance(one, Append) for record in one.records)

    def called(self, key: str = "acme") -> None:
        """On to where the create call is under way."""
        self.recorded()
        assert Create(f"op_{key}", key, A) in self.said

    def accepted(self, status: str = IN_PROGRESS) -> None:
        """On to where the call was accepted, and that is durable."""
        self.called()
        self.tell(Answered("op_acme", Accepted("pjb_1", "eng_1", status)))
        self.recorded()

    def finish(self) -> Lockfile:
        (last,) = [one for one in self.said if isinstance(one, Finish)]
        assert self.run.finished
        return last.lockfile

    def entry(self, key: str = "acme") -> Entry:
        one = self.finish().entry(key)
        assert one is not None
        return one


def kinds(commands: list[Command]) -> list[type]:
    return [type(one) for one in commands]


def types(records: tuple[Record, ...]) -> list[type]:
    return [type(one) for one in records]
