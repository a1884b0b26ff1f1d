"""What a plan means for a reviewer, in sentences, and one engine in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from reconciler.core.engine.spec import Spec
from reconciler.core.plan.model import Action, Change, Kind, Plan
from reconciler.render.phrases.origins import origin_sentence
from reconciler.render.phrases.words import counted, jobs

Code = Callable[[str], str]  # makes a foreign value harmless, where the line is going to stand

_TAGS = 6  # locales of one engine that are named


def consequences(plan: Plan, lockfile: str, doing: str) -> Iterator[str]:
    """What happens then, sentence by sentence: the cost, the lockfile, and what needs attention."""
    number = jobs(plan)
    if number:
        yield f"{doing} creates {counted(number, 'provisioning job')} (billed by the platform)."
    elif plan.changes_anything:
        yield f"{doing} creates no provisioning jobs."
    if number or any(action.waits for action in plan.actions):
        yield f"The engine IDs are committed to {lockfile} as the jobs complete."
    elif plan.changes_anything:
        yield f"The result is committed to {lockfile}."
    kinds = {action.kind for action in plan.actions if action.guard is None}
    if Kind.REPLACE in kinds:
        yield "Engines that are replaced keep serving until the new ones are ready."
    if Kind.RECREATE in kinds:
        yield "Engines that are recreated are gone from the platform: applications fail until the new ones are ready."
    if Kind.UPDATE in kinds:
        yield "Engines that are updated in place keep their IDs."
    if Kind.RETIRE in kinds:
        yield "Engines that are retired stay on the platform."
    if Kind.DELETE in kinds:
        yield "Engines whose files are removed are deleted on the platform; this cannot be undone."
    yield from _held_back(plan)
    origins = origin_sentence(plan)
    if origins:
        yield origins


def _held_back(plan: Plan) -> Iterator[str]:
    held = Counter(
        "held back by a guard" if action.guard is not None else str(action.condition)
        for action in plan.actions
        if action.guard is not None or action.condition is not None
    )
    if held:
        whole = held.total()
        named = ", ".join(f"{count:,} {name}" for name, count in sorted(held.items(), reverse=True))
        named = named if len(held) > 1 else next(iter(held))
        yield f"{counted(whole, 'engine')} {'is' if whole == 1 else 'are'} skipped: {named}."


def facts(action: Action, code: Code) -> str:
    """What one line can say of an engine, besides its name; empty when there is nothing."""
    if action.guard is not None:
        return action.kind.value
    if action.condition is not None:
        drift = f": {', '.join(_changed(action.drift, code))}" if action.drift else ""
        return f"{action.condition.value}{drift}"
    match action.kind:
        case Kind.RESUME:
            return f"job {code(action.job_id)}" if action.job_id else ""
        case Kind.MOVE:
            return f"from {code(action.from_key)}" if action.from_key else ""
        case Kind.RECREATE:
            return f"drift, engine {code(action.engine_id)} is gone" if action.engine_id else "drift"
        case Kind.RESTORE | Kind.DISCARD | Kind.RETIRE | Kind.DELETE:
            return f"engine {code(action.engine_id)}" if action.engine_id else ""
    if action.changes:
        return ", ".join(_changed(action.changes, code))
    return ", ".join(_asked_for(action.spec, code)) if action.spec is not None else ""


def _changed(changes: tuple[Change, ...], code: Code) -> Iterator[str]:
    fields = {change.field for change in changes}
    yield from (name for name in ("name", "description") if name in fields)
    locales = [change for change in changes if change.field == "locales"]
    if locales:
        signed = [f"+{one.new}" if one.new is not None else f"-{one.old}" for one in locales]
        yield f"locales {_tags(signed, code)}"
    sources = [change for change in changes if change.field == "sources"]
    texts = sum(change.content for change in sources)
    if len(sources) > texts:
        yield counted(len(sources) - texts, "link")
    if texts:
        yield counted(texts, "text")


def _asked_for(spec: Spec, code: Code) -> Iterator[str]:
    yield code(spec.name)
    if spec.locales:
        yield _tags(list(spec.locales), code)
    if spec.sources:
        yield counted(len(spec.sources), "source")


def _tags(tags: list[str], code: Code) -> str:
    more = len(tags) - _TAGS
    return code(" ".join(tags[:_TAGS])) + (f" and {more:,} more" if more > 0 else "")
