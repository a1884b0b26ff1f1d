"""What a run does at its end about create calls that got no answer, where the platform lists its engines.

It shows what it found beside its report, and with `lookup: auto` records what is beyond doubt, as a person would with
`resolve --engine-id`. Whatever goes wrong here changes nothing of what the run came to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.app.ports import Journal, LockfileStore
from reconciler.app.recorded import RecordedState
from reconciler.cli.runs.interrupts import Interrupts
from reconciler.cli.stderr import say, warn
from reconciler.cli.wiring.api_key import known_key
from reconciler.cli.wiring.listed_engines import (
    engines_listed,
    named_on_remote,
    other_environments,
    recorded_anywhere,
)
from reconciler.cli.wiring.publishing import shares
from reconciler.cli.wiring.resolutions import Resolutions
from reconciler.core.commands import key_variable, only
from reconciler.core.errors import ReconcileError
from reconciler.core.frozen import replace
from reconciler.core.ledger.undoing import Resolution
from reconciler.core.plan.lookup import (
    MOST_CALLS,
    asked_for,
    look_through,
    name_of,
    surely_made,
)
from reconciler.core.platform.listing import ListedEngine, Listing
from reconciler.core.run.lookup_results import adopted, ended_later, with_found
from reconciler.core.run.outcome import Outcome, Result, Status
from reconciler.project.opened import Project
from reconciler.project.planner import Planner

Sure = Mapping[str, tuple[str, ListedEngine]]  # by key, the operation and the engine that it made


def looked_up(
    project: Project, planner: Planner, outcome: Outcome, wait_for: Callable[[Planner], Outcome | None]
) -> Outcome:
    """The outcome with what the platform lists for its create calls without an answer; and where the setting says so
    with the engines that are beyond doubt, once `wait_for` waited for their jobs. Never raises a `ReconcileError`.
    """
    outcome, sure = _look_up(project, planner, outcome)
    if not sure:
        return outcome
    try:
        outcome, running = _adopt(project, planner, outcome, sure)
        if running:
            request = replace(planner.request, only=tuple(only(key)[1] for key in running), saved=None)
            waited = wait_for(replace(planner, request=request))
            outcome = outcome if waited is None else ended_later(outcome, waited)
    except ReconcileError as error:
        warn(f"after the lookup: {error.message}")
    except KeyboardInterrupt:  # what is recorded is shown as far as it is known
        return replace(outcome, interrupted=True)
    return outcome


def _look_up(project: Project, planner: Planner, outcome: Outcome) -> tuple[Outcome, Sure]:
    """Asks the platform once, where it may."""
    uncertain = [one for one in outcome.results if one.status is Status.UNCERTAIN]
    settings = project.settings
    if outcome.interrupted or settings.lookup == "off" or settings.listed_at is None:
        return outcome, {}
    key = known_key(settings)
    if key is None:
        return outcome, {}
    with Interrupts() as interrupts:
        try:
            listing = engines_listed(settings, key, interrupts.attach)
            found, sure = _with_what_was_found(project, planner.recorded(None), outcome, listing, uncertain)
            return (replace(found, interrupted=True), {}) if interrupts.asked else (found, sure)
        except ReconcileError as error:
            failed = f"{error.message} ({error.hint})" if error.hint else error.message
            warn(f"engines of lost answers were not looked up: {failed}")
            return replace(outcome, lookup_failed=failed, interrupted=interrupts.asked), {}


def _with_what_was_found(
    project: Project, state: RecordedState, outcome: Outcome, listing: Listing, uncertain: list[Result]
) -> tuple[Outcome, Sure]:
    auto = project.settings.lookup == "auto"
    others, all_known = other_environments(project, on_remote=auto)
    known = recorded_anywhere(state, others)
    if auto:
        named = named_on_remote(project)
        known, all_known = known | (named or set()), all_known and named is not None
    asked = _asked(state, [asked_for(other.lockfile) for other in others])
    told: dict[str, Result] = {}
    sure: dict[str, tuple[str, ListedEngine]] = {}
    for result in uncertain[:MOST_CALLS]:
        entry = state.folded.entry(result.key)
        on_record = entry.unresolved if entry is not None else ()
        calls = (*on_record, *state.doubts.get(result.key, ()))
        found = {call.operation_id: look_through(call, listing, known) for call in calls}
        told[result.key] = with_found(result, calls, found)
        if auto and all_known and len(calls) == 1 and on_record:
            engine = surely_made(on_record[0], found[on_record[0].operation_id], listing, asked)
            if engine is not None:
                sure[result.key] = (on_record[0].operation_id, engine)
    return _with_results(outcome, told), sure


def _asked(state: RecordedState, others: list[dict[str, set[str]]]) -> dict[str, set[str]]:
    """Which operations asked for each name; those that nobody can verify count, too."""
    asked: dict[str, set[str]] = {}
    for one in (asked_for(state.folded), *others):
        for name, operations in one.items():
            asked.setdefault(name, set()).update(operations)
    for call in (call for calls in state.doubts.values() for call in calls):
        asked.setdefault(name_of(call), set()).add(call.operation_id)
    return asked


def _with_results(outcome: Outcome, told: Mapping[str, Result]) -> Outcome:
    return replace(outcome, results=tuple(told.get(one.key, one) for one in outcome.results))


def _adopt(
    project: Project, planner: Planner, outcome: Outcome, sure: Sure
) -> tuple[Outcome, tuple[str, ...]]:
    """Records what is beyond doubt. Returns the outcome then, and the keys whose jobs are to be waited for."""
    from reconciler.adapters.storage.lease_file import FileLease  # only to record something
    from reconciler.adapters.system.clock import UtcClock
    from reconciler.app.settling import settle_found
    from reconciler.cli.runs.deciding import record_decision

    done: list[str] = []
    resolutions, published = Resolutions(project.private), shares(project.settings)

    def remember(one: Resolution) -> None:
        resolutions.remember(one, published=published)

    def carry_out(lockfile: LockfileStore, journal: Journal, **shared: Any) -> None:
        done.extend(settle_found(lockfile, journal, UtcClock(), sure, remember=remember, **shared))

    try:
        with FileLease(project.private).hold():
            now = record_decision(project, f"set {key_variable()}", carry_out)
            if done:
                published = outcome.published or now.published
                outcome = replace(outcome, published=published, proposed=now.proposed or outcome.proposed)
    except ReconcileError as error:
        warn(f"what was looked up is not recorded: {error.message}")
    if not done:
        return outcome, ()
    state = planner.recorded(None)
    results = {
        one.key: adopted(one, state.folded.entry(one.key)) for one in outcome.results if one.key in done
    }
    for one in results.values():
        say(f"{one.key}: its create call got no answer; adopted {one.engine_id}, the only engine of its name")
    running = tuple(key for key, one in results.items() if one.status is Status.RUNNING)
    return replace(_with_results(outcome, results), wrote=True), running
