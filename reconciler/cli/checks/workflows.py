"""Whether the project's GitHub workflows start when a file of an engine changes. Sources may lie anywhere in it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from reconciler.adapters.project.places import find_git
from reconciler.adapters.project.safe_read import FileRefused, SafeFiles
from reconciler.adapters.yaml.reader import read_yaml
from reconciler.core.checkup import Finding, ok, warning
from reconciler.core.engine.spec import Desired
from reconciler.core.errors import InvalidInput
from reconciler.core.path_filters import filters_for, selected
from reconciler.core.patterns import lazy_pattern

_FOLDER = ".github/workflows"
_EVENTS = ("push", "pull_request", "pull_request_target")
_OURS = lazy_pattern(rb"^jobs:.*\breconcile\b", re.MULTILINE | re.DOTALL)
_SHOWN = 3  # files that are named


def check_workflows(root: Path, engines_dir: str, engines: Collection[Desired]) -> list[Finding]:
    """A warning for each event of a workflow that leaves files of engines out; nothing where there is no workflow."""
    found = find_git(root)
    if found is None or not engines:
        return []
    top = found[0]
    inside = root.resolve().relative_to(top).as_posix()
    wanted = sorted({path for one in engines for path in seen_from(top, root, one)})
    folders = [engines_dir if inside == "." else f"{inside}/{engines_dir}"]
    seen = 0
    findings: list[Finding] = []
    for name, document in workflows_of(top):
        seen += 1
        if document is None:
            said = f"{name} cannot be parsed here, so its `paths` are not checked"
            findings.append(warning("workflows", said, _hint(filters_for(wanted, folders))))
            continue
        for event, left_out in _left_out(document, wanted):
            said = f"{name} does not start on `{event}` when {_named(left_out)} changes"
            findings.append(warning("workflows", said, _hint(filters_for(left_out, folders))))
    if seen and not findings:
        return [ok("workflows", "it starts when any engine file changes")]
    return findings


def _hint(filters: list[str]) -> str:
    return f"add to its `paths`: {', '.join(json.dumps(one, ensure_ascii=False) for one in filters)}"


def seen_from(top: Path, root: Path, engine: Desired) -> Iterator[str]:
    """The files of an engine from the top of the repository; of a link also what it leads to, which is what changes."""
    for path in engine.files:
        for real in {root.resolve() / path, (root / path).resolve()}:
            if real.is_relative_to(top):
                yield real.relative_to(top).as_posix()


def workflows_of(top: Path) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Those that speak of reconcile, by path; None for one that cannot be read."""
    if not (top / _FOLDER).is_dir():
        return
    files = SafeFiles(str(top))
    for name in sorted(os.listdir(top / _FOLDER)):
        path = f"{_FOLDER}/{name}"
        if not name.endswith((".yml", ".yaml")):
            continue
        try:
            content = files.read(path)
        except FileRefused:
            continue
        if _OURS.search(content):
            yield path, _document(content, path)


def _document(content: bytes, path: str) -> Mapping[str, Any] | None:
    try:
        value = read_yaml(content, path).value
    except InvalidInput:
        return None
    return value if isinstance(value, dict) else None


def _left_out(workflow: Mapping[str, Any], wanted: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Files whose change does not start the workflow, by event."""
    triggers = workflow.get("on")
    for event in _EVENTS:
        trigger = triggers.get(event) if isinstance(triggers, dict) else None
        if not isinstance(trigger, dict):  # it is not for this event, or starts on everything
            continue
        paths, ignored = _patterns(trigger.get("paths")), _patterns(trigger.get("paths-ignore"))
        left_out = [one for one in wanted if (paths and not selected(one, paths)) or selected(one, ignored)]
        if left_out:
            yield event, left_out


def _patterns(value: object) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [one for one in listed if isinstance(one, str)]


def _named(files: list[str]) -> str:
    more = len(files) - _SHOWN
    return ", ".join(files[:_SHOWN]) + (f" or one of {more:,} more" if more > 0 else "")
