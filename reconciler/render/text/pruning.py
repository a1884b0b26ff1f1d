"""What a prune deletes and keeps, and what became of it, for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.core.commands import reconcile
from reconciler.core.plan.pruning import Choice, Listed
from reconciler.render.phrases.sanitize import sanitize

_SIGNS = {"delete": "-", "hold": "#", "keep": " "}


def prune_plan(choices: Sequence[Choice]) -> str:
    """Every engine that is listed as out of use: first those to delete, then those that stay, and why."""
    if not choices:
        return "No engines to delete: the lockfile lists none as superseded or retired.\n"
    groups = [
        ("Deleted on the platform, with all they hold; this cannot be undone:", "delete"),
        ("Held back:", "hold"),
        ("Kept:", "keep"),
    ]
    key_width = max(len(sanitize(one.listed.key)) for one in choices)
    id_width = max(len(one.listed.engine_id) for one in choices)
    lines: list[str] = []
    for title, kind in groups:
        chosen = [one for one in choices if _kind(one) == kind]
        lines += [title] if chosen else []
        for one in chosen:
            key = sanitize(one.listed.key).ljust(key_width)
            why = one.kept or one.guard
            told = f"{_listed_as(one.listed)}; {why}" if why else _listed_as(one.listed)
            lines.append(
                f"  {_SIGNS[kind]} {key}  {one.listed.engine_id.ljust(id_width)}  {sanitize(told)}".rstrip()
            )
        lines += [f"      hint: {hint}" for hint in dict.fromkeys(one.hint for one in chosen if one.hint)]
        lines += [""] if chosen else []
    return "\n".join([*lines, _totals(choices)]) + "\n"


def _kind(choice: Choice) -> str:
    return (
        "delete" if choice.deletes else "hold" if choice.guard is not None and choice.kept is None else "keep"
    )


def _listed_as(one: Listed) -> str:
    since = one.since or "an unknown time"
    begun = f", deletion began {one.begun}" if one.begun is not None else ""
    return f"{one.place} since {since}{begun}"


def _totals(choices: Sequence[Choice]) -> str:
    kinds = [_kind(one) for one in choices]
    held = f", {kinds.count('hold'):,} held back" if "hold" in kinds else ""
    if "delete" not in kinds:
        return f"No engines to delete: {kinds.count('keep'):,} kept{held}."
    return f"Plan: {kinds.count('delete'):,} to delete, {kinds.count('keep'):,} kept{held}."


def prune_outcome(told: Sequence[tuple[Listed, str, str | None]]) -> str:
    """What became of each engine that was to be deleted."""
    words = {"deleted": "deleted", "failed": "not deleted", "unknown": "outcome unknown", "left": "left"}
    lines = [
        f"{sanitize(one.key)}: {one.engine_id} {words[result]}" + (f" ({sanitize(why)})" if why else "")
        for one, result, why in told
        if result in words
    ]
    counts = {word: sum(result == word for _, result, _ in told) for _, word, _ in told}
    totals = [f"{counts.get('deleted', 0):,} deleted"]
    totals += [f"{counts[word]:,} {words[word]}" for word in ("failed", "unknown", "left") if word in counts]
    lines.append(f"{', '.join(totals)}.")
    if "unknown" in counts or "left" in counts:
        lines.append(f"hint: run `{reconcile('prune')}` again; what has begun is finished first")
    return "\n".join(lines) + "\n"


def by_hand(listed: Iterable[Listed]) -> str:
    """What a person does where the platform offers no call for it."""
    engines = list(listed)
    rows = [f"  {one.engine_id}  {sanitize(one.name)} ({sanitize(one.key)})" for one in engines]
    told = [("--deleted-by-hand", one.engine_id) for one in engines]
    return "\n".join(
        [
            "The platform offers no call that deletes engines. Nothing was deleted, and the lockfile still lists them.",
            "Delete these engines in the platform's dashboard:",
            *rows,
            "Then record it:",
            f"  {reconcile('prune', *told)}",
            "",
        ]
    )
