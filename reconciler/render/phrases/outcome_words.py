"""An outcome in words: the sentences that its views share, so that they never disagree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from reconciler.core.commands import key_variable, only, reconcile
from reconciler.core.duration import format_duration
from reconciler.core.frozen import dataclass
from reconciler.core.plan.model import Kind
from reconciler.core.run.outcome import Outcome, Result, Status
from reconciler.render.phrases.sanitize import sanitize
from reconciler.render.phrases.words import counted

_DONE = {
    Kind.CREATE: "created",
    Kind.REPLACE: "replaced",
    Kind.RECREATE: "recreated",
    Kind.UPDATE: "updated",
    Kind.RESUME: "resumed",
    Kind.RESTORE: "restored",
    Kind.DISCARD: "discarded",
    Kind.MOVE: "moved",
    Kind.RETIRE: "retired",
    Kind.DELETE: "retired",
    Kind.RECORD: "recorded",
    Kind.NONE: "kept",
}
_ENDED = {
    Status.FAILED: "failed",
    Status.UNCERTAIN: "uncertain",
    Status.DRIFTED: "drifted",
    Status.RUNNING: "still running",
    Status.NOT_STARTED: "not started",
    Status.GUARDED: "held back",
}
_MADE = {"brandVoices": "brand voice", "glossaryItems": "glossary item", "instructions": "instruction"}


@dataclass(frozen=True, slots=True)
class Group:
    """Results with the same error, said once."""

    error: str
    results: tuple[Result, ...]


def ended(outcome: Outcome, status: Status) -> tuple[Result, ...]:
    """The results of one status, in the plan's order."""
    return tuple(result for result in outcome.results if result.status is status)


def grouped(results: Iterable[Result], error_of: Callable[[Result], str]) -> list[Group]:
    """The results by error, in the order in which each error first comes."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(error_of(result), []).append(result)
    return [Group(error, tuple(members)) for error, members in groups.items()]


def what_was_done(result: Result) -> str:
    """What became of an engine whose action is done, as the rest of a line that begins with its key."""
    engine = sanitize(result.engine_id or "its engine")
    was = f", was {sanitize(result.previous)}" if result.previous else ""
    sentences = {
        Kind.CREATE: f"created {engine}",
        Kind.REPLACE: f"replaced by {engine}{was}",
        Kind.RECREATE: f"recreated as {engine}{was}",
        Kind.UPDATE: f"updated in place, keeps {engine}",
        Kind.RESUME: f"completed {engine}{was}",
        Kind.RESTORE: f"restored {engine}{was}",
        Kind.DISCARD: f"keeps its engine; the pending {engine if result.engine_id else 'operation'} was discarded",
        Kind.MOVE: f"moved here, keeps {engine}",
        Kind.RETIRE: f"retired; {engine} stays on the platform",
        Kind.DELETE: f"retired; {engine} is deleted on the platform next",
        Kind.RECORD: f"recorded with its new options, keeps {engine}",
        Kind.NONE: "unchanged",
    }
    found = " (its answer was lost; found by name)" if result.looked_up else ""
    return f"{sentences[result.kind]}{found}"


def what_became(result: Result) -> str:
    """The result in a word or two: `created`, `still running`."""
    return _DONE[result.kind] if result.status is Status.DONE else _ENDED[result.status]


def made(summary: Mapping[str, int] | None) -> str:
    """`4 brand voices, 12 glossary items, 6 instructions`, or nothing when the platform did not tell."""
    if not summary:
        return ""
    return ", ".join(counted(number, _MADE.get(name, sanitize(name))) for name, number in summary.items())


def closing_sentence(outcome: Outcome, command: str, elapsed: float | None = None) -> str:
    """`Apply: 3 created, 1 replaced, 1 failed, 9,996 unchanged in 12.3 s.`; `elapsed` is in seconds."""
    counts: dict[str, int] = dict.fromkeys([*_DONE.values(), *_ENDED.values()], 0)
    for result in outcome.results:
        counts[what_became(result)] += 1
    parts = [f"{number:,} {words}" for words, number in counts.items() if number]
    if outcome.unchanged or not parts:
        parts.append(f"{outcome.unchanged:,} unchanged")
    took = "" if elapsed is None else f" in {_seconds(elapsed)}"
    return f"{command.capitalize()}: {', '.join(parts)}{took}."


def _seconds(elapsed: float) -> str:
    return f"{elapsed:.1f} s" if elapsed < 60 else format_duration(elapsed)


def not_waited_for(command: str) -> str:
    """Why jobs still run although the run had time."""
    return f"Did not wait for the jobs ({'--no-wait' if command == 'collect' else '--detach'})."


def why_held_back(result: Result) -> str:
    """What was not done, and why."""
    kind = Kind.REPLACE if result.kind is Kind.RESUME else result.kind
    return f"not {_DONE[kind]}: {result.error}"


def why_failed(result: Result) -> str:
    """The reason alone; an engine that failed in an earlier run says so."""
    error = result.error or "the platform gave no reason"
    if result.kind is not Kind.NONE:
        return error
    return f"failed in an earlier run and is skipped: {error.removeprefix('failed: ')}"


def why_drifted(result: Result) -> str:
    """What differs, and that it was not changed."""
    return f"not changed: {result.error}"


def why_not_started(outcome: Outcome, result: Result) -> str:
    """The reason alone. What ended the creating is the same reason for those it hit and for those behind them."""
    error = result.error or "the run ended before its turn"
    if outcome.halted is not None and error.endswith(f": {outcome.halted}"):
        return outcome.halted
    return error


def only_updates(results: Iterable[Result]) -> bool:
    """Whether all of these were to be changed in place, and none to be created."""
    return all(result.kind is Kind.UPDATE for result in results)


def stopped(outcome: Outcome) -> str:
    """What a run that was halted did no more of."""
    waiting = ended(outcome, Status.NOT_STARTED)
    return "Stopped updating" if waiting and only_updates(waiting) else "Stopped creating"


def how_to_retry(results: tuple[Result, ...]) -> str:
    """What a person can do about engines that failed for one reason, with the exact command."""
    if len(results) > 1 and only_updates(results):
        hints = {result.hint for result in results}
        shared = hints.pop() if len(hints) == 1 else None
        return shared or f"edit their files, then run `{reconcile('apply')}`"
    if len(results) > 1:
        return f"edit their files, or try again: {reconcile('apply', '--retry-failed')}"
    (result,) = results
    if result.hint:
        return result.hint
    again = reconcile("apply", "--retry-failed", only(result.key))
    return f"edit {result.file}, or try again: {again}" if result.file else f"try again: {again}"


_REMEDY = "once the cause is fixed (key, credit, quota, connection or disk),"
_REMEDIES = {
    401: "check {}, which the platform refused (401), then",
    403: "check {}, which the platform refused (403), then",
    402: "once the organization's credit limit allows it again (402),",
    404: "check LINGO_API_URL: no provisioning API at that address (404); then",
    429: "once the daily token quota is renewed or raised (429),",
}


def _remedy(status: int) -> str:
    return _REMEDIES.get(status, _REMEDY).format(key_variable())


def next_steps(outcome: Outcome, command: str, record: str | None) -> list[str]:
    """What to do now, most pressing first; empty when there is nothing. Not yet made harmless. `record` is the shell
    command that commits the lockfile, or brings the commit that has it here; None where the reader cannot do that.
    """
    steps: list[str] = []
    counts = outcome.counts()
    if outcome.proposed is not None:
        steps.append(f"merge {outcome.proposed}; applications then see the new engine IDs")
    elif outcome.wrote and not outcome.published and record is not None:
        steps.append(f"commit the engine IDs: `{record}`")
    elif outcome.published and record is not None:
        steps.append(f"update this checkout: `{record}`")
    if counts["uncertain"]:
        one = ended(outcome, Status.UNCERTAIN)[0].key
        settle = reconcile("resolve", ("--engine-id", "ID"), arguments=[one])
        steps.append(
            f"resolve unknown outcomes with the commands above, such as {settle}; until then nothing is created there"
        )
    again = []
    if counts["running"]:
        again.append("waits for the jobs that are still running")
    if counts["not_started"]:
        updates = only_updates(ended(outcome, Status.NOT_STARTED))
        again.append("updates what was not updated" if updates else "creates what was not created")
    if again:
        first = _remedy(outcome.halted_status or 0) + " " if outcome.halted else ""
        which = "apply" if counts["not_started"] else command  # collecting starts nothing
        steps.append(f"{first}run `{reconcile(which)}` again, which {' and '.join(again)}")
    return steps
