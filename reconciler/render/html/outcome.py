"""The result of a run as a file for a browser: what was done, what was not and why, how long it took, what to do next.

Each engine shows what the plan asked for as well, since whoever looks for a failure wants to see the change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.core.duration import format_duration
from reconciler.core.frozen import dataclass
from reconciler.core.plan.model import Action, Plan
from reconciler.core.run.outcome import Outcome, Result, Status
from reconciler.render.html.differences import Differences
from reconciler.render.html.parts import History, Report, State, facts_of, history_of, with_history
from reconciler.render.html.plan import output_blocks
from reconciler.render.html.texts import hint_lines, line, lines, sentence
from reconciler.render.markdown.comment import Occasion
from reconciler.render.markdown.outcome import FIRST
from reconciler.render.phrases.outcome_words import (
    closing_sentence,
    how_to_retry,
    made,
    next_steps,
    what_became,
    what_was_done,
    why_drifted,
    why_failed,
    why_held_back,
    why_not_started,
)
from reconciler.render.phrases.style import Look, style_of
from reconciler.render.text.outcome import notices, shown_as

_LOOK = Look()
_OPEN = 10  # engines that need attention are shown unfolded, up to this many
_QUIET = frozenset({Status.DONE, Status.RUNNING, Status.NOT_STARTED})  # the others wait for a person


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a report says of a run besides its outcome. `elapsed` is in seconds, `now` UTC; `record` is the shell
    command that commits the lockfile, None where the reader cannot do that.
    """

    command: str
    now: str
    elapsed: float | None = None
    record: str | None = None


def render_outcome_html(
    plan: Plan, outcome: Outcome, occasion: Occasion, run: RunFacts, *, history: History | None = None
) -> str:
    """The file; `history` is as for a plan. Raises `UsageError`."""
    where = "" if occasion.folder == "." else f" in {line(occasion.folder, 200)}"
    heading = f"Localization engines{where}: {run.command} for {line(plan.environment, 100)}"
    unchanged, plain = with_history(plan.unchanged, history or {})
    return Report(
        title=heading,
        heading=heading,
        facts=facts_of(
            occasion,
            ("lockfile", plan.lockfile),
            ("ended", f"{run.now[:16].replace('T', ' ')} UTC"),
        ),
        sentence=closing_sentence(outcome, run.command, run.elapsed),
        states=list(_states(outcome)),
        engines=[*_engines(plan, outcome, history or {}), *unchanged],
        plain=plain,
        findings=plan.diagnostics,
        notices=[[one.strip() for one in notice] for notice in notices(outcome, run.command, plan.lockfile)],
        blocks=output_blocks(plan),
        steps=next_steps(outcome, run.command, run.record),
    ).render()


def _states(outcome: Outcome) -> Iterable[State]:
    counts: dict[str, int] = {}
    first: dict[str, Result] = {}
    for result in _ordered(outcome):
        words = what_became(result)
        counts[words] = counts.get(words, 0) + 1
        first.setdefault(words, result)
    for words, number in counts.items():
        shown = shown_as(first[words])
        yield State(words, number, words, words, _LOOK.sign(shown).strip(), style_of(shown))
    if outcome.unchanged and "unchanged" not in counts:
        yield State("unchanged", outcome.unchanged, "unchanged", "unchanged", "", "plain")


def _ordered(outcome: Outcome) -> list[Result]:
    return sorted(outcome.results, key=lambda result: FIRST.index(result.status))


def _engines(plan: Plan, outcome: Outcome, history: History) -> Iterable[dict[str, Any]]:
    differences = Differences()
    asked: Mapping[str, Action] = {action.key: action for action in plan.actions}
    pressing = sum(result.status not in _QUIET for result in outcome.results)
    for result in _ordered(outcome):
        engine = _engine(outcome, result)
        shown = shown_as(result)
        engine |= {"sign": _LOOK.sign(shown).strip(), "tone": style_of(shown)}
        if result.key in asked:
            engine |= differences.of(asked[result.key])
        if result.status not in _QUIET and pressing <= _OPEN:
            engine["open"] = True
        if result.key in history:
            engine["history"] = history_of(history[result.key])
        yield engine


def _engine(outcome: Outcome, result: Result) -> dict[str, Any]:
    took = "" if result.seconds is None else format_duration(result.seconds)
    about = [
        ("File", result.file),
        ("Engine", result.engine_id),
        ("Was", result.previous),
        ("Job", result.job_id),
        ("Operation", result.operation_id),
        ("Took", took),
        ("Made", made(result.summary)),
    ]
    words = what_became(result)
    values: dict[str, Any] = {
        "state": words,
        "facts": took,
        "happens": sentence(lines(_told(outcome, result))),
        "about": [(name, lines(value)) for name, value in about if value],
        "hint": hint_lines(_advice(result)),
    }
    return {"key": line(result.key)} | {name: value for name, value in values.items() if value}


def _told(outcome: Outcome, result: Result) -> str:
    match result.status:
        case Status.DONE:
            return what_was_done(result)
        case Status.GUARDED:
            return why_held_back(result)
        case Status.FAILED:
            return why_failed(result)
        case Status.NOT_STARTED:
            return why_not_started(outcome, result)
        case Status.DRIFTED:
            return why_drifted(result)
        case Status.RUNNING:
            return f"not waited for: {result.error}" if result.error else what_became(result)
        case _:
            return result.error or what_became(result)


def _advice(result: Result) -> str:
    if result.status is Status.FAILED:
        return how_to_retry((result,))
    return result.hint or "" if result.status not in _QUIET else ""
