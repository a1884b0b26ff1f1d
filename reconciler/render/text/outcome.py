"""The end of a run for a terminal and a log: what was done, what was not and why, and what to do next.

What wants attention comes last, because the end of the output is what people see. A thousand engines that
stopped for one reason are one line with a count; every engine ID that was made is named, since that is what
a run is for.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.commands import reconcile
from reconciler.core.display import display_width
from reconciler.core.plan.model import CREATING, Action, Condition, Kind
from reconciler.core.run.outcome import Outcome, Result, Status
from reconciler.render.phrases.outcome_words import (
    Group,
    closing_sentence,
    ended,
    grouped,
    how_to_retry,
    made,
    next_steps,
    not_waited_for,
    only_updates,
    stopped,
    what_was_done,
    why_drifted,
    why_failed,
    why_held_back,
    why_not_started,
)
from reconciler.render.phrases.sanitize import sanitize, sanitize_lines, shorten
from reconciler.render.phrases.style import Look, style_of
from reconciler.render.phrases.words import counted

NAMED = 10  # engines that are named one by one where many share a fate
_LONGEST = 2_000  # characters of an error
_KEY_COLUMN = 40


def render_outcome(
    outcome: Outcome,
    *,
    color: bool = False,
    ascii_only: bool = False,
    wrap: int | None = None,
    elapsed: float | None = None,
    environment: str,
    lockfile: str,
    command: str = "apply",
    record: str | None = None,
) -> str:
    """The whole outcome of `command`, without a final newline. `elapsed` is in seconds; `lockfile` is its path as
    people know it, `record` the shell command that commits it from where they are, None where there is none.

    Nothing is cut: engine IDs, commands and file names are there to be copied. `wrap` is as `Look` has its width.
    """
    look = Look(color, ascii_only, wrap)
    sections = [
        _done(ended(outcome, Status.DONE), look),
        _guarded(ended(outcome, Status.GUARDED), look),
        _failed(ended(outcome, Status.FAILED), look),
        _drifted(ended(outcome, Status.DRIFTED), look),
        _uncertain(ended(outcome, Status.UNCERTAIN), look),
        _running(ended(outcome, Status.RUNNING), look),
        _not_started(outcome, look),
        [
            look.paint(closing_sentence(outcome, command, elapsed), "bold"),
            *_how_it_ended(outcome, look, command),
            *_where(outcome, look, f"environment {environment}", lockfile),
        ],
        *_alarms(outcome, look, lockfile),
        _next(outcome, look, command, record),
    ]
    return look.shown("\n\n".join("\n".join(section) for section in sections if section))


def notices(outcome: Outcome, command: str, lockfile: str) -> list[list[str]]:
    """What the closing sentence does not say of the whole run, each as its lines, for other views."""
    look = Look()
    lines = [_how_it_ended(outcome, look, command), *_alarms(outcome, look, lockfile)]
    return [each for each in lines if each]


def _alarms(outcome: Outcome, look: Look, lockfile: str) -> list[list[str]]:
    return [_unwritten(outcome, look, lockfile), _unpublished(outcome, look), _outputs_left(outcome, look)]


def _done(results: Sequence[Result], look: Look) -> list[str]:
    if not results:
        return []
    column = min(_KEY_COLUMN, max(display_width(sanitize(result.key)) for result in results))
    return [_done_line(result, column, look) for result in results]


def _done_line(result: Result, column: int, look: Look) -> str:
    key = sanitize(result.key)
    blank = " " * (column - display_width(key))
    summary = made(result.summary)
    more = look.paint(f"  ({summary})", "dim") if summary else ""
    return f"{_sign(result, look)} {look.paint(key, 'bold')}{blank}  {what_was_done(result)}{more}"


def _sign(result: Result, look: Look) -> str:
    shown = shown_as(result)
    return look.paint(look.sign(shown), style_of(shown))


def shown_as(result: Result) -> Action:
    """The action whose sign it has: that of the plan, or that of how it ended."""
    conditions = {
        Status.FAILED: Condition.FAILED,
        Status.UNCERTAIN: Condition.UNCERTAIN,
        Status.DRIFTED: Condition.DRIFTED,
    }
    kind = Kind.RESUME if result.status is Status.RUNNING else result.kind
    guard = result.error if result.status is Status.GUARDED else None
    return Action(result.key, kind, "", condition=conditions.get(result.status), guard=guard)


def _guarded(results: Sequence[Result], look: Look) -> list[str]:
    if not results:
        return []
    lines = [look.paint(f"{counted(len(results), 'engine')} held back by a guard and not changed:", "red")]
    for group in grouped(results, why_held_back):
        lines += _group_head(group, look)
        lines += _hint(group.results[0].hint or "", look)
    return lines


def _drifted(results: Sequence[Result], look: Look) -> list[str]:
    if not results:
        return []
    lines = [look.paint(f"{counted(len(results), 'engine')} changed on the platform (drift):", "yellow")]
    for group in grouped(results, why_drifted):
        lines += _group_head(group, look)
        lines += _hint(group.results[0].hint or "", look)
    return lines


def _failed(results: Sequence[Result], look: Look) -> list[str]:
    if not results:
        return []
    lines = [look.paint(f"{counted(len(results), 'engine')} failed:", "red")]
    for group in grouped(results, why_failed):
        lines += _group_head(group, look)
        lines += _hint(how_to_retry(group.results), look)
    return lines


def _group_head(group: Group, look: Look) -> list[str]:
    first = group.results[0]
    sign = _sign(first, look)
    if len(group.results) == 1:
        return [f"{sign} {_named(first, look)}", *_indented(group.error, look)]
    head = look.paint(counted(len(group.results), "engine"), "bold")
    return [f"{sign} {head}: {_keys(group.results, look)}", *_indented(group.error, look)]


def _named(result: Result, look: Look) -> str:
    facts = (result.file, result.engine_id, result.job_id and f"job {result.job_id}")
    about = "".join(f"  {sanitize(fact)}" for fact in facts if fact)
    return look.paint(sanitize(result.key), "bold") + look.paint(about, "dim")


def _keys(results: Sequence[Result], look: Look) -> str:
    shown = ", ".join(sanitize(result.key) for result in results[:NAMED])
    return shown + _and_more(len(results) - NAMED, look)


def _and_more(number: int, look: Look) -> str:
    return f", {look.ellipsis} and {number:,} more" if number > 0 else ""


def _indented(text: str, look: Look) -> list[str]:
    return [f"    {line}".rstrip() for line in sanitize_lines(shorten(text, _LONGEST, look.ellipsis))]


def _hint(text: str, look: Look) -> list[str]:
    first, *more = sanitize_lines(text)
    return [f"    {look.paint('hint:', 'cyan')} {first}", *(f"    {line}" for line in more)]


def _uncertain(results: Sequence[Result], look: Look) -> list[str]:
    """Each with its own command: it is what settles it."""
    if not results:
        return []
    title = f"{counted(len(results), 'engine')} with an unknown outcome (may or may not exist)"
    lines = [look.paint(f"{title}:", "magenta")]
    for result in results[:NAMED]:
        lines.append(f"{_sign(result, look)} {_named(result, look)}")
        lines += _indented(result.error or "the answer was lost", look)
        if result.hint:
            lines += _hint(result.hint, look)
    more = len(results) - NAMED
    if more > 0:
        lines.append(
            f"  {look.ellipsis} and {more:,} more; `{reconcile('status')}` lists each with its commands"
        )
    return lines


def _running(results: Sequence[Result], look: Look) -> list[str]:
    if not results:
        return []
    lines = [look.paint(f"{counted(len(results), 'job')} still running:", "cyan")]
    for result in results[:NAMED]:
        job = sanitize(result.job_id or "unknown")
        of = f" of {sanitize(result.engine_id)}" if result.engine_id else ""
        lines.append(f"{_sign(result, look)} {look.paint(sanitize(result.key), 'bold')}  job {job}{of}")
        if result.error:
            lines += _indented(f"not waited for: {result.error}", look)
    more = len(results) - NAMED
    return [*lines, f"  {look.ellipsis} and {more:,} more"] if more > 0 else lines


def _not_started(outcome: Outcome, look: Look) -> list[str]:
    results = ended(outcome, Status.NOT_STARTED)
    if not results:
        return []
    number = counted(len(results), "engine")
    what = "updated" if only_updates(results) else "created"
    lines = [look.paint(f"{number} not {what}:", "yellow")]
    for group in grouped(results, lambda result: why_not_started(outcome, result)):
        lines += [f"  {_keys(group.results, look)}", *_indented(group.error, look)]
        lines += _hint(group.results[0].hint, look) if group.results[0].hint else []
    return lines


def _how_it_ended(outcome: Outcome, look: Look, command: str) -> list[str]:
    lines = []
    if outcome.halted is not None:
        lines += [
            look.paint(f"{stopped(outcome)} engines: {line}", "red") for line in [sanitize(outcome.halted)]
        ]
    if outcome.interrupted:
        lines.append(_INTERRUPTED)
    elif outcome.timed_out:
        lines.append("Deadline reached. Jobs keep running, and the next run resumes them.")
    elif outcome.detached and outcome.counts()["running"]:
        lines.append(not_waited_for(command))
    return lines


def _where(outcome: Outcome, look: Look, *facts: str) -> list[str]:
    """For which environment, and what became of the lockfile."""
    if outcome.unwritten:
        return []
    written = "published" if outcome.published else "written" if outcome.wrote else "unchanged"
    if outcome.proposed is not None:
        written = f"pull request {sanitize(outcome.proposed)}"
    return [look.paint(f" {look.dot} ".join([*map(sanitize, facts), written]), "dim")]


_INTERRUPTED = (
    "Interrupted. Nothing is lost: created engines are recorded, and the next run waits for running jobs, "
    "creates what was not created, and creates nothing twice."
)


def _unwritten(outcome: Outcome, look: Look, lockfile: str) -> list[str]:
    """The one ending where the file does not tell the truth; so what was made is said here, all of it."""
    if outcome.unwritten is None:
        return []
    name, reason = sanitize(lockfile), _indented(outcome.unwritten, look)
    if outcome.wrote:
        head = f"WARNING: {name} is written, but the journal could not be emptied:"
        return [look.paint(head, "yellow"), *reason, "    This is harmless: the next run empties it."]
    halted = outcome.halted is not None
    return [
        look.paint(f"ERROR: {name} could not be written. It does NOT have the engines of this run:", "red"),
        *reason,
        *_only_here(outcome),
        *(["    Keep this list: the journal may lack some of these engines, too."] * halted),
        "    They are in the journal, in the git directory, or in .reconcile/ outside git. Keep this checkout:",
        f"    do not clone again. Free disk space or fix permissions, then run `{reconcile('apply')}`, which",
        f"    writes {name} from the journal and creates nothing twice.",
    ]


def _unpublished(outcome: Outcome, look: Look) -> list[str]:
    if outcome.unpublished is None:
        return []
    head = (
        "The lockfile could not be published:"
        if not outcome.lease_lost
        else "The lease was lost during the run:"
    )
    return [
        look.paint(head, "red"),
        *_indented(outcome.unpublished, look),
        "    Nothing is lost: the journal keeps the results, and the next run that can push publishes them.",
    ]


def _outputs_left(outcome: Outcome, look: Look) -> list[str]:
    if not outcome.outputs_failed:
        return []
    head = look.paint("Outputs that could not be written (the lockfile has the engine IDs):", "red")
    return [head, *(line for one in outcome.outputs_failed for line in _indented(one, look))]


def _only_here(outcome: Outcome) -> list[str]:
    made_now = [result for result in outcome.results if _made_now(result)]
    if not made_now:
        return []
    lines = [f"      {_made_line(result)}" for result in made_now]
    return ["    Engines that exist on the platform:", *lines]


def _made_now(result: Result) -> bool:
    """Whether a job of this run, or one it waited for, has an engine the lockfile may not know as it is now."""
    waits = result.kind in (*CREATING, Kind.RESUME)
    return waits and result.engine_id is not None


def _made_line(result: Result) -> str:
    parts = [result.key, result.engine_id or "", result.job_id or "", result.status.value.replace("_", " ")]
    return "  ".join(sanitize(part) for part in parts if part)


def _next(outcome: Outcome, look: Look, command: str, record: str | None) -> list[str]:
    if outcome.unwritten and not outcome.wrote:
        return []  # there is one thing to do, and it was just said
    steps = next_steps(outcome, command, record)
    return [look.paint("Next:", "bold"), *(f"  - {sanitize(step)}" for step in steps)] if steps else []
