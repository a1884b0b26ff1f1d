"""A plan in words: the sentences that the views for people share, so that they never disagree."""

from __future__ import annotations

from reconciler.core.plan.model import Action, Change, Condition, Kind, Plan
from reconciler.render.phrases.sanitize import sanitize
from reconciler.render.phrases.style import Look

# With more new engines than this each takes one line: a first run is not read field by field.
TERSE_ABOVE = 50

_COUNTED = (
    ("create", "to create"),
    ("replace", "to replace"),
    ("recreate", "to recreate"),
    ("update", "to update in place"),
    ("resume", "to resume"),
    ("restore", "to restore"),
    ("discard", "to discard"),
    ("move", "to move"),
    ("retire", "to retire"),
    ("delete", "to delete"),
    ("record", "to record"),
    ("failed", "failed"),
    ("uncertain", "uncertain"),
    ("drifted", "drifted"),
    ("guarded", "held back"),
    ("unchanged", "unchanged"),
)


def counted(number: int, noun: str) -> str:
    """`1 engine`, `10,000 engines`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def short_digest(digest: str) -> str:
    """`sha256:0123456789ab`: enough to tell two apart by eye."""
    head, colon, tail = digest.rpartition(":")
    return sanitize(f"{head}{colon}{tail[:12]}")


def counted_as(name: str) -> str:
    """What stands behind the number of the engines that `Plan.summary` counts under this name: `to create`."""
    return dict(_COUNTED)[name]


def summary_sentence(plan: Plan) -> str:
    """What the plan comes to, e.g. `Plan: 1 to create, 2 to replace, 9,996 unchanged.`"""
    counts = plan.summary()
    counts["record"] += plan.unwritten
    parts = [f"{counts[name]:,} {words}" for name, words in _COUNTED if counts[name]]
    if plan.outputs:
        unchanged_last = len(parts) - bool(counts["unchanged"])
        parts.insert(unchanged_last, f"{counted(len(plan.outputs), 'output')} to update")
    if plan.changes_anything or plan.outputs:
        return f"Plan: {', '.join(parts)}."
    return no_changes(plan)


def no_changes(plan: Plan) -> str:
    """Why there is nothing to apply. What failed or is held back is never behind a bare "no changes"."""
    counts = plan.summary()
    unchanged = counts["unchanged"]
    acting = {action.key for action in plan.actions}
    aged = sum(one.needs_attention and one.key not in acting for one in plan.sources)
    unchanged -= aged
    waiting = counts["failed"] + counts["uncertain"] + counts["drifted"] + counts["guarded"] + aged
    verb = "is" if unchanged == 1 else "are"
    if waiting:
        kept = f", {unchanged:,} {verb} up to date" if unchanged else ""
        needs = "needs" if waiting == 1 else "need"
        return f"No changes to apply. {counted(waiting, 'engine')} {needs} attention{kept}."
    if unchanged:
        return f"No changes. {counted(unchanged, 'engine')} {verb} up to date."
    return "No changes."  # the plan is about no engine, such as a saved one that had nothing to do


def jobs(plan: Plan) -> int:
    """How many provisioning jobs applying the plan issues."""
    return sum(action.creates for action in plan.actions)


def jobs_sentence(plan: Plan) -> str:
    """What the plan costs: the provisioning jobs that it issues."""
    number = jobs(plan)
    if number == 0:
        return "No provisioning jobs will be created."
    return f"{counted(number, 'provisioning job')} will be created (billed by the platform)."


def closing_sentences(plan: Plan) -> list[str]:
    """What the plan comes to, what it costs, and what an earlier run left over."""
    sentences = [summary_sentence(plan)]
    if plan.changes_anything:
        sentences.append(jobs_sentence(plan))
    if any(action.origin is not None for action in plan.actions):
        from reconciler.render.phrases.origins import origin_sentence  # only with --base

        sentences.append(origin_sentence(plan))
    if plan.sources:
        from reconciler.render.phrases.sources import sources_sentence  # only with --check-sources

        sentences.append(sources_sentence(plan.sources))
    if plan.unwritten:
        results = counted(plan.unwritten, "result")
        sentences.append(f"{results} of earlier runs will be written to the lockfile.")
    return sentences


def what_happens(action: Action) -> str:
    """What is done about the engine, as the rest of a sentence that begins with its key."""
    if action.condition is not None:
        return _CONDITIONS[action.condition]
    if action.guard is not None:
        verb = "replaced" if action.kind is Kind.RESUME else f"{action.kind.value.removesuffix('e')}ed"
        return f"would be {verb}, but is held back: {sanitize(action.guard)}"
    engine = sanitize(action.engine_id) if action.engine_id else None
    of_engine = f" of {engine}" if engine else ""
    job = f"job {sanitize(action.job_id)}" if action.job_id else "its job"
    sentences = {
        Kind.CREATE: "will be created",
        Kind.REPLACE: "will be replaced"
        + (f" ({engine} keeps serving until the new engine is ready)" if engine else ""),
        Kind.RECREATE: f"will be recreated (drift: {engine or 'its engine'} is gone from the platform)",
        Kind.UPDATE: f"will be updated in place (keeps {engine or 'its engine'}; no new job)",
        Kind.RESUME: f"will be resumed (waits for {job}{of_engine}; no new job)",
        Kind.RESTORE: f"will be restored (back to {engine or 'its earlier engine'}; no new job)",
        Kind.DISCARD: f"keeps its engine (the pending replacement{f' {engine}' if engine else ''} is discarded)",
        Kind.MOVE: f"will move here from {sanitize(action.from_key or '?')} (keeps {engine or 'its engine'})",
        Kind.RETIRE: f"will be retired ({engine or 'its engine'} is no longer used, but stays on the platform)",
        Kind.DELETE: f"will be deleted ({engine or 'its engine'} is deleted on the platform; this cannot be undone)",
        Kind.RECORD: f"will be recorded with its new options (keeps {engine or 'its engine'})",
        Kind.NONE: "is unchanged",
    }
    return sentences[action.kind]


_CONDITIONS = {
    Condition.FAILED: "failed and is skipped",
    Condition.UNCERTAIN: "outcome unknown; skipped until resolved",
    Condition.DRIFTED: "was changed on the platform (drift) and is left as it is",
}


def content_title(change: Change, look: Look) -> str:
    """`engines/glossary.md (183 → 201 characters)`; a text without a file is `text in the engine file`."""
    name = sanitize(change.file) if change.file is not None else "text in the engine file"
    sizes = [f"{size:,}" for size in (change.old_chars, change.new_chars) if size is not None]
    return f"{name} ({f' {look.arrow} '.join(sizes)} characters)" if sizes else name
