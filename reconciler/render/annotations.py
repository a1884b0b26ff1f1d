"""The plan for a GitHub Actions log: annotations at the files they are about, then the text view.

The runner reads commands from a step's output, so foreign text in it must never become one. Annotations are
escaped as the runner unescapes them (`escapeData` and `escapeProperty` of actions/toolkit), and the plan
stands between `::stop-commands::<token>` and `::<token>::`. The token is a hash of the very text it guards,
so no text can contain its own token.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from reconciler.core.errors import Diagnostic
from reconciler.core.plan import Action, Condition, Kind, Plan
from reconciler.render.printable import printable, printable_lines, shorten
from reconciler.render.text import render_plan
from reconciler.render.words import counted, what_happens

_NOTICES = 10  # GitHub shows ten of each level per step
_LONGEST = 2_000  # characters of one message; GitHub cuts at 4 KB
_SEVERITIES = ("error", "warning", "notice")


def render_plan_github(plan: Plan, *, prefix: str = "", width: int = 100, max_lines: int = 40) -> str:
    """Annotations, errors first, and the guarded plan. No final newline.

    `prefix` leads from the repository's root to the project's (`apps/web`): GitHub counts from the former.
    """
    lines = [*_diagnostics(plan, prefix), *_conditions(plan, prefix), *_changes(plan, prefix)]
    text = render_plan(plan, width=width, max_lines=max_lines)
    return "\n".join([*lines, guarded(text, plan.digest)])


def guarded(text: str, salt: str) -> str:
    """`text` between commands that keep the runner from reading commands in it."""
    token = "reconcile-" + hashlib.sha256(f"{salt}\n{text}".encode()).hexdigest()
    return f"::stop-commands::{token}\n{text}\n::{token}::"


def command(
    level: str,
    message: str,
    *,
    file: str | None = None,
    line: int | None = None,
    col: int | None = None,
    title: str | None = None,
) -> str:
    """One workflow command on one line, encoded as the runner decodes it."""
    values = {"file": file, "line": line, "col": col, "title": title}
    known = ",".join(f"{name}={_property(str(value))}" for name, value in values.items() if value is not None)
    text = "\n".join(printable_lines(shorten(message, _LONGEST)))
    return f"::{level} {known}::{_data(text)}" if known else f"::{level}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")


def _diagnostics(plan: Plan, prefix: str) -> Iterator[str]:
    rank = {severity: index for index, severity in enumerate(_SEVERITIES)}
    for one in sorted(plan.diagnostics, key=lambda one: rank.get(one.severity, 0)):
        yield _diagnostic(one, prefix)


def _diagnostic(one: Diagnostic, prefix: str) -> str:
    level = one.severity if one.severity in _SEVERITIES else "error"
    message = one.message if one.hint is None else f"{one.message}\nhint: {one.hint}"
    title = f"reconcile: {one.key}" if one.key else "reconcile"
    return command(level, message, file=_path(one.file, prefix), line=one.line, col=one.col, title=title)


def _conditions(plan: Plan, prefix: str) -> Iterator[str]:
    """Engines that are left alone; uncertain ones first, since only a person settles them."""
    for condition in (Condition.UNCERTAIN, Condition.FAILED):
        for action in plan.actions:
            if action.condition is condition:
                message = action.reason if action.hint is None else f"{action.reason}\nhint: {action.hint}"
                yield _about(action, "warning", condition.value, message, prefix)


def _changes(plan: Plan, prefix: str) -> Iterator[str]:
    """What is planned, the most costly first; the last notice counts those that GitHub would hide."""
    order = {kind: index for index, kind in enumerate((Kind.REPLACE, Kind.RETIRE, Kind.CREATE))}
    planned = [action for action in plan.actions if action.kind is not Kind.NONE]
    planned.sort(key=lambda action: order.get(action.kind, len(order)))
    shown = planned if len(planned) <= _NOTICES else planned[: _NOTICES - 1]
    for action in shown:
        yield _about(
            action, "notice", action.kind.value, f"{what_happens(action)}\nwhy: {action.reason}", prefix
        )
    more = len(planned) - len(shown)
    if more:
        yield command("notice", f"{counted(more, 'more engine')} will change: see the log", title="reconcile")


def _about(action: Action, level: str, what: str, message: str, prefix: str) -> str:
    title = f"reconcile: {what} {action.key}"
    return command(level, f"{action.key}: {message}", file=_path(action.file, prefix), title=title)


def _path(file: str | None, prefix: str) -> str | None:
    return file if file is None or not prefix else f"{prefix.rstrip('/')}/{file}"
