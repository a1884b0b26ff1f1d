"""The messages of our commits: on the ledger's ref, and on the branch for the lockfile.

Hosts act on what stands in a message: `[skip ci]` and its like, `fixes #1`, `@team`, and trailers, which our own
commands read as well. Names of engines are names of files that anybody may propose, so each is spelled as one word
without any of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.core.ledger.journal import (
    Acceptance,
    Begin,
    Decision,
    End,
    Pruned,
    Pruning,
    Record,
    Refusal,
    Settlement,
    UncertainOutcome,
    Update,
    UpdateBegin,
    UpdateRefusal,
)
from reconciler.core.ledger.lease import Lease
from reconciler.core.ledger.subjects import OUTPUTS_ONLY, RECORD
from reconciler.core.lockfile.entry import Entry
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.names import engines_of, names_of, out_of_use

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-")
_LONGEST = 200  # characters of a word


def word_for(name: str) -> str:
    """A name as one harmless word, the same for the names that are one already."""
    word = "".join(char if char in _PLAIN or _is_letter(char) else _encoded(char) for char in name[:_LONGEST])
    return word + "…" * (len(name) > _LONGEST)


def _is_letter(char: str) -> bool:
    return char > "\x7f" and char.isalnum()


def _encoded(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))


def ledger_subject(records: Iterable[Record], lease: Lease) -> str:
    """The first line of a ledger commit: what it adds, for those who read the ref's log."""
    words = [word for record in records if (word := _word(record)) is not None]
    if not words:
        holder = "".join(char if char.isprintable() else " " for char in str(lease.holder or ""))
        return f"lease {lease.fencing} " + (f"held by {holder[:_LONGEST]}" if holder else "given back")
    more = f" and {len(words) - 5} more" if len(words) > 5 else ""
    return "; ".join(words[:5]) + more


def _word(record: Record) -> str | None:
    match record:
        case Begin(key=key):
            return f"begin {word_for(key)}"
        case UpdateBegin(key=key):
            return f"updating {word_for(key)}"
        case Acceptance(engine_id=engine_id):
            return f"accepted {word_for(engine_id)}"
        case Update(key=key) | UpdateRefusal(key=key):
            return f"{record.type.replace('_', ' ')} {word_for(key)}"
        case Refusal() | UncertainOutcome() | Settlement():
            return f"{record.type} {word_for(record.operation)}"
        case Decision(kind=kind, key=key):
            return f"{kind} {word_for(key)}"
        case Pruning(engine_id=engine_id):
            return f"pruning {word_for(engine_id)}"
        case Pruned(engine_id=engine_id, result=result):
            return f"{result} {word_for(engine_id)}"
        case End(result=result):
            return f"{result} {word_for(record.operation)}"
        case _:
            return None


def publish_message(before: Lockfile, after: Lockfile, run_url: str | None, *, skip_ci: bool) -> str:
    """The message of a lockfile commit: what changed, engine by engine, and the run that did it."""
    keys = sorted(
        key
        for key in before.engines.keys() | after.engines.keys()
        if before.engines.get(key) != after.engines.get(key)
    )
    moved = _moved(before, after, keys)
    keys = [key for key in keys if key not in moved.values()]  # a move is one line, under the new key
    # Behind a dash, so that no engine named `Run` or `Signed-off-by` makes a trailer.
    deleted = _deleted(before, after)
    keys += sorted(deleted.keys() - set(keys))
    lines = [
        f"- {word_for(key)}: {_what(before, after, key, moved.get(key), deleted.get(key, []))}"
        for key in keys
    ]
    shown = lines[:100] + ([f"… and {len(lines) - 100} more"] if len(lines) > 100 else [])
    subject = f"{RECORD} {word_for(keys[0])}" if len(keys) == 1 else f"{RECORD} {len(keys)} engines"
    subject = OUTPUTS_ONLY if before == after else subject
    tail = [f"Run: {run_url}"] if run_url and run_url.isprintable() and " " not in run_url else []
    tail += ["[skip ci]"] if skip_ci else []
    paragraphs = [subject, "\n".join(shown), "\n".join(tail)]
    return "\n\n".join(part for part in paragraphs if part) + "\n"


def _deleted(before: Lockfile, after: Lockfile) -> dict[str, list[str]]:
    """The engines that were out of use and are named nowhere any more, by key."""
    gone = out_of_use(before) - engines_of(after)
    found: dict[str, list[str]] = {}
    for key in (*before.engines, *before.retired) if gone else ():
        documents = (before.engines.get(key, {}), *before.retired.get(key, ()))
        named = {name for document in documents for name in names_of(document)}
        found |= {key: sorted(named & gone)} if named & gone else {}
    return found


def _what(before: Lockfile, after: Lockfile, key: str, moved_from: str | None, deleted: Iterable[str]) -> str:
    told = f"deleted {', '.join(map(word_for, deleted))}" if deleted else ""
    if key not in before.engines and key not in after.engines:
        return told
    was, now = before.entry(key), after.entry(key)
    same = was is not None and now is not None and (was.current, was.pending) == (now.current, now.pending)
    if told and same:
        return told
    change = _change(before, after, key, moved_from)
    return f"{change}; {told}" if told else change


def _moved(before: Lockfile, after: Lockfile, keys: Iterable[str]) -> dict[str, str]:
    """New keys whose engine had another key, with that key. An engine is known by its ID, or by its operation's."""
    had = {
        name: key
        for key in keys
        if key not in after.engines and (entry := before.entry(key)) is not None
        for name in _names(entry)
    }
    new = ((key, after.entry(key)) for key in keys if had and key not in before.engines)
    found = (
        (key, next((had[name] for name in _names(entry) if name in had), None)) for key, entry in new if entry
    )
    return {key: old for key, old in found if old is not None}


def _names(entry: Entry) -> Iterator[str]:
    yield from entry.engine_ids
    yield from (part.operation_id for part in entry.parts if part.operation_id is not None)


def _updated(was: Entry | None, now: Entry) -> str:
    """Whether the serving engine was changed in place."""
    current, then = now.current, was.current if was is not None else None
    if current is None or then is None:
        return ""
    if current.updating:
        return ", update not confirmed"
    return ", updated" if current.revision != then.revision else ""


def _change(before: Lockfile, after: Lockfile, key: str, moved_from: str | None) -> str:
    """What became of one engine, behind its key."""
    was, now = before.entry(key) or (before.entry(moved_from) if moved_from else None), after.entry(key)
    old = word_for(was.current.engine_id) if was and was.current else None
    new = word_for(now.current.engine_id) if now and now.current else None
    if now is None:
        gone = "retired" if len(after.retired.get(key, ())) > len(before.retired.get(key, ())) else "removed"
        return gone + (f" ({old})" if old else "")
    move = f", moved from {word_for(moved_from)}" if moved_from else ""
    if new != old:
        return f"{new or 'no engine yet'}{f' (was {old})' if old else ''}{move}"
    status = f", {word_for(now.pressing.status)}" if now.pressing else _updated(was, now)
    return f"{new or 'no engine yet'}{status}{move}"
