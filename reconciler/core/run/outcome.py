"""What became of a plan: a result for each action, and the exit code they add up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.errors import ExitCode, most_severe
from reconciler.core.plan.model import Kind


class Status(StrEnum):
    """How an action ended for its engine."""

    DONE = "done"  # the lockfile has what was asked for
    RUNNING = "running"  # its job had not ended; the next run resumes it
    FAILED = "failed"  # its job failed, or the platform refused its spec
    UNCERTAIN = "uncertain"  # nobody knows whether its engine was made
    GUARDED = "guarded"  # held back by a guard, and left as it was
    NOT_STARTED = "not_started"  # no create call was made, or it was refused for reasons outside the spec


@dataclass(frozen=True, slots=True)
class Result:
    """One engine's part of an outcome. `engine_id` is the new one, `previous` the one that it replaced."""

    key: str
    kind: Kind
    status: Status
    engine_id: str | None = None
    previous: str | None = None
    job_id: str | None = None
    operation_id: str | None = None
    error: str | None = None
    hint: str | None = None
    file: str | None = None
    summary: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to. `halted` says why no more create calls were made, if so, `halted_status` with which HTTP
    status the platform said it.

    `published` says that it is on the branch of the remote, `unpublished` why it is not although it should be;
    `proposed` is the address of the pull request that brings it there.
    `unwritten` is set when the lockfile could not be written; the journal then holds what was done.
    """

    results: tuple[Result, ...] = ()
    unchanged: int = 0
    wrote: bool = False  # whether the lockfile changed
    halted: str | None = None
    halted_status: int | None = None
    interrupted: bool = False
    timed_out: bool = False
    lease_lost: bool = False
    detached: bool = False
    unwritten: str | None = None
    published: bool = False
    unpublished: str | None = None
    proposed: str | None = None
    outputs_failed: tuple[str, ...] = ()  # outputs that could not be written, in sentences

    @property
    def exit_code(self) -> ExitCode:
        """The most severe of what the results mean (docs/design.md, section 7)."""
        codes = {_CODES[result.status] for result in self.results}
        if self.timed_out and not self.halted:
            codes = {self._after_deadline(result) for result in self.results}
        if self.detached:
            codes.discard(ExitCode.RUNNING)
        if self.interrupted:
            codes.add(ExitCode.INTERRUPTED)
        if self.lease_lost:
            codes.add(ExitCode.LEASE)
        if self.halted or self.unwritten or self.unpublished or self.outputs_failed:
            codes.add(ExitCode.FAILED)
        return most_severe(codes)

    @staticmethod
    def _after_deadline(result: Result) -> ExitCode:
        """What the deadline kept from starting is left to the next run, like what it kept from ending."""
        return ExitCode.RUNNING if result.status is Status.NOT_STARTED else _CODES[result.status]

    def counts(self) -> dict[str, int]:
        """How many results there are of each status, every status named."""
        counts = {status.value: 0 for status in Status}
        for result in self.results:
            counts[result.status.value] += 1
        return counts


_CODES = {
    Status.DONE: ExitCode.OK,
    Status.RUNNING: ExitCode.RUNNING,
    Status.FAILED: ExitCode.FAILED,
    Status.UNCERTAIN: ExitCode.UNCERTAIN,
    Status.GUARDED: ExitCode.GUARD,
    Status.NOT_STARTED: ExitCode.FAILED,
}
