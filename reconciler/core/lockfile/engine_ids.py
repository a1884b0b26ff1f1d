"""The engine IDs that applications may use now, by key, and under which names they reach an environment.

Only an engine whose job completed is ever given out. One that is under way, failed or uncertain is named with what
can be done about it; nothing stands in for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from reconciler.core.commands import reconcile
from reconciler.core.errors import InvalidInput, NotServing
from reconciler.core.lockfile.entry import IN_PROGRESS, UNCERTAIN, Entry, Pending
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.patterns import lazy_pattern
from reconciler.core.suggest import did_you_mean

FIELDS = ("engineId", "jobId", "provisionedAt", "status")
_FEW = 8  # keys that a hint lists in full
_NAME = lazy_pattern(r"[A-Za-z_][A-Za-z0-9_]*")


def field_of(lockfile: Lockfile, key: str, name: str) -> str:
    """One of `FIELDS` of an engine. Raises `NotServing` where there is none to give, and `LockfileError`.

    Every entry has a status: `serving` or `unused`, or what the operation under way is at.
    """
    entry = lockfile.entry(key)
    if entry is None:
        raise NotServing(f"no engine `{key}` in the lockfile", hint=_where_else(lockfile, key))
    if name == "status":
        return status_of(entry)
    if entry.current is None:
        raise NotServing(
            f"`{key}` is not ready yet: {_how_far(entry.pressing)}", hint=_what_next(entry.pressing)
        )
    current = entry.current
    value = {"engineId": current.engine_id, "jobId": current.job_id, "provisionedAt": current.provisioned_at}[
        name
    ]
    if value is None:
        raise NotServing(
            f"the lockfile has no {name} of `{key}`", hint="the engine was not created by a recorded job"
        )
    return value


def status_of(entry: Entry) -> str:
    """`in_progress`, `failed` or `uncertain` where something is pending, else `serving` or `unused`."""
    if entry.pressing is not None:
        return entry.pressing.status
    return "unused" if entry.current is None else "serving"


def serving(lockfile: Lockfile, selected: Callable[[str], bool]) -> tuple[dict[str, str], list[str]]:
    """The IDs of the selected engines that serve, sorted by key, and the keys of those that do not.

    Raises `LockfileError` for a broken entry.
    """
    engines: dict[str, str] = {}
    others: list[str] = []
    for key in sorted(filter(selected, lockfile.engines)):
        entry = lockfile.entry(key)
        if entry is None or entry.current is None:
            others.append(key)
        else:
            engines[key] = entry.current.engine_id
    return engines, others


def variables(engines: Mapping[str, str], prefix: str) -> dict[str, str]:
    """IDs by the names of environment variables. Raises `InvalidInput` for keys that would have the same name."""
    keys: dict[str, str] = {}
    for key in engines:
        name = prefix + re.sub("[^A-Za-z0-9]", "_", key).upper()
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"`{name}` cannot be the name of a variable",
                hint="choose another --prefix: letters, digits and underscores, without a leading digit",
            )
        if name in keys:
            raise InvalidInput(
                f"`{keys[name]}` and `{key}` would both be {name}",
                hint="rename one of the engine files, or choose with --only; JSON and YAML have keys instead of names",
            )
        keys[name] = key
    return {name: engines[key] for name, key in keys.items()}


def _where_else(lockfile: Lockfile, key: str) -> str:
    if key in lockfile.retired:
        return f"run `{reconcile('status', '--all')}` to see it: it was retired when its file was removed"
    guess = did_you_mean(key, lockfile.engines) or did_you_mean(_bare(key), lockfile.engines)
    if guess is not None:
        return f"did you mean `{guess}`?"
    return _listed(lockfile.engines)


def _bare(key: str) -> str:
    """A key as somebody may have meant it who named the file."""
    return key.removeprefix("./").removeprefix("engines/").removesuffix(".yaml").removesuffix(".yml")


def _listed(keys: Iterable[str]) -> str:
    known = sorted(keys)
    if not known:
        return f"run `{reconcile('apply')}`; the lockfile has no engines yet"
    if len(known) > _FEW:
        return f"run `{reconcile('status')}` to list all {len(known):,} engines"
    return "choose one of " + ", ".join(f"`{one}`" for one in known)


def _how_far(pending: Pending | None) -> str:
    if pending is None:
        return "only earlier engines are recorded"
    if pending.status == IN_PROGRESS:
        return f"its job {pending.job_id} is still running" if pending.job_id else "its job is still running"
    if pending.status == UNCERTAIN:
        return "its create call got no answer"
    return "its job failed"


def _what_next(pending: Pending | None) -> str:
    if pending is None:
        return f"run `{reconcile('apply')}` to create it"
    if pending.status == IN_PROGRESS:
        return f"run `{reconcile('collect')}` to wait for it"
    return f"run `{reconcile('status')}` to see what you can do"
