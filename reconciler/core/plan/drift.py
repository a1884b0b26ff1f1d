"""What the platform's answers about recorded engines come to: which are gone, and which were changed elsewhere.

That an engine is gone counts only where the platform shows another one that is recorded: the endpoint is on one page of
its documentation and missing on a newer one (docs/platform.md). What the platform does not tell is no drift.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from reconciler.core.commands import key_variable, only, reconcile
from reconciler.core.engine.spec import SpecRecord, meaning_of_text
from reconciler.core.errors import Diagnostic, PlatformError, Severity
from reconciler.core.frozen import dataclass, field, replace
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.model import Action, Change, Condition, Kind
from reconciler.core.platform.engine import (
    Denied,
    Details,
    EngineAnswer,
    Found,
    Gone,
    NotOffered,
    Throttled,
    Unreadable,
)

ENOUGH = 8  # answers that say nothing at all, and no other: then no further one is asked for
_NAMED = 5  # engines that are named where something is said of many


@dataclass(frozen=True, slots=True)
class Actual:
    """What is known of the platform: engines that are `gone` and those that are `alive`; what it has of the serving
    engine of a key that is not as recorded; and what could not be found out, for people.
    """

    gone: frozenset[str] = frozenset()
    alive: frozenset[str] = frozenset()
    drifted: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)
    findings: tuple[Diagnostic, ...] = ()
    lost: frozenset[str] = frozenset()  # keys whose serving engine is gone

    def to_read(self, *, overwrites: bool) -> frozenset[str]:
        """The keys whose engine files are needed to do something about it."""
        return self.lost.union(self.drifted) if overwrites else self.lost


def says_enough(answers: Mapping[str, EngineAnswer], last: str) -> bool:
    """Whether nothing is gained by asking about more engines, after the answer about the `last` one."""
    newest = answers[last]
    if isinstance(newest, Throttled) or (isinstance(newest, Denied) and newest.status == 401):
        return True
    # Any answer that tells something is among the first ones, or no further one was asked for.
    if any(isinstance(one, Found | Gone) for one in islice(answers.values(), 2 * ENOUGH)):
        return False
    return len(answers) >= ENOUGH or isinstance(newest, NotOffered)


def serving(lockfile: Lockfile, selected: Iterable[str]) -> dict[str, str]:
    """The serving engine of each of these keys."""
    found: dict[str, str] = {}
    for key in selected:
        engine_id = lockfile.engines[key].get("engineId")
        if isinstance(engine_id, str):
            found[key] = engine_id
    return found


def conclude(lockfile: Lockfile, wanted: Mapping[str, str], answers: Mapping[str, EngineAnswer]) -> Actual:
    """`wanted` are the serving engines that were to be looked up, by key; `answers`, by engine, may have others, which
    only vouch for the endpoint. Raises `PlatformError` where the key is refused.
    """
    refuse_denied(answers.values())
    alive = frozenset(name for name, one in answers.items() if isinstance(one, Found))
    gone = frozenset(name for name, one in answers.items() if isinstance(one, Gone))
    findings = tuple(_findings(wanted, answers, vouched=bool(alive)))
    if not alive:
        gone = frozenset()
    drifted = dict(_drifted(lockfile, wanted, answers))
    lost = frozenset(key for key, engine_id in wanted.items() if engine_id in gone)
    return Actual(gone, alive, drifted, findings, lost)


def refuse_denied(answers: Iterable[EngineAnswer]) -> None:
    """Raises `PlatformError` where the key was refused, and no engine was shown for it."""
    said = list(answers)
    denied = [one for one in said if isinstance(one, Denied)]
    if denied and (denied[0].status == 401 or not any(isinstance(one, Found) for one in said)):
        first = denied[0]
        raise PlatformError(
            f"the platform refused the API key ({first.status}): {first.message}",
            hint=f"check {key_variable()}",
            status=first.status,
        )


def _drifted(
    lockfile: Lockfile, wanted: Mapping[str, str], answers: Mapping[str, EngineAnswer]
) -> Iterator[tuple[str, tuple[Change, ...]]]:
    for key, engine_id in wanted.items():
        answer, entry = answers.get(engine_id), lockfile.entry(key)
        if isinstance(answer, Found) and entry is not None and entry.current is not None:
            changes = differences(entry.current.spec, answer.told)
            if changes:
                yield key, changes


def differences(recorded: SpecRecord, told: Details) -> tuple[Change, ...]:
    """What the platform has (`new`) that is not as recorded (`old`), as fingerprints compare: the order of locales,
    blanks and Unicode form do not count.
    """
    changes: list[Change] = []
    for name, there in (("name", told.name), ("description", told.description)):
        here = meaning_of_text(recorded.get(name, "")).strip()
        if there is not None and there != here:
            changes.append(Change(name, here or None, there or None))
    if told.locales is not None:
        before = recorded.get("locales", ())
        changes += [Change("locales", old=tag) for tag in before if tag not in told.locales]
        changes += [Change("locales", new=tag) for tag in told.locales if tag not in before]
    return tuple(changes)


def with_drift(
    actions: Iterable[Action],
    drifted: Mapping[str, tuple[Change, ...]],
    lockfile: Lockfile,
    files: Mapping[str, str],
) -> list[Action]:
    """The actions, with what was changed elsewhere on those that have a place for it, and an action that says so for
    every other such engine. `files` are the engine files by key.
    """
    told = [replace(one, drift=drifted[one.key]) if one.key in drifted else one for one in actions]
    left = drifted.keys() - {one.key for one in told} - {one.from_key for one in told}
    told += [_report(key, lockfile.engines[key]["engineId"], drifted[key], files.get(key)) for key in left]
    return sorted(told, key=lambda action: action.key)


def _report(key: str, engine_id: str, drift: Sequence[Change], file: str | None) -> Action:
    fields = list(dict.fromkeys(change.field for change in drift))
    what = fields[0] if len(fields) == 1 else f"{', '.join(fields[:-1])} and {fields[-1]}"
    fix = reconcile("apply", "--fix-drift", only(key))
    were = "was" if fields in (["name"], ["description"]) else "were"
    return Action(
        key,
        Kind.NONE,
        f"its {what} {were} changed on the platform",
        file=file,
        engine_id=engine_id,
        condition=Condition.DRIFTED,
        drift=tuple(drift),
        hint=f"bring the change into {file or 'its file'}, or run `{fix}` to overwrite it",
    )


# ── what could not be found out ────────────────────────────────────────────────────────────────────────────────


def _findings(
    wanted: Mapping[str, str], answers: Mapping[str, EngineAnswer], *, vouched: bool
) -> Iterator[Diagnostic]:
    """One finding for each reason, however many engines it is about."""
    by_key = {key: answers.get(engine_id) for key, engine_id in wanted.items()}
    gone = [key for key, one in by_key.items() if isinstance(one, Gone)]
    not_offered = [one for one in answers.values() if isinstance(one, NotOffered)]
    if not_offered:
        yield _finding(
            f"drift is unknown: the platform does not offer looking up engines ({not_offered[0].status})",
            Severity.NOTICE,
        )
        return
    if gone and not vouched:
        yield _finding(
            f"drift is unknown: the platform has none of {_engines(len(gone))} (404), so it may not offer looking up "
            "engines; nothing is concluded",
            Severity.NOTICE,
        )
    throttled = next((one for one in answers.values() if isinstance(one, Throttled)), None)
    missing = [key for key, one in by_key.items() if one is None or isinstance(one, Throttled)]
    if throttled is not None:
        yield _finding(
            f"{_engines(len(missing))} of {len(wanted):,} not looked up: the quota is exhausted (429): "
            f"{throttled.message}"
        )
        missing = []
    unclear = {key: one for key, one in by_key.items() if isinstance(one, Unreadable)}
    if unclear:
        first = next(iter(unclear.values()))
        yield _finding(f"{_engines(len(unclear))} could not be looked up: {first.reason} ({_keys(unclear)})")
    elif missing:
        yield _finding(
            f"{_engines(len(missing))} of {len(wanted):,} not looked up in time ({_keys(missing)})"
        )
    denied = [key for key, one in by_key.items() if isinstance(one, Denied)]
    if denied:
        yield _finding(f"{_engines(len(denied))} of another organization (403): {_keys(denied)}")


def _finding(message: str, severity: Severity = Severity.WARNING) -> Diagnostic:
    return Diagnostic(message, severity=severity)


def _engines(number: int) -> str:
    return f"{number:,} engine{'' if number == 1 else 's'}"


def _keys(keys: Collection[str]) -> str:
    more = f" and {len(keys) - _NAMED:,} more" if len(keys) > _NAMED else ""
    return ", ".join(f"`{key}`" for key in list(keys)[:_NAMED]) + more
