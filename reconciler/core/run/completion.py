"""What a run hears of its jobs, from the answer that names one to its end: answers, news, webhooks, summaries.

A webhook may come before the answer to the call that made the job, or in the place of one that was lost. So what is
early is kept until somebody names that job, and an answer that got lost is taken from it, if it can only be that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.ledger.journal import Acceptance, End, JobSummary, Record
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.model import Action, Awaited
from reconciler.core.platform.job import COMPLETED, Accepted, News
from reconciler.core.run.operations import Operation, Options, Phase, Roster, Stops
from reconciler.core.run.protocol import Append, Command, ReadSummary, Watch

if TYPE_CHECKING:  # only named here
    from reconciler.core.ledger.webhook_facts import LostAnswer
    from reconciler.core.platform.webhook import Event


@dataclass(slots=True)
class Completion:
    """Part of a `Run`, whose lockfile, options, stops, operations and records it shares. Each method returns the
    commands that follow.
    """

    lockfile: Lockfile
    options: Options
    stops: Stops
    roster: Roster
    records: list[Record]
    _early: dict[str, Event] = field(default_factory=dict)  # by job: delivered before we knew of the job

    def accepted(self, operation: Operation, answer: Accepted, at: str) -> list[Command]:
        """Its call was answered with a job, which may have ended already."""
        self.roster.accept(operation, answer.job_id, answer.engine_id)
        records: list[Record] = [Acceptance(operation.id, answer.job_id, answer.engine_id, at)]
        early = self._early.pop(answer.job_id, None)
        news = early.news if early is not None else None
        if news is None or not news.terminal:
            news = News(answer.job_id, answer.status)
        if news.terminal:
            operation.end = news
            self.roster.enter(operation, Phase.ENDING)
            records.append(_end(operation.id, news, at))
        return [self._append(*records)]

    def delivered(self, event: Event, at: str) -> list[Command]:
        """A webhook that is early is kept: the call's own answer, when there is one, says whose the job is."""
        if event.job_id is None:
            return []
        if self.roster.of_job(event.job_id):
            return [] if event.news is None else self.heard(event.news, at)
        self._early[event.job_id] = event
        operation = self.roster.of_id(event.operation_id or "")
        return self._adopt(operation, event, at) if operation is not None and operation.unanswered else []

    def told_early(self, operation: Operation, at: str) -> list[Command]:
        """Its answer is lost; a webhook may have told before what the call made. Empty where none has."""
        told = [event for event in self._early.values() if event.operation_id == operation.id]
        return self._adopt(operation, told[0], at) if told else []

    def _adopt(self, operation: Operation, event: Event, at: str) -> list[Command]:
        """Take what a webhook tells for the answer that was lost; nothing where it names an engine that is known."""
        lost = None if isinstance(operation.answer, Accepted) else self._lost_answer(operation, event)
        if lost is None:
            return []
        operation.answer, operation.note = Accepted(lost.job_id, lost.engine_id), None
        self.roster.enter(operation, Phase.ANSWERING)
        return self.accepted(operation, operation.answer, at)

    def _lost_answer(self, operation: Operation, event: Event) -> LostAnswer | None:
        from reconciler.core.ledger.webhook_facts import known_in, lost_answer  # only when an answer was lost

        known = known_in(self.lockfile)
        known.unanswered.add(operation.id)
        known.engines |= self.roster.engine_ids()
        return lost_answer(known, event)

    def take_up(self, action: Action, awaited: Awaited) -> list[Command]:
        """A job that an earlier run left running."""
        job_id, operation_id, engine_id = awaited
        operation = Operation(operation_id, action, job_id=job_id, engine_id=engine_id)
        self.roster.add(operation)
        return self.wait(operation, job_id)

    def wait(self, operation: Operation, job_id: str) -> list[Command]:
        """Its job is known and on record."""
        if self.options.detach:
            self.roster.enter(operation, Phase.OVER)
            return []
        self.roster.enter(operation, Phase.WATCHING)
        return [] if self.stops.waiting else [Watch(job_id, operation.action.key)]

    def heard(self, news: News, at: str) -> list[Command]:
        """News of a job; what is late or repeated changes nothing."""
        return [command for one in self.roster.of_job(news.job_id) for command in self._heard(one, news, at)]

    def _heard(self, operation: Operation, news: News, at: str) -> list[Command]:
        if operation.end is not None:
            return self._made(operation, news.summary, at) if operation.end.status == news.status else []
        if not news.terminal:
            return []
        operation.end, operation.note = news, None
        self.roster.enter(operation, Phase.ENDING)
        return [self._append(_end(operation.id, news, at))]

    def summarize(self, operation: Operation, end: News, at: str) -> list[Command]:
        """Its end is on record; what it made may still have to be read."""
        told = operation.summary or end.summary
        wanted = self.options.read_summaries and not self.options.detach and not self.stops.waiting
        if told or not wanted or end.status != COMPLETED:
            self.roster.enter(operation, Phase.OVER)
            return self._made(operation, told, at)
        self.roster.enter(operation, Phase.SUMMARIZING)
        return [ReadSummary(end.job_id)]

    def read(self, job_id: str, summary: Mapping[str, int] | None, at: str) -> list[Command]:
        """What reading an ended job told."""
        return [command for one in self.roster.of_job(job_id) for command in self._read(one, summary, at)]

    def _read(self, operation: Operation, summary: Mapping[str, int] | None, at: str) -> list[Command]:
        if operation.phase is not Phase.SUMMARIZING:
            return []
        self.roster.enter(operation, Phase.OVER)
        return self._made(operation, summary, at)

    def _made(self, operation: Operation, summary: Mapping[str, int] | None, at: str) -> list[Command]:
        """What was made, from reading the job or from its webhook; the first that tells is kept."""
        if not summary or operation.summary:
            return []
        operation.summary = summary
        return [self._append(JobSummary(operation.id, summary, at))]

    def unwatch(self, job_id: str, reason: str) -> None:
        """Its job cannot be waited for; the next run takes it up."""
        for operation in self.roster.of_job(job_id):
            if operation.phase is Phase.WATCHING:
                operation.note = reason
                self.roster.enter(operation, Phase.OVER)

    def _append(self, *records: Record) -> Append:
        self.records += records
        return Append(records)


def _end(operation_id: str, news: News, at: str) -> End:
    return End(operation_id, news.status, at, news.error)
