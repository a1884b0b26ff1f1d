"""Whose change it is, in words, and in the order in which people are shown them: this branch's first.

Imported only where a plan was compared with a base.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from reconciler.core.plan.attribution import by_origin
from reconciler.core.plan.model import Action, Origin, Plan

_WORDS = {
    Origin.BRANCH: "this branch",
    Origin.MERGED: "merged, not applied yet",
    Origin.RUNNING: "another run is working on it",
}
_COUNTED = {
    Origin.BRANCH: ("comes", "come", "from this branch"),
    Origin.MERGED: ("was", "were", "merged earlier but not applied yet"),
    Origin.RUNNING: ("is", "are", "in progress in another run"),
}


def origin_words(action: Action) -> str:
    """`merged, not applied yet`; nothing where it is not known."""
    return "" if action.origin is None else _WORDS[action.origin]


def in_groups(actions: Iterable[Action]) -> Iterator[tuple[str, list[Action]]]:
    """The actions under a title for each origin; all of them under none where no origin is known."""
    ordered = by_origin(actions)
    for words in dict.fromkeys(origin_words(action) for action in ordered):
        title = words[:1].upper() + words[1:]
        yield title, [action for action in ordered if origin_words(action) == words]


def origin_sentence(plan: Plan) -> str:
    """`Of these, 2 come from this branch, 1 was merged earlier but not applied yet.`; empty without origins."""
    counts = Counter(action.origin for action in plan.actions if action.origin is not None)
    if not counts:
        return ""
    if set(counts) == {Origin.BRANCH}:
        return "All changes come from this branch."
    parts = [_part(origin, counts[origin]) for origin in Origin if counts[origin]]
    return f"Of these, {', '.join(parts)}."


def _part(origin: Origin, number: int) -> str:
    one, many, words = _COUNTED[origin]
    return f"{number:,} {one if number == 1 else many} {words}"
