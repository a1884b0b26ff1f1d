"""Which of the engines that the platform lists a create call without an answer may have made.

What is found is a proposal. Only an engine that is listed says something: that none fits does not mean that none was
created, since lists may be late, cut, or of another account.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from reconciler.core.commands import Option, reconcile
from reconciler.core.engine.spec import meaning_of_text
from reconciler.core.frozen import dataclass
from reconciler.core.lockfile.entry import Pending
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.platform.listing import ListedEngine, Listing

BEFORE, AFTER = 15 * 60.0, 60 * 60.0  # seconds: two clocks differ, and a call may be carried out late
MOST_CALLS = 100  # that are looked up at once
SHOWN = 5  # engines for one call
_NEARLY = 0.85  # difflib's ratio


@dataclass(frozen=True, slots=True)
class Candidate:
    """An engine that nobody recorded. `exact` is whether its name is the one that was asked for."""

    engine: ListedEngine
    exact: bool


@dataclass(frozen=True, slots=True)
class Found:
    """For one create call. `candidates` has the likeliest first; `elsewhen` are of this name, made at another time."""

    name: str
    candidates: tuple[Candidate, ...] = ()
    elsewhen: tuple[ListedEngine, ...] = ()


def look_through(call: Pending, listing: Listing, recorded: Collection[str]) -> Found:
    """`recorded` are the engines that somebody has already."""
    name = name_of(call)
    submitted = _seconds(call.submitted_at)
    candidates: list[Candidate] = []
    elsewhen: list[ListedEngine] = []
    for engine, exact in _of_that_name(name, listing.engines):
        if engine.engine_id in recorded:
            continue
        if _made_about(engine, submitted):
            candidates.append(Candidate(engine, exact))
        elif exact:
            elsewhen.append(engine)
    candidates.sort(key=lambda one: (not one.exact, _distance(one.engine, submitted), one.engine.engine_id))
    return Found(name, tuple(candidates), tuple(elsewhen))


def name_of(call: Pending) -> str:
    """The name that a call asked for."""
    return meaning_of_text(str(call.spec.get("name", ""))).strip()


def _of_that_name(name: str, engines: Iterable[ListedEngine]) -> Iterator[tuple[ListedEngine, bool]]:
    from difflib import SequenceMatcher

    plain = _plain(name)
    matcher = SequenceMatcher(None, "", plain, autojunk=False)
    for engine in engines:
        if engine.name is None or not name:
            continue
        if engine.name == name:
            yield engine, True
            continue
        other = _plain(engine.name)
        matcher.set_seq1(other)
        quickly = (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio)  # the cheapest first
        if other == plain or all(ratio() >= _NEARLY for ratio in quickly):
            yield engine, False


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def _made_about(engine: ListedEngine, submitted: float | None) -> bool:
    """Whether the call may have made it; true where the times are not known."""
    if engine.created_at is None or submitted is None:
        return True
    return -BEFORE <= engine.created_at - submitted <= AFTER


def _distance(engine: ListedEngine, submitted: float | None) -> float:
    if engine.created_at is None or submitted is None:
        return AFTER
    return abs(engine.created_at - submitted)


def _seconds(moment: str | None) -> float | None:
    try:
        return None if moment is None else datetime.fromisoformat(moment).timestamp()
    except (ValueError, OverflowError):  # a lockfile that somebody edited
        return None


def created(engine: ListedEngine) -> str | None:
    """When it was created, as a text."""
    if engine.created_at is None:
        return None
    return datetime.fromtimestamp(engine.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# ── for certain enough ───────────────────────────────────────────────────────────────────────────────────────────────


def asked_for(lockfile: Lockfile) -> dict[str, set[str]]:
    """The names that operations asked for which are under way, failed or without an answer, with their operations."""
    asked: dict[str, set[str]] = {}
    for call in _unfinished(lockfile):
        asked.setdefault(name_of(call), set()).add(call.operation_id)
    return asked


def _unfinished(lockfile: Lockfile) -> Iterator[Pending]:
    for key, document in lockfile.engines.items():
        if document.keys().isdisjoint(("pending", "uncertain")):
            continue
        entry = lockfile.entry(key)
        if entry is not None:
            yield from (*entry.uncertain, *([entry.pending] if entry.pending is not None else []))
    for key in lockfile.retired:
        for retired in lockfile.retired_of(key):
            yield from retired.entry.uncertain
            if retired.entry.pending is not None:
                yield retired.entry.pending


def surely_made(
    call: Pending, found: Found, listing: Listing, asked: Mapping[str, Collection[str]]
) -> ListedEngine | None:
    """The engine that can be adopted without a person: the only one of exactly this name that nobody recorded, in a
    list that is whole, where no other operation asked for the name.
    """
    exact = [one.engine for one in found.candidates if one.exact]
    if len(exact) != 1 or found.elsewhen or not listing.complete:
        return None
    return exact[0] if set(asked.get(found.name, ())) <= {call.operation_id} else None


# ── in words ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def how_to_adopt(key: str, call: Pending, engine: ListedEngine, *, several: bool) -> str:
    """The command that records the engine as the one that the call made."""
    options: list[Option] = [("--operation", call.operation_id)] if several else []
    options.append(("--engine-id", engine.engine_id))
    options += [("--job-id", engine.job_id)] if engine.job_id is not None else []
    return reconcile("resolve", *options, arguments=[key])


def is_job_unknown(call: Pending, engine: ListedEngine) -> bool:
    """Whether a job may still run for it that nobody could wait for."""
    return engine.job_id is None and bool(call.spec.get("sources"))


def told(candidate: Candidate) -> str:
    """What is known of it, as a sentence that begins with its ID."""
    engine = candidate.engine
    name = "has this name" if candidate.exact else f"is named {engine.name!r}"
    at = created(engine)
    when = f", was created at {at}," if at is not None else ""
    return f"{engine.engine_id} {name}{when} and is not recorded anywhere"


def commands_for(key: str, call: Pending, found: Found, *, several: bool) -> Sequence[str]:
    """Lines with what was found, and the command for each."""
    lines = []
    for candidate in found.candidates[:SHOWN]:
        lines.append(told(candidate))
        command = how_to_adopt(key, call, candidate.engine, several=several)
        ready = " and its job has completed" if is_job_unknown(call, candidate.engine) else ""
        lines.append(f"if it is the engine of this file{ready}: {command}")
    more = len(found.candidates) - SHOWN
    return [*lines, f"… and {more} more"] if more > 0 else lines
