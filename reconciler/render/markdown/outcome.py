"""The outcome for a job summary: short, with every engine ID there is room for, and what a person has to do."""

from __future__ import annotations

import re
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
    stopped,
    what_became,
    why_drifted,
    why_failed,
    why_held_back,
    why_not_started,
)
from reconciler.render.phrases.words import counted

_NAMED = 10
_RESERVE = 300  # bytes for closing counts, and for the head of the table
_HEAD = "| Key | Result | Engine | Details |\n|---|---|---|---|"
_BAR = re.compile(r"(?<!\\)((?:\\\\)*)\|")  # one with no backslash before it, or an even number
FIRST = (
    Status.FAILED,
    Status.UNCERTAIN,
    Status.DRIFTED,
    Status.GUARDED,
    Status.NOT_STARTED,
    Status.RUNNING,
    Status.DONE,
)
_NOTES = {
    Kind.DISCARD: "keeps its engine; the pending one is discarded",
    Kind.MOVE: "moved here, keeps its engine",
    Kind.UPDATE: "updated in place",
    Kind.RETIRE: "stays on the platform",
    Kind.DELETE: "is deleted on the platform next",
    Kind.RECORD: "keeps its engine",
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
    details = outcome_details(outcome, plan.lockfile, limit - size(head) - size(steps))
    return "\n\n".join(part for part in (head, *details, steps) if part)


def outcome_details(outcome: Outcome, lockfile: str, room: int) -> list[str]:
    """What concerns the whole run, a table with a row for each engine, and what to do about some of them; together
    in at most `room` UTF-8 bytes, the most pressing first, and the rest is counted.
    """
    room -= _RESERVE
    alarms = _fitted([*_alarms(outcome, lockfile)], room // 4, "more line")
    hints = _fitted([*_hints(outcome)], room // 4, "more hint")
    left = room - sum(map(size, (*alarms, *hints)))
    rows = _fitted([*_rows(outcome)], left, "more engine", "| … | {} | | |")
    table = [_HEAD, *rows] if rows else []
    return ["\n".join(part) for part in (alarms, table, hints) if part]


def _fitted(lines: list[str], room: int, noun: str, last: str = "- … and {}") -> list[str]:
    kept: list[str] = []
    for line in lines:
        room -= size(line) + 1
        if room < 0:
            more = f"{counted(len(lines) - len(kept), noun)}, not shown for lack of space"
            return [*kept, last.format(more)]
        kept.append(line)
    return kept


def _rows(outcome: Outcome) -> Iterator[str]:
    for status in FIRST:
        told: dict[str, str] = {}  # what is long and the same for many is said once
        for result in ended(outcome, status):
            key, details = code_span(result.key, 200), _details(outcome, result)
            first = told.setdefault(details, key)
            if first != key and size(details) > 2 * size(first):
                details = f"as for {first}"
            words = what_became(result)
            shown = words if status is Status.DONE else f"**{words}**"
            yield f"| {_cell(key)} | {shown} | {_cell(_engine(result))} | {_cell(details)} |"


def _cell(text: str) -> str:
    """In a table a bar ends the cell even within a code span, unless it is escaped; in prose it is already."""
    return _BAR.sub(r"\1\\|", text)


def _engine(result: Result) -> str:
    engine = code_span(result.engine_id, 200) if result.engine_id else ""
    was = f"was {code_span(result.previous, 200)}" if result.previous else ""
    return f"{engine} ({was})" if engine and was else engine or was


def _details(outcome: Outcome, result: Result) -> str:
    match result.status:
        case Status.DONE:
            found = "its answer was lost; found by name" if result.looked_up else ""
            return "; ".join(
                filter(None, (prose(made(result.summary)) or _NOTES.get(result.kind, ""), found))
            )
        case Status.GUARDED:
            return prose(why_held_back(result))
        case Status.FAILED:
            return prose(why_failed(result))
        case Status.DRIFTED:
            return prose(why_drifted(result))
        case Status.UNCERTAIN:
            return prose(result.error or "no answer")
        case Status.NOT_STARTED:
            return prose(why_not_started(outcome, result))
        case Status.RUNNING:
            return f"job {code_span(result.job_id, 200)}" if result.job_id else ""


def _hints(outcome: Outcome) -> Iterator[str]:
    """What to do about engines, said once for those of the same reason."""
    for status, words, reason in (
        (Status.FAILED, "failed", why_failed),
        (Status.DRIFTED, "drifted", why_drifted),
        (Status.GUARDED, "held back", why_held_back),
    ):
        for group in grouped(ended(outcome, status), reason):
            hint = how_to_retry(group.results) if status is Status.FAILED else group.results[0].hint or ""
            if hint:
                yield f"- {words}, {_keys(group.results)}: {prose(hint, 2_000)}"
    for result in ended(outcome, Status.UNCERTAIN):
        if result.hint:
            yield f"- uncertain, {code_span(result.key, 200)}: {prose(result.hint, 2_000)}"


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
    if outcome.lookup_failed is not None:
        yield f"- **Not looked up**: {prose(outcome.lookup_failed)}"
    if outcome.halted is not None:
        yield f"- **{stopped(outcome)}**: {prose(outcome.halted)}"
    if outcome.interrupted:
        yield "- **Interrupted**: nothing is lost; the next run continues from here"


def _keys(results: tuple[Result, ...]) -> str:
    shown = ", ".join(code_span(result.key, 200) for result in results[:_NAMED])
    more = len(results) - _NAMED
    return f"{shown}, … and {more:,} more" if more > 0 else shown
