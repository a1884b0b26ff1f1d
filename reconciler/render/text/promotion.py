"""What a promotion found out and wrote, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import unified_diff

from reconciler.core.plan.environments.promotion import BY_HAND, REFUSED, UNCHANGED, WRITTEN, Edits, Promoted
from reconciler.render.phrases.sanitize import sanitize
from reconciler.render.phrases.words import counted

_SHORT = 19  # `v1:` and some digits of a fingerprint


def render_promotion(found: Sequence[Promoted], source: str, target: str, *, dry_run: bool) -> str:
    """Engine by engine, and how many. No final newline."""
    lines = [line for one in found for line in (*_of_one(one, source, target), "")]
    return "\n".join([*lines, _summary(found, source, target, dry_run=dry_run)])


def _of_one(one: Promoted, source: str, target: str) -> Iterator[str]:
    key = sanitize(one.key)
    if one.status == REFUSED and one.refusal is not None:
        yield f"! {key} is not promoted: {sanitize(one.refusal.reason)}"
        yield from _hint(one.refusal.hint)
        return
    tested = f"{sanitize(str(one.fingerprint))[:_SHORT]} (tested in {source}: {one.engine_id}, {one.provisioned_at})"
    if one.status == UNCHANGED:
        yield f"  {key} is the same in {target}"
        yield f"    fingerprint  {tested}"
        return
    yield f"{'!' if one.status == BY_HAND else '~'} {key}"
    yield f"    fingerprint  {tested}"
    if one.status == BY_HAND and one.refusal is not None:
        yield f"    not written  {sanitize(one.refusal.reason)}"
        yield from _hint(one.refusal.hint)
    if one.edits is not None:
        yield from _files(one.edits)
        yield from (f"    note         {sanitize(note)}" for note in one.edits.notes)


def _hint(hint: str) -> Iterator[str]:
    first, *rest = hint.split("\n")
    yield f"    hint: {sanitize(first)}"
    yield from (f"          {sanitize(line)}" for line in rest)


def _files(edits: Edits) -> Iterator[str]:
    for path, text in edits.files.items():
        before = edits.before[path]
        what = "removed" if text is None else "created" if before is None else "changed"
        yield f"    {what:11}  {sanitize(path)}"
        old, new = (side.splitlines() if side else [] for side in (before, text))
        for line in list(unified_diff(old, new, lineterm="", n=1))[2:]:
            if not line.startswith("@@"):
                yield f"      {sanitize(line)}".rstrip()


def _summary(found: Sequence[Promoted], source: str, target: str, *, dry_run: bool) -> str:
    number = {
        status: sum(one.status == status for one in found)
        for status in (WRITTEN, UNCHANGED, REFUSED, BY_HAND)
    }
    would = "would be promoted" if dry_run else "promoted"
    parts = [f"{counted(number[WRITTEN], 'engine')} {would} from {source} to {target}"]
    parts += [f"{number[UNCHANGED]} the same"] if number[UNCHANGED] else []
    parts += [f"{number[BY_HAND]} to edit by hand"] if number[BY_HAND] else []
    parts += [f"{number[REFUSED]} not promoted"] if number[REFUSED] else []
    return ", ".join(parts) + "."
