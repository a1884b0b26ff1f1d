"""What a prune deletes and keeps, and what became of it, for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from reconciler.core.plan.pruning import Choice

VERSION = 1


def prune_json(choices: Sequence[Choice], results: Mapping[str, tuple[str, str | None]] | None = None) -> str:
    """One document. `results` has, by engine, what became of it and why; None where nothing was to be done."""
    engines = [_engine(one, results or {}) for one in choices]
    actions = [one["action"] for one in engines]
    counts = {name: actions.count(name) for name in ("delete", "keep", "hold back")}
    document = {"version": VERSION, "applied": results is not None, "engines": engines, "counts": counts}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _engine(choice: Choice, results: Mapping[str, tuple[str, str | None]]) -> dict[str, object]:
    one = choice.listed
    action = "delete" if choice.deletes else "keep" if choice.kept is not None else "hold back"
    result, reason = results.get(one.engine_id, (None, None)) if choice.deletes else (None, None)
    values: dict[str, object] = {
        "key": one.key,
        "engineId": one.engine_id,
        "name": one.name,
        "listed": one.place,
        "since": one.since,
        "deletionBegan": one.begun,
        "action": action,
        "reason": choice.kept or choice.guard or reason,
        "hint": choice.hint,
        "result": result,
    }
    return {name: value for name, value in values.items() if value is not None}
