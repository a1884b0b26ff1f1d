"""A plan as a file for a browser: what will happen in words and numbers, and every engine with all its differences.

It has the words of the other views and more room than they: nothing is left out but the middle of very long texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from reconciler.core.plan.model import Action, Plan
from reconciler.render.html.differences import Differences
from reconciler.render.html.parts import History, Report, State, facts_of, history_of, with_history
from reconciler.render.html.texts import hint_lines, line, lines, sentence
from reconciler.render.markdown.comment import Occasion, group_title, urgency
from reconciler.render.phrases.comment_words import consequences, facts
from reconciler.render.phrases.diagnostics import tally
from reconciler.render.phrases.origins import origin_words
from reconciler.render.phrases.outputs import outputs_blocks
from reconciler.render.phrases.sanitize import sanitize
from reconciler.render.phrases.sources import sources_blocks
from reconciler.render.phrases.style import Look, style_of
from reconciler.render.phrases.words import counted_as, short_digest, summary_sentence, what_happens

_LOOK = Look()
_OPEN = 10  # engines that need attention are shown unfolded, up to this many


def render_plan_html(plan: Plan, occasion: Occasion, *, now: str, history: History | None = None) -> str:
    """The file. `now` is UTC; `history` has what was done with engines, newest first, by key. Raises `UsageError`."""
    where = "" if occasion.folder == "." else f" in {line(occasion.folder, 200)}"
    heading = f"Localization engines{where}: plan for {line(plan.environment, 100)}"
    known = facts_of(
        occasion,
        ("lockfile", plan.lockfile),
        ("plan", short_digest(plan.digest)),
        ("made", f"{now[:16].replace('T', ' ')} UTC"),
    )
    if plan.invalid:
        lead = f"No plan could be made: {tally(plan.diagnostics)}"
        return Report(heading, heading, known, lead, findings=plan.diagnostics).render()
    told = history or {}
    engines = list(_engines(plan, told))
    unchanged, plain = with_history(plan.unchanged, told, grouped=any("group" in one for one in engines))
    return Report(
        title=heading,
        heading=heading,
        facts=known,
        sentence=summary_sentence(plan),
        sentences=list(consequences(plan, line(plan.lockfile, 200), occasion.doing)),
        states=list(states_of(plan)),
        engines=[*engines, *unchanged],
        plain=plain,
        origins=_origins(plan.actions),
        findings=plan.diagnostics,
        blocks=output_blocks(plan),
    ).render()


def state_of(action: Action) -> str:
    """What it counts as in `Plan.summary`."""
    return "guarded" if action.guard is not None else str(action.condition or action.kind)


def _label(action: Action) -> str:
    return str(action.condition or action.kind)


def states_of(plan: Plan) -> Iterable[State]:
    """Those that the plan has engines of, what it changes first."""
    first: dict[str, Action] = {}
    for action in plan.actions:
        first.setdefault(state_of(action), action)
    for name, number in plan.summary().items():
        if name in first:
            shown = first[name]
            label = name if shown.guard is None else counted_as(name)
            yield State(name, number, counted_as(name), label, _LOOK.sign(shown).strip(), style_of(shown))
    if plan.unchanged:
        words = counted_as("unchanged")
        yield State("unchanged", len(plan.unchanged), words, words, "", "plain")


def output_blocks(plan: Plan) -> list[dict[str, Any]]:
    blocks = [block.split("\n") for block in (*outputs_blocks(plan, _LOOK), *sources_blocks(plan, _LOOK))]
    return [{"title": title.rstrip(":"), "lines": [one.strip() for one in rest]} for title, *rest in blocks]


def engine_of(action: Action, differences: Differences) -> dict[str, Any]:
    """What the script shows of one engine, besides its state and history. Keys without a value are left out."""
    about = [
        ("File", action.read_from),
        ("Reason", action.reason),
        ("Engine", action.engine_id),
        ("Job", action.job_id),
        ("Operation", action.operation_id),
    ]
    values: dict[str, Any] = {
        "facts": facts(action, sanitize).removeprefix(_label(action)).removeprefix(": "),
        "happens": "" if action.guard is not None else sentence(what_happens(action)),
        "guard": sentence(what_happens(action)) if action.guard is not None else "",
        "about": [(name, lines(value)) for name, value in about if value],
        "hint": hint_lines(action.hint) if action.hint else [],
        "search": f"{action.spec.name} {' '.join(action.spec.locales)}" if action.spec is not None else "",
        **differences.of(action),
    }
    return {"key": line(action.key)} | {name: value for name, value in values.items() if value}


def _engines(plan: Plan, history: History) -> Iterable[dict[str, Any]]:
    differences = Differences()
    pressing = sum(action.hint is not None for action in plan.actions)
    ordered = sorted(plan.actions, key=urgency)
    grouped = len({group_title(action) for action in ordered}) > 1 or pressing
    for action in ordered:
        engine = engine_of(action, differences)
        engine["state"] = state_of(action)
        if grouped:
            engine["group"] = group_title(action)
        if action.guard is not None:
            engine |= {"label": f"{_label(action)}, held back", "sign": _LOOK.sign(action).strip()}
        if action.origin is not None:
            engine["origin"] = action.origin.value
        if action.hint is not None and pressing <= _OPEN:
            engine["open"] = True
        if action.key in history:
            engine["history"] = history_of(history[action.key])
        yield engine


def _origins(actions: Iterable[Action]) -> dict[str, tuple[str, int]]:
    known = [action for action in actions if action.origin is not None]
    counts = Counter(action.origin for action in known)
    return {
        action.origin.value: (origin_words(action), counts[action.origin])
        for action in known
        if action.origin
    }
