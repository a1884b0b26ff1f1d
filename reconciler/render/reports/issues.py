"""A plan as a list of findings with a rule, a level and a place: what code-quality reports are made of.

The rules' names are part of the interface: people filter by them, so they are never renamed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from reconciler.core.errors import Diagnostic, Severity
from reconciler.core.plan.model import Action, Kind, Plan
from reconciler.render.phrases.sanitize import sanitize, shorten
from reconciler.render.phrases.words import what_happens

_LONGEST = 2_000  # characters of a message
PlaceOf = Callable[[Action], tuple[str, int] | None]  # file and line


class Rule(NamedTuple):
    """`short` is one sentence, `full` says when it is found, `help` what to do."""

    short: str
    full: str
    help: str


_SEE = "The plan shows the details."
RULES: dict[str, Rule] = {
    "invalid-file": Rule(
        "An engine file is invalid; nothing is planned until it is fixed.",
        "An engine file, a file that it names, the settings or the lockfile cannot be read, or "
        "contains something that is not allowed.",
        "Fix the file at the given place. The command `validate` checks all files without an API key or network.",
    ),
    "uncertain": Rule(
        "The outcome of a create call is unknown; you have to resolve it.",
        "A create call got no answer, so the engine may or may not exist. Nothing is created for "
        "it until that is resolved.",
        "Look for the engine on the platform, then run the command given in the finding.",
    ),
    "held-back": Rule(
        "A guard holds this back until it is allowed.",
        "The engine is protected, one run would change too many engines, or the checkout is behind the branch.",
        "Check what would change. If it is intended, allow it by name as the finding says, or raise the "
        "limit in `reconcile.yaml`.",
    ),
    "failed": Rule(
        "The last attempt to create this engine failed.",
        "The platform refused the engine, or its provisioning job failed. An engine that was serving still serves.",
        "Edit the engine file, or try again with `--retry-failed`.",
    ),
    "drifted": Rule(
        "The engine was changed on the platform.",
        "Its name, description or locales on the platform are not those in the lockfile.",
        "Bring the change into the engine file, or overwrite it with `--fix-drift`.",
    ),
    "dead-source": Rule(
        "A page that the engine learned from is gone.",
        "The far end answers 404 or 410 for a link of the engine, so another engine could not learn from it.",
        "Replace the link or remove it.",
    ),
    "stale-source": Rule(
        "A page that the engine learned from has changed, has moved, or was read long ago.",
        "The main text of a link is another one than when the engine was provisioned, its address has changed for "
        "good, or the engine is older than `max_source_age`.",
        "Read what changed. Replace the engine, or have it replaced with `refresh_sources: reprovision`.",
    ),
    "unknown-source": Rule(
        "Whether a page has changed is unknown.",
        "It could not be read, or nothing is recorded of it.",
        "See the reason in the finding. `track_sources: true` records pages of engines that are created from then on.",
    ),
    "file-warning": Rule(
        "A file is valid, but should be reviewed.",
        "A name that is probably misspelled, a changed setting that matters, a lockfile that was "
        "edited by hand, and the like.",
        "Do what the finding says, or ignore it if it is intended.",
    ),
    "replace": Rule(
        "A new engine will be created, and used once it is ready.",
        "The engine file has changed. The current engine keeps serving until the new one is ready.",
        f"No action needed: merging applies it. {_SEE}",
    ),
    "recreate": Rule(
        "The engine is gone from the platform; a new one will be created.",
        "The platform no longer has the engine that the lockfile names (drift). Applications that use it fail until "
        "the new engine is ready.",
        f"Find out who deleted it. Applying the plan creates it again. {_SEE}",
    ),
    "update": Rule(
        "The engine's name, description or locales will be changed in place.",
        "Only these have changed in the engine file, and the settings say `metadata_changes: in_place`. The engine "
        "keeps its ID, and no job is created.",
        f"No action needed: merging applies it. {_SEE}",
    ),
    "retire": Rule(
        "The engine will no longer be used.",
        "Its file was removed. The lockfile keeps its IDs under `retired`, and nothing is deleted on the platform.",
        "No action needed if that is intended. Otherwise restore the file.",
    ),
    "delete": Rule(
        "The engine will be deleted on the platform.",
        "Its file was removed, and `on_removed` is `delete`. The engine is deleted with everything it holds as soon as "
        "the lockfile is published without it. This cannot be undone.",
        "No action needed if that is intended. Otherwise restore the file, or set `on_removed: retire`.",
    ),
    "create": Rule(
        "A new engine will be created.",
        "An engine file has no entry in the lockfile yet. A provisioning job will be created, "
        "which the platform bills.",
        f"No action needed: merging applies it. {_SEE}",
    ),
    "resume": Rule(
        "The run will wait for a job that is already running.",
        "An earlier run left a provisioning job running. Nothing is created a second time.",
        f"No action needed: the next apply waits for it. {_SEE}",
    ),
    "restore": Rule(
        "An earlier engine will be used again.",
        "An engine already exists for this exact configuration. No job is created.",
        f"No action needed: merging applies it. {_SEE}",
    ),
    "discard": Rule(
        "A replacement in progress will be discarded.",
        "The engine file matches the serving engine again, so the pending replacement is not needed.",
        f"No action needed: merging applies it. {_SEE}",
    ),
    "move": Rule(
        "The engine will have another key.",
        "Its file was renamed without other changes. The engine stays.",
        "Update applications that read the engine ID by its key.",
    ),
    "record": Rule(
        "Only the options recorded in the lockfile will change.",
        "Protection or outputs of the engine changed. The engine stays.",
        f"No action needed: merging applies it. {_SEE}",
    ),
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


def issues_of(plan: Plan, *, prefix: str, place_of: PlaceOf) -> list[Issue]:
    """All findings, the most important first. What is in no file is reported at the lockfile.

    `prefix` leads from the repository's root to the project's.
    """
    found = [*_of_diagnostics(plan), *_of_sources(plan), *_of_actions(plan, place_of)]
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


_OF_SOURCES = {
    Severity.ERROR: "dead-source",
    Severity.WARNING: "stale-source",
    Severity.NOTICE: "unknown-source",
}


def _of_sources(plan: Plan) -> Iterator[Issue]:
    if not plan.sources:
        return
    from reconciler.render.phrases.sources import source_findings  # only with --check-sources

    for one in source_findings(plan.sources):
        rule, file = _OF_SOURCES[one.severity], one.file or plan.lockfile
        yield Issue(rule, one.severity, _said(one), file, one.line or 1, one.col, "")


def _said(one: Diagnostic) -> str:
    return _joined(one.message, one.hint)


def _of_actions(plan: Plan, place_of: PlaceOf) -> Iterator[Issue]:
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
        place = None if action.file is None else place_of(action)
        file, line = place or (action.file or plan.lockfile, 1)
        message = _joined(reason, action.hint)
        yield Issue(rule, level, message, file, line, None, "")


def _rule_of(action: Action) -> tuple[str | None, str]:
    if action.condition is not None:
        return action.condition.value, "warning"
    if action.guard is not None:
        return "held-back", "warning"
    if action.kind is Kind.RECREATE:
        return action.kind.value, "warning"
    return (None if action.kind is Kind.NONE else action.kind.value), "notice"


def _joined(message: str, hint: str | None) -> str:
    text = message if hint is None else f"{message}. Hint: {hint}"
    return sanitize(shorten(" ".join(text.split("\n")), _LONGEST))
