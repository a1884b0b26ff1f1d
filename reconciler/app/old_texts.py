"""Find the old texts of changed content, so that a plan can show real differences.

The lockfile holds digests only, but also the blob ids of the files that were read; where git still has those blobs, the
old text is in them. A text counts only when its digest is the recorded one, so nothing wrong can be shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.app.ports import Engines, Texts
from reconciler.core.engine.spec import digest_of_text
from reconciler.core.frozen import replace
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.model import Action, Change, Plan


def with_old_texts(plan: Plan, lockfile: Lockfile, engines: Engines, texts: Texts) -> Plan:
    """The same plan, with the old texts of changed content where they are to be had."""
    wanted = {action.key: _recorded_files(action, lockfile) for action in plan.actions if _needs_text(action)}
    if not wanted:
        return plan
    blobs = texts.read_blobs(sorted({blob for files in wanted.values() for blob in files.values()}))
    if not blobs:
        return plan
    actions = tuple(
        _enrich(action, wanted[action.key], blobs, engines) if action.key in wanted else action
        for action in plan.actions
    )
    return plan.with_actions(actions)


def _needs_text(action: Action) -> bool:
    return any(change.content and change.old is not None for change in action.changes)


def _recorded_files(action: Action, lockfile: Lockfile) -> Mapping[str, str]:
    entry = lockfile.entry(action.key)
    recorded = entry and (entry.current or entry.pending)
    return recorded.files if recorded else {}


def _enrich(action: Action, files: Mapping[str, str], blobs: Mapping[str, bytes], engines: Engines) -> Action:
    known = {
        digest_of_text(text): text
        for path, blob in files.items()
        if blob in blobs
        for text in _texts_in(path, blobs[blob], engines)
    }
    return replace(action, changes=tuple(_with_text(change, known) for change in action.changes))


def _texts_in(path: str, content: bytes, engines: Engines) -> Iterator[str]:
    """Every text that could be a source: a file's whole content, and the payloads of an engine file."""
    try:
        yield content.decode("utf-8-sig")  # as sources are read: a mark at the start is no text
    except UnicodeDecodeError:
        return
    if path.endswith((".yaml", ".yml")):
        spec = engines.parse_old(content, path)
        if spec is not None:
            yield from (source.payload for source in spec.sources if source.type == "content")


def _with_text(change: Change, known: Mapping[str, str]) -> Change:
    if not change.content or change.old is None:
        return change
    return replace(change, old_text=known.get(change.old))
