"""What somebody changed in a lockfile by hand: what no run changes once it is written.

A create call makes one engine, by one job, for one spec, whatever becomes of it later: it may serve, be replaced, come
back, move to another key, retire, or be merged with other lockfiles. Only a change in place gives it another name,
description or locales, and counts them. So an operation whose engine, job or spec is not
what it was before was edited, and nothing that runs, merges or people's resolutions do looks like that.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from reconciler.core.engine.fingerprint import fingerprint_of_record, same_sources
from reconciler.core.errors import Diagnostic, LockfileError, Severity
from reconciler.core.lockfile.entry import Entry, Pending, Provisioned, Superseded
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.names import engines_of, out_of_use

_Part = Provisioned | Pending | Superseded
_SHOWN = 20
_NAMED = 5  # engines that one warning names


class Edit(NamedTuple):
    """`what` differs in the entry of a key, in words."""

    key: str
    what: str


def edits(before: Lockfile, now: Lockfile, *, ancestor: bool = True) -> list[Edit]:
    """What was edited since `before`, sorted by key. Only of an `ancestor` can anything be missing now.

    Raises `LockfileError` for a broken entry.
    """
    changed = [key for key, document in now.engines.items() if before.engines.get(key) != document]
    changed += [key for key in now.retired if before.retired.get(key) != now.retired[key]]
    gone = [key for key in before.engines if key not in now.engines] if ancestor else []
    if not changed and not gone:
        return []
    known: dict[str | None, _Part] = {}
    for part in _all_parts(before):
        known |= dict.fromkeys((name for name in (part.operation_id, part.job_id) if name), part)
    remaining = {part.engine_id for part in _all_parts(now)} if changed else set()
    found = [edit for key in sorted(set(changed)) for edit in _of_key(key, before, now, known, remaining)]
    if ancestor:
        found += _missing(before, now, [*changed, *gone])
    return sorted(dict.fromkeys(found))


def _of_key(
    key: str,
    before: Lockfile,
    now: Lockfile,
    known: Mapping[str | None, _Part],
    remaining: Collection[str | None],
) -> Iterator[Edit]:
    for part in _parts_of(key, now):
        then = known.get(part.operation_id) or known.get(part.job_id)
        # Two people may have named different engines for one call, and a merge keeps both.
        both = then is not None and part.engine_id != then.engine_id and then.engine_id in remaining
        if then is not None and not both:
            yield from (Edit(key, words) for words in _differences(then, part))
    old, new = before.entry(key), now.entry(key)
    if old is None or new is None or _inputs(old) != _inputs(new):
        return
    if set(old.kept.outputs) != set(new.kept.outputs):
        yield Edit(key, "its outputs")


def _differences(then: _Part, now: _Part) -> Iterator[str]:
    pairs = (
        ("engineId", then.engine_id, now.engine_id),
        ("jobId", then.job_id, now.job_id),
        ("operationId", then.operation_id, now.operation_id),
    )
    yield from (
        f"{name} {old} → {new}" for name, old, new in pairs if old and new and old != new
    )  # one that was not known yet is no edit
    if (_revision(then) or _revision(now)) and same_sources(then.spec, now.spec):
        return  # which of several changes came last, a merge may have decided
    if fingerprint_of_record(then.spec) != fingerprint_of_record(now.spec):
        yield "its spec"
    elif _version(then) == _version(now) and then.fingerprint != now.fingerprint:
        yield "its fingerprint"


def _revision(part: _Part) -> int | None:
    return None if isinstance(part, Pending) else part.revision


def _version(part: _Part) -> str:
    return part.fingerprint.partition(":")[0]


def _inputs(entry: Entry) -> tuple[object, ...]:
    """The files that its parts were read from: from the same ones nothing new can have been kept."""
    parts = (entry.current, entry.pending)
    return tuple((part.operation_id, dict(part.files)) for part in parts if part is not None)


def _missing(before: Lockfile, now: Lockfile, keys: list[str]) -> Iterator[Edit]:
    """Engines of these keys that are nowhere any more, nor the calls that made them. One that was out of use may have
    been deleted on the platform.
    """
    candidates = []
    for key in sorted(set(keys)):
        here = {part.engine_id for part in _parts_of(key, now)}
        candidates += [(key, part) for part in _used(key, before) if part.engine_id not in here]
    if not candidates:
        return
    known: set[str | None] = set()
    for part in _all_parts(now):
        known |= {part.engine_id, part.operation_id, part.job_id}
    known -= {None}
    for key, part in candidates:
        if known.isdisjoint((part.engine_id, part.operation_id, part.job_id)):
            yield Edit(key, f"{part.engine_id} is missing")


def _used(key: str, lockfile: Lockfile) -> list[_Part]:
    """The engines of a key that serve, or are about to."""
    entry = lockfile.entry(key)
    parts = (entry.current, entry.pending) if entry is not None else ()
    return [part for part in parts if part is not None and part.engine_id is not None]


def _all_parts(lockfile: Lockfile) -> Iterator[_Part]:
    for key in dict.fromkeys([*lockfile.engines, *lockfile.retired]):
        yield from _parts_of(key, lockfile)


def _parts_of(key: str, lockfile: Lockfile) -> Iterator[_Part]:
    entry = lockfile.entry(key)
    for one in (entry, *(retired.entry for retired in lockfile.retired_of(key))):
        if one is not None:
            parts = (one.current, one.pending, *one.superseded, *one.uncertain)
            yield from (part for part in parts if part is not None)


def findings(found: list[Edit], content: bytes, file: str, since: str) -> list[Diagnostic]:
    """Warnings for edits, each at the line of its key in the lockfile's `content`."""
    lines = content.decode("utf-8", "replace").splitlines()
    by_key: dict[str, list[str]] = {}
    for edit in found:
        by_key.setdefault(edit.key, []).append(edit.what)
    shown = list(by_key.items())[:_SHOWN]
    told = [
        Diagnostic(
            f"{file} was edited by hand since {since}: `{key}`: {', '.join(words)}",
            file,
            line=_line_of(key, lines),
            hint="undo the edit, or make it in the engine file; only runs write this file",
            severity=Severity.WARNING,
        )
        for key, words in shown
    ]
    if len(by_key) > _SHOWN:
        more = f"{file} was edited by hand since {since} in {len(by_key) - _SHOWN:,} more engines"
        told.append(Diagnostic(more, file, severity=Severity.WARNING))
    return told


def _line_of(key: str, lines: list[str]) -> int | None:
    start = f"    {json.dumps(key, ensure_ascii=False)}: "
    return next((number for number, line in enumerate(lines, 1) if line.startswith(start)), None)


def findings_between(
    before: bytes, now: Lockfile, content: bytes, file: str, since: str, *, ancestor: bool = True
) -> list[Diagnostic]:
    """The same from the old file's content; none where it cannot be read."""
    from reconciler.core.lockfile.model import parse

    try:
        return findings(edits(parse(before, file), now, ancestor=ancestor), content, file, since)
    except LockfileError:  # what is broken is told by those who need it
        return []


def newly_out_of_use(before: bytes, now: Lockfile, content: bytes, file: str, base: str) -> list[Diagnostic]:
    """A warning for engines that are listed as out of use, though the base names them nowhere: they need not be this
    project's, and a prune deletes what is listed.
    """
    from reconciler.core.lockfile.model import parse

    try:
        then = engines_of(parse(before, file))
    except LockfileError:  # what is broken is told by those who need it
        return []
    idle = out_of_use(now) - then
    keys = [*now.engines, *now.retired] if idle else ()
    found = sorted(
        {(key, part.engine_id) for key in keys for part in _parts_of(key, now) if part.engine_id in idle}
    )
    if not found:
        return []
    few = ", ".join(f"{engine_id} (`{key}`)" for key, engine_id in found[:_NAMED])
    more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    what = f"this branch lists engines as out of use that {base} does not name: {few}{more}; a prune deletes them"
    line = _line_of(found[0][0], content.decode("utf-8", "replace").splitlines())
    hint = "make sure that they are engines of this project"
    return [Diagnostic(what, file, line=line, hint=hint, severity=Severity.WARNING)]
