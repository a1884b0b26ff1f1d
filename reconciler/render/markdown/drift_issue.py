"""The issue about drift: which engines the platform no longer has, or has otherwise, and what to do about it.

What comes from the platform is escaped as in comments: it cannot mention people, link issues, or be HTML. Nothing in it
changes from one run to the next while the drift is the same, so an issue that says it already is not touched.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from reconciler.core.commands import reconcile
from reconciler.core.plan.model import Action, Kind, Plan
from reconciler.render.markdown.comment import COMMENT_BYTES, Occasion, marker, urgency
from reconciler.render.markdown.comment_room import fitted
from reconciler.render.markdown.escape import code_span, prose, size
from reconciler.render.phrases.sanitize import sanitize, shorten
from reconciler.render.phrases.words import counted

_RESERVE = 800  # bytes for the closing count and the ends of parts


def drifted(plan: Plan, gone: Collection[str]) -> list[Action]:
    """What the plan says of drift, also where it is held back, failed, or more is done. `gone` are the engines that the
    platform no longer has.
    """
    about = (Kind.REPLACE, Kind.RECREATE, Kind.NONE)  # what these are about serves
    lost = {one.key for one in plan.actions if one.kind in about and one.engine_id in gone}
    return [
        one
        for one in plan.actions
        if one.key in lost or one.drift or (one.instead_of and one.because is None)
    ]


def issue_title(plan: Plan) -> str:
    """One line."""
    return shorten(sanitize(f"Localization engines: drift in {plan.environment}"), 200)


def issue_marker(plan: Plan, occasion: Occasion) -> str:
    """What the issue is known by: one for each environment and folder."""
    return marker("drift", plan.environment, occasion.folder)


def render_drift_issue(
    plan: Plan, occasion: Occasion, gone: Collection[str], *, limit: int = COMMENT_BYTES
) -> str:
    """The issue's text, its marker on the first line, in at most `limit` UTF-8 bytes (8,000 or more)."""
    actions = sorted(drifted(plan, gone), key=urgency)
    head = [issue_marker(plan, occasion), _heading(plan, occasion, actions), *_what_to_do(actions)]
    shown, left = fitted(actions, limit - sum(size(part) + 2 for part in head) - _RESERVE)
    sections = [one.section for one in shown if one.section is not None]
    lines = [one.line for one in shown if one.section is None]
    parts = [*head, *sections, "\n".join(lines)]
    if left:
        parts.append(f"… and {counted(left, 'more engine')}, not shown for lack of space.")
    return "\n\n".join(part for part in parts if part)


def render_all_is_well(plan: Plan, occasion: Occasion) -> str:
    """The last text of an issue that is closed."""
    where = code_span(plan.lockfile, 200)
    return (
        f"{issue_marker(plan, occasion)}\n\nAll is well: every engine on the platform is as {where} has it."
    )


def _heading(plan: Plan, occasion: Occasion, actions: Sequence[Action]) -> str:
    where = "" if occasion.folder == "." else f" in {code_span(occasion.folder, 200)}"
    verb = "is" if len(actions) == 1 else "are"
    return (
        f"**{counted(len(actions), 'engine')}{where} {verb} not as {code_span(plan.lockfile, 200)} has "
        f"{'it' if len(actions) == 1 else 'them'}** (environment {code_span(plan.environment, 100)})."
    )


def _what_to_do(actions: Sequence[Action]) -> list[str]:
    said = []
    if any(not one.drift for one in actions):
        recreate = code_span(reconcile("apply", "--refresh"))
        said.append(f"- Engines that are gone: find out who deleted them. {recreate} creates them again.")
    if any(one.drift for one in actions):
        fix = code_span(reconcile("apply", "--fix-drift"))
        said.append(
            f"- Engines that were changed: bring the change into the engine file. {fix} overwrites it."
        )
    closing = "This issue is kept up to date by each run, and closed when all is well."
    return ["\n".join(said), prose(closing)]
