"""The outcome for a job summary: short, with every engine ID there is room for, and what a person has to do."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.plan.model import Kind, Plan
from reconciler.core.run.outcome import Outcome, Result, Status
from reconciler.render.markdown.escape import code_span, prose, size
from reconciler.render.phrases.outcome_words import (
    closing_sentence,
    ended,
    grouped,
    how_to_retry,
    made,
    next_steps,
    why_failed,
    why_held_back,
    why_not_started,
)
from reconciler.render.phrases.words import counted

_NAMED = 10
_RESERVE = 200  # bytes for the closing count
_DONE = {
    Kind.CREATE: "created",
    Kind.REPLACE: "replaced by",
    Kind.RESUME: "completed",
    Kind.RESTORE: "restored",
    Kind.DISCARD: "kept its engine; discarded",
    Kind.MOVE: "moved here, keeps",
    Kind.RETIRE: "retired; stays on the platform",
    Kind.RECORD: "recorded, keeps",
    Kind.NONE: "kept",
}


def render_outcome_markdown(
    plan: Plan, outcome: Outcome, *, command: str = "apply", record: str | None = None, limit: int = 30_000
) -> str:
    """The outcome as GitHub-flavoured Markdown of at most `limit` UTF-8 bytes (4,000 or more).

    `record` is the shell command that commits the lockfile from where the reader is, None where there is none.
    """
    sentence = closing_sentence(outcome, command)
    head = f"### Reconcile outcome for {code_span(plan.environment, 100)}\n\n**{sentence}**"
    steps = steps_to_take(outcome, command, record)
    lines = outcome_lines(outcome, plan.lockfile, limit - size(head) - size(steps))
    return "\n\n".join(part for part in (head, lines, steps) if part)


def outcome_lines(outcome: Outcome, lockfile: str, room: int) -> str:
    """A list of what there is to say, the most pressing first, in at most `room` UTF-8 bytes; the rest is counted."""
    lines = [*_alarms(outcome, lockfile), *_attention(outcome), *_done(outcome)]
    room -= _RESERVE
    kept: list[str] = []
    for line in lines:
        room -= size(line) + 1
        if room < 0:
            break
        kept.append(line)
    if len(kept) < len(lines):
        kept.append(f"- … and {counted(len(lines) - len(kept), 'more line')}, not shown for lack of space")
    return "\n".join(kept)


def steps_to_take(outcome: Outcome, command: str, record: str | None) -> str:
    """A list of what to do now; empty where there is nothing, or where it is said already."""
    steps = [f"- {prose(step)}" for step in next_steps(outcome, command, record)]
    return "\n".join(["Next:", "", *steps]) if steps and not outcome.unwritten else ""


def _alarms(outcome: Outcome, lockfile: str) -> Iterator[str]:
    if outcome.unwritten is not None and not outcome.wrote:
        what = f"{code_span(lockfile, 200)} could not be written, but the journal has the engines of this run"
        yield f"- **Not written**: {what}: {prose(outcome.unwritten)}"
    if outcome.unpublished is not None:
        yield f"- **Not published** (the next run publishes it): {prose(outcome.unpublished)}"
    for one in outcome.outputs_failed:
        yield f"- **Output not written**: {prose(one)}"
    if outcome.halted is not None:
        yield f"- **Stopped creating**: {prose(outcome.halted)}"
    if outcome.interrupted:
        yield "- **Interrupted**: nothing is lost; the next run continues from here"


def _attention(outcome: Outcome) -> Iterator[str]:
    for group in grouped(ended(outcome, Status.GUARDED), why_held_back):
        hint = prose(group.results[0].hint or "", 2_000)
        yield f"- **held back** {_keys(group.results)}: {prose(group.error)}. Hint: {hint}"
    for group in grouped(ended(outcome, Status.FAILED), why_failed):
        hint = prose(how_to_retry(group.results), 2_000)
        yield f"- **failed** {_keys(group.results)}: {prose(group.error)} Hint: {hint}"
    for result in ended(outcome, Status.UNCERTAIN):
        hint = f" Hint: {prose(result.hint, 2_000)}" if result.hint else ""
        yield f"- **uncertain** {code_span(result.key, 200)}: {prose(result.error or 'no answer')}{hint}"
    for result in ended(outcome, Status.RUNNING):
        names = " of ".join(code_span(name, 200) for name in (result.job_id, result.engine_id) if name)
        yield f"- **still running** {code_span(result.key, 200)}{f': job {names}' if names else ''}"
    for group in grouped(ended(outcome, Status.NOT_STARTED), lambda one: why_not_started(outcome, one)):
        yield f"- **not started** {_keys(group.results)}: {prose(group.error)}"


def _keys(results: tuple[Result, ...]) -> str:
    shown = ", ".join(code_span(result.key, 200) for result in results[:_NAMED])
    more = len(results) - _NAMED
    return f"{shown}, … and {more:,} more" if more > 0 else shown


def _done(outcome: Outcome) -> Iterator[str]:
    for result in ended(outcome, Status.DONE):
        engine = f" {code_span(result.engine_id, 200)}" if result.engine_id else ""
        was = f", was {code_span(result.previous, 200)}" if result.previous else ""
        summary = made(result.summary)
        more = f" ({prose(summary)})" if summary else ""
        yield f"- {code_span(result.key, 200)} {_DONE[result.kind]}{engine}{was}{more}"
