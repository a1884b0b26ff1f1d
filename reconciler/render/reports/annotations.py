"""The plan for a GitHub Actions log: annotations at the files they are about, then the text view.

The runner reads commands from a step's output, so foreign text in it must never become one. Annotations are
escaped as the runner unescapes them (`escapeData` and `escapeProperty` of actions/toolkit), and the plan
stands between `::stop-commands::<token>` and `::<token>::`. The token is a hash of the very text it guards,
so no text can contain its own token.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reconciler.core.errors import Diagnostic, Severity
from reconciler.core.plan.attribution import by_origin
from reconciler.core.plan.model import Action, Condition, Kind, Plan
from reconciler.render.phrases.origins import origin_words
from reconciler.render.phrases.sanitize import sanitize, sanitize_lines, shorten
from reconciler.render.phrases.words import counted, what_happens
from reconciler.render.reports.issues import PlaceOf
from reconciler.render.text.plan import render_plan

# GitHub shows ten annotations of each level for one step. One notice is left for what the command has to say itself.
_MOST = {"error": 10, "warning": 10, "notice": 9}
_LONGEST = 2_000  # characters of one message; GitHub cuts at 4 KB
_HELD = "held back"


class _Note(NamedTuple):
    """An annotation to be; `action` is whose line is looked for, should it be shown."""

    level: str
    message: str
    title: str = "reconcile"
    file: str | None = None
    line: int | None = None
    col: int | None = None
    action: Action | None = None


def _no_line(action: Action) -> tuple[str, int] | None:
    return None


def render_plan_github(
    plan: Plan,
    *,
    prefix: str = "",
    width: int = 100,
    max_lines: int = 40,
    place_of: PlaceOf = _no_line,
    rest: str = "the log",
) -> str:
    """Annotations, errors first, and the guarded plan. No final newline."""
    lines = render_annotations(plan, prefix=prefix, place_of=place_of, rest=rest)
    text = render_plan(plan, width=width, max_lines=max_lines)
    return "\n".join([*lines, guarded(text, plan.digest)])


def render_annotations(
    plan: Plan,
    *,
    prefix: str = "",
    place_of: PlaceOf = _no_line,
    rest: str = "the log",
) -> list[str]:
    """As many of each level as GitHub shows, the most important first; the last one counts those it would hide.

    `prefix` leads from the repository's root to the project's (`apps/web`): GitHub counts from the former. `place_of`
    is asked where in its file an engine changes, for those that are shown only. `rest` is where all of them are.
    """
    return render_all_annotations([Part(plan, prefix, place_of)], rest=rest)


class Part(NamedTuple):
    """One plan of several, with what `render_annotations` takes for it."""

    plan: Plan
    prefix: str = ""
    place_of: PlaceOf = _no_line


def render_all_annotations(parts: Sequence[Part], *, rest: str = "the log") -> list[str]:
    """The same for several plans in one step: what is important comes first, whichever plan it is in."""
    kinds = (_diagnostics, _conditions, _changes)
    notes = [(note, part) for notes_of in kinds for part in parts for note in notes_of(part.plan)]
    lines: list[str] = []
    for level in Severity:
        these = [one for one in notes if one[0].level == level]
        most = _MOST[level]
        shown = these if len(these) <= most else these[: most - 1]
        lines += [_written(note, part.prefix, part.place_of) for note, part in shown]
        if len(shown) < len(these):
            lines.append(_count(level, [note for note, _ in these[len(shown) :]], rest))
    return lines


def _count(level: str, hidden: list[_Note], rest: str) -> str:
    if level == "notice" and all(note.action is not None for note in hidden):
        return command(
            level, f"{counted(len(hidden), 'more engine')} will change: see {rest}", title="reconcile"
        )
    return command(level, f"{counted(len(hidden), f'more {level}')}: see {rest}", title="reconcile")


def _written(note: _Note, prefix: str, place_of: PlaceOf) -> str:
    file, line = note.file, note.line
    if note.action is not None and file is not None:
        file, line = place_of(note.action) or (file, None)
    file = _path(file, prefix)
    return command(note.level, note.message, file=file, line=line, col=note.col, title=note.title)


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
    text = "\n".join(sanitize_lines(shorten(message, _LONGEST)))
    return f"::{level} {known}::{_data(text)}" if known else f"::{level}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(sanitize(text)).replace(":", "%3A").replace(",", "%2C")


def _diagnostics(plan: Plan) -> Iterator[_Note]:
    """Errors only: warnings about files come after the engines that wait for a person."""
    found = (*plan.diagnostics, *_of_sources(plan))
    return (_diagnostic(one) for one in found if one.severity == "error")


def _of_sources(plan: Plan) -> Iterator[Diagnostic]:
    if not plan.sources:
        return iter(())
    from reconciler.render.phrases.sources import source_findings  # only with --check-sources

    return source_findings(plan.sources)


def _diagnostic(one: Diagnostic) -> _Note:
    message = one.message if one.hint is None else f"{one.message}\nhint: {one.hint}"
    title = f"reconcile: {one.key}" if one.key else "reconcile"
    return _Note(one.severity, message, title, one.file, one.line, one.col)


def _conditions(plan: Plan) -> Iterator[_Note]:
    """Engines that are left alone; uncertain ones first, since only a person settles them, then what is held back."""
    for what in (Condition.UNCERTAIN, _HELD, Condition.FAILED, Condition.DRIFTED):
        for action in plan.actions:
            if (_HELD if action.guard is not None else action.condition) is what:
                reason = what_happens(action) if what is _HELD else action.reason
                message = reason if action.hint is None else f"{reason}\nhint: {action.hint}"
                yield _about(action, "warning", str(what), message)
    found = (*plan.diagnostics, *_of_sources(plan))
    yield from (_diagnostic(one) for one in found if one.severity == "warning")


def _changes(plan: Plan) -> Iterator[_Note]:
    """What is planned, the most costly first."""
    kinds = (Kind.RECREATE, Kind.DELETE, Kind.REPLACE, Kind.RETIRE, Kind.CREATE, Kind.UPDATE)
    order = {kind: index for index, kind in enumerate(kinds)}
    planned = [action for action in plan.actions if action.kind is not Kind.NONE and action.guard is None]
    for action in by_origin(sorted(planned, key=lambda action: order.get(action.kind, len(order)))):
        message = f"{what_happens(action)}\nreason: {action.reason}"
        if action.origin is not None:
            message += f"\nfrom: {origin_words(action)}"
        yield _about(action, "notice", action.kind.value, message)
    found = (*plan.diagnostics, *_of_sources(plan))
    yield from (_diagnostic(one) for one in found if one.severity == "notice")


def _about(action: Action, level: str, what: str, message: str) -> _Note:
    title = f"reconcile: {what} {action.key}"
    return _Note(level, f"{action.key}: {message}", title, action.file, action=action)


def _path(file: str | None, prefix: str) -> str | None:
    return file if file is None or not prefix else f"{prefix.rstrip('/')}/{file}"
