"""The issue about sources: which pages changed or are gone since engines learned from them, and what to do about it.

What a page says is escaped as in comments: it cannot mention people, link issues, or be HTML. Nothing in it changes
from one run to the next while the pages are the same, so an issue that says it already is not touched.
"""

from __future__ import annotations

from reconciler.core.commands import only, reconcile
from reconciler.core.plan.model import Plan
from reconciler.core.sources.news import EngineNews, State
from reconciler.render.markdown.comment import COMMENT_BYTES, Occasion, marker
from reconciler.render.markdown.escape import code_span, prose, size
from reconciler.render.phrases.sanitize import sanitize, shorten
from reconciler.render.phrases.sources import sources_list
from reconciler.render.phrases.words import counted

_RESERVE = 800  # bytes for what follows the list


def pressing(plan: Plan) -> list[EngineNews]:
    """The engines that are stale, or of which a page is dead."""
    return [one for one in plan.sources if one.needs_attention]


def all_fresh(plan: Plan) -> bool:
    """Whether that is known of every page."""
    return all(one.state is State.FRESH for one in plan.sources)


def issue_title(plan: Plan) -> str:
    """One line."""
    return shorten(sanitize(f"Localization engines: stale sources in {plan.environment}"), 200)


def issue_marker(plan: Plan, occasion: Occasion) -> str:
    """What the issue is known by: one for each environment and folder."""
    return marker("sources", plan.environment, occasion.folder)


def render_sources_issue(plan: Plan, occasion: Occasion, *, limit: int = COMMENT_BYTES) -> str:
    """The issue's text, its marker on the first line, in at most `limit` UTF-8 bytes (8,000 or more)."""
    told = pressing(plan)
    where = "" if occasion.folder == "." else f" in {code_span(occasion.folder, 200)}"
    verb = "has" if len(told) == 1 else "have"
    heading = (
        f"**{counted(len(told), 'engine')}{where} {verb} sources that changed or are gone** "
        f"(environment {code_span(plan.environment, 100)})."
    )
    head = [issue_marker(plan, occasion), heading]
    foot = [
        _what_to_do(told),
        prose("This issue is kept up to date by each run, and closed when all are fresh."),
    ]
    room = limit - sum(size(part) + 2 for part in (*head, *foot)) - _RESERVE
    return "\n\n".join([*head, *sources_list(told, code_span, prose, room), *foot])


def _what_to_do(told: list[EngineNews]) -> str:
    said = []
    if any(one.state is State.DEAD for one in told):
        said.append("- Pages that are gone: replace or remove the link in the engine file.")
    if any(one.stale or one.old for one in told):
        one = [only(told[0].key)] if len(told) == 1 else []
        apply = reconcile("apply", "--check-sources", *one)
        said.append(
            "- Pages that changed: read what changed. With `refresh_sources: reprovision` in the engine file, "
            f"{code_span(apply)} creates an engine that learns from them."
        )
    return "\n".join(said)


def render_all_is_fresh(plan: Plan, occasion: Occasion) -> str:
    """The last text of an issue that is closed."""
    return f"{issue_marker(plan, occasion)}\n\nAll is well: every page is as engines learned from it."
