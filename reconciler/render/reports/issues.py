"""A plan as a list of findings with a rule, a level and a place: what code-quality reports are made of.

The rules' names are part of the interface: people filter by them, so they are never renamed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from reconciler.core.errors import Diagnostic, Severity
from reconciler.core.plan.model import Action, Condition, Kind, Plan
from reconciler.render.phrases.sanitize import sanitize, shorten
from reconciler.render.phrases.words import what_happens

_LONGEST = 2_000  # characters of a message
LineOf = Callable[[Action], int | None]

RULES: dict[str, str] = {
    "invalid-file": "An engine file cannot be used; nothing is planned until it is mended.",
    "uncertain": "Nobody knows what became of a create call; a person settles it.",
    "held-back": "A guard holds this back until it is allowed.",
    "failed": "The last try to make this engine failed.",
    "file-warning": "An engine file can be used, but somebody should look at it.",
    "replace": "A new engine will be made, and used once it has completed.",
    "retire": "The engine will no longer be used.",
    "create": "A new engine will be made.",
    "resume": "A job that is already running will be waited for.",
    "restore": "An earlier engine will be used again.",
    "discard": "A replacement that is under way will be dropped.",
    "move": "The engine will have another key.",
    "record": "Only what the lockfile keeps of the file will change.",
}
_RANK = {rule: rank for rank, rule in enumerate(RULES)}


class Issue(NamedTuple):
    """`level` is error, warning or notice. `line` and `col` count from 1; `file` from the repository's root.

    `fingerprint` is the same as long as the finding is, also when lines move.
    """

    rule: str
    level: str
    message: str
    file: str
    line: int
    col: int | None
    fingerprint: str


def issues_of(plan: Plan, *, prefix: str, line_of: LineOf) -> list[Issue]:
    """All findings, the most important first. What is in no file is reported at the lockfile.

    `prefix` leads from the repository's root to the project's.
    """
    found = [*_of_diagnostics(plan), *_of_actions(plan, line_of)]
    found.sort(key=lambda one: _RANK[one.rule])
    seen: Counter[str] = Counter()
    issues = []
    for one in found:
        file = f"{prefix.rstrip('/')}/{one.file}" if prefix else one.file
        identity = _digest(plan.environment, one.rule, file, one.message)
        seen[identity] += 1
        number = seen[identity]
        fingerprint = identity if number == 1 else _digest(identity, str(number))
        issues.append(one._replace(file=file, fingerprint=fingerprint))
    return issues


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _of_diagnostics(plan: Plan) -> Iterator[Issue]:
    for one in plan.diagnostics:
        rule = "invalid-file" if one.severity is Severity.ERROR else "file-warning"
        yield Issue(rule, one.severity, _said(one), one.file or plan.lockfile, one.line or 1, one.col, "")


def _said(one: Diagnostic) -> str:
    return _joined(one.message, one.hint)


def _of_actions(plan: Plan, line_of: LineOf) -> Iterator[Issue]:
    for action in plan.actions:
        rule, level = _rule_of(action)
        if rule is None:
            continue
        about = what_happens(action)
        reason = (
            f"{action.key}: {about}"
            if action.guard is not None
            else f"{action.key}: {about} ({action.reason})"
        )
        line = None if action.file is None else line_of(action)
        message = _joined(reason, action.hint)
        yield Issue(rule, level, message, action.file or plan.lockfile, line or 1, None, "")


def _rule_of(action: Action) -> tuple[str | None, str]:
    if action.condition is not None:
        return ("uncertain" if action.condition is Condition.UNCERTAIN else "failed"), "warning"
    if action.guard is not None:
        return "held-back", "warning"
    return (None if action.kind is Kind.NONE else action.kind.value), "notice"


def _joined(message: str, hint: str | None) -> str:
    text = message if hint is None else f"{message}. Hint: {hint}"
    return sanitize(shorten(" ".join(text.split("\n")), _LONGEST))
