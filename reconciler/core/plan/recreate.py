"""An engine that serves by the lockfile, and in whose place another one is made for the same configuration: the
platform no longer has it, or pages changed that it learned from.

What is made is for the very configuration that is recorded. So what is pending says which engine it stands in for:
otherwise the next plan, which may ask nobody, would find the serving engine as wanted and discard it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from reconciler.core.commands import Option, only, reconcile
from reconciler.core.duration import format_duration, seconds_between
from reconciler.core.engine.fingerprint import same_meaning
from reconciler.core.engine.spec import Desired, RefreshOptions
from reconciler.core.frozen import replace
from reconciler.core.lockfile.entry import (
    FAILED,
    IN_PROGRESS,
    SOURCES,
    Entry,
    Pending,
    Provisioned,
    Superseded,
)
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.actions import action_for, means, of_pending
from reconciler.core.plan.model import Action, Condition, Kind
from reconciler.core.plan.reuse import readopt, restore
from reconciler.core.sources.news import EngineNews, State


def recreate(
    wanted: Desired,
    entry: Entry,
    current: Provisioned,
    *,
    gone: Collection[str],
    alive: Collection[str],
    retry_failed: bool,
) -> Action:
    """What is done about a serving engine that is gone, or that something stands in for. `current` means what is
    wanted, and no call of the entry is unresolved.
    """
    pending = entry.standing_in
    if pending is not None and pending.refreshes and means(pending, wanted):
        if pending.status == IN_PROGRESS or current.engine_id not in gone:
            return _refreshing(wanted, current, pending, retry_failed=retry_failed)
    elif pending is not None and means(pending, wanted):
        if pending.status == IN_PROGRESS:
            reason = f"its job is still running; it replaces {current.engine_id}, which was gone"
            return of_pending(action_for(wanted, Kind.RESUME, reason), pending)
        if current.engine_id in alive:
            reason = f"{current.engine_id} exists on the platform; the attempt to recreate it that failed is discarded"
            return of_pending(action_for(wanted, Kind.DISCARD, reason), pending)
        return _after_failure(wanted, current, pending, retry_failed=retry_failed)
    # An engine that was made for exactly this is looked for before another one is paid for.
    made = restore(wanted, entry, gone) or readopt(wanted, entry)
    if made is not None:
        reason = f"drift: the platform no longer has {current.engine_id}; {made.reason}"
        return replace(made, reason=reason, instead_of=current.engine_id)
    return _recreate(wanted, current, f"drift: the platform no longer has {current.engine_id}")


def _refreshing(wanted: Desired, current: Provisioned, pending: Pending, *, retry_failed: bool) -> Action:
    """What is done about an engine that is made since pages changed; `current` serves until then."""
    if pending.status == IN_PROGRESS:
        reason = f"its job is still running; its sources changed, and it replaces {current.engine_id}"
        return of_pending(action_for(wanted, Kind.RESUME, reason), pending)
    if retry_failed:
        return refresh(wanted, current, f"its sources changed; retry after a failure ({pending.error})")
    return _failed(wanted, pending, f"failed: {pending.error}; its sources changed, and it serves as it is")


def refresh(wanted: Desired, current: Provisioned, reason: str) -> Action:
    """A new engine from the same file, since pages changed that the serving one learned from."""
    action = action_for(wanted, Kind.REPLACE, reason, wanted.spec)
    return replace(action, engine_id=current.engine_id, instead_of=current.engine_id, because=SOURCES)


def _recreate(wanted: Desired, current: Provisioned, reason: str) -> Action:
    action = action_for(wanted, Kind.RECREATE, reason, wanted.spec)
    return replace(action, engine_id=current.engine_id, instead_of=current.engine_id)


def _after_failure(wanted: Desired, current: Provisioned, pending: Pending, *, retry_failed: bool) -> Action:
    """What was to take its place failed: say so, or try again."""
    assert pending.status == FAILED  # neither runs nor is unresolved
    gone = f"the platform no longer has {current.engine_id}"
    if retry_failed:
        return _recreate(wanted, current, f"drift: {gone}; retry after a failure ({pending.error})")
    return _failed(wanted, pending, f"failed: {pending.error}; {gone}")


def _failed(wanted: Desired, pending: Pending, reason: str) -> Action:
    action = of_pending(action_for(wanted, Kind.NONE, reason), pending)
    options: list[Option] = ["--retry-failed", only(wanted.key)]
    hint = f"edit {wanted.file}, or run `{reconcile('apply', *options)}`"
    return replace(action, condition=Condition.FAILED, hint=hint)


# ── sources that changed ───────────────────────────────────────────────────────────────────────────────────────

PAUSE = 86_400.0  # seconds between two engines that are made for changed pages under one key


def too_old(current: Provisioned, options: RefreshOptions, now: str) -> str | None:
    """That an engine learned from its links longer ago than its file allows, in words."""
    age = seconds_between(current.provisioned_at, now)
    if options.max_age is None or age is None or age <= options.max_age:
        return None
    since, limit = format_duration(age), format_duration(options.max_age)
    return f"it learned from its links {since} ago, and `max_source_age` is {limit}"


def refreshed(
    actions: Sequence[Action],
    news: Sequence[EngineNews],
    desired: Mapping[str, Desired],
    lockfile: Lockfile,
    restless: Collection[str],
    now: str,
) -> tuple[tuple[Action, ...], tuple[EngineNews, ...]]:
    """The actions, with a replacement of each stale engine whose file asks for that; and the news, with why any other
    such engine is not replaced. `restless` are pages that have another text at each look.
    """
    planned = {one.key: one for one in actions}
    told = []
    for one in news:
        wanted, entry = desired.get(one.key), lockfile.entry(one.key)
        held = None
        if (
            wanted is not None
            and entry is not None
            and one.refresh.reprovision
            and one.state is not State.FRESH
        ):
            before = planned.get(one.key)
            held = _why_not(one, wanted, entry, before, restless, now)
            if held is None and entry.current is not None:
                planned[one.key] = refresh(wanted, entry.current, _why(one))
        told.append(replace(one, held=held or None))
    return tuple(sorted(planned.values(), key=lambda action: action.key)), tuple(told)


def _why_not(
    news: EngineNews,
    wanted: Desired,
    entry: Entry,
    planned: Action | None,
    restless: Collection[str],
    now: str,
) -> str | None:
    """Why a stale engine is not replaced; None where it is, empty where the plan says it already."""
    unread = [one for one in news.links if one.state in (State.DEAD, State.UNKNOWN) and not one.readable]
    if unread:
        changed = bool(news.stale) or news.old is not None
        return (
            f"{unread[0].url} is {unread[0].state.value}, so a new engine would know less" if changed else ""
        )
    if not news.stale and news.old is None:  # nothing is recorded of some page
        return ""
    if planned is not None and planned.kind is not Kind.RECORD:
        return ""
    if entry.current is None or entry.pending is not None or entry.unresolved:
        return ""
    if entry.hold is not None:
        return f"rolled back by {entry.hold.by} at {entry.hold.since}"
    if not means(entry.current, wanted):
        return ""
    moving = [one.url for one in news.stale if one.url in restless]
    if moving and len(moving) == len(news.stale) and news.old is None:
        return f"{moving[0]} has another text at each look"
    current = entry.current
    ago = [seconds_between(one.replaced_at, now) for one in entry.superseded if means_the_same(one, current)]
    last = min((one for one in ago if one is not None), default=PAUSE)
    if last < PAUSE:
        return f"it was replaced for its sources {format_duration(last)} ago; this is done once a day at most"
    return None


def _why(news: EngineNews) -> str:
    changed = [one.url for one in news.stale]
    if not changed:
        return f"sources are old: {news.old}"
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"source changed: {changed[0]}{more}"


def means_the_same(before: Superseded, current: Provisioned) -> bool:
    return before.status is None and same_meaning(before.fingerprint, before.spec, current.fingerprint)
