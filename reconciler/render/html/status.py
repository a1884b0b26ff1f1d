"""The engines of a lockfile as a file for a browser: what serves, what is pending, and what was there before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from reconciler.core.lockfile.entry import FAILED, IN_PROGRESS, UNCERTAIN
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.drift import Actual
from reconciler.core.plan.model import Action, Kind
from reconciler.render.html.differences import Differences
from reconciler.render.html.parts import History, Report, State, facts_of, history_of
from reconciler.render.html.texts import hint_lines, line, lines
from reconciler.render.markdown.comment import Occasion
from reconciler.render.phrases.outcome_words import made
from reconciler.render.phrases.status_rows import (
    DRIFTED,
    GONE,
    Row,
    engine_rows,
    retired_rows,
    status_sentence,
)
from reconciler.render.phrases.style import Style

_OPEN = 10  # engines that need attention are shown unfolded, up to this many
_RETIRED = "retired"
_PRESSING = (GONE, UNCERTAIN, FAILED, DRIFTED)
_FIRST = (*_PRESSING, IN_PROGRESS)  # what a reader must not miss
_SIGNS = {GONE: "±", DRIFTED: "≠", UNCERTAIN: "?", FAILED: "!", IN_PROGRESS: "↻"}


def render_status_html(
    lockfile: Lockfile,
    occasion: Occasion,
    *,
    now: str,
    environment: str,
    keys: Callable[[str], bool] | None = None,
    history: History | None = None,
    actual: Actual | None = None,
) -> str:
    """The file, retired engines included; `history` is as for a plan, `actual` is what the platform has. Raises
    `LockfileError`, `UsageError`.
    """
    rows, gone = engine_rows(lockfile, keys, actual), retired_rows(lockfile, keys)
    heading = f"Localization engines: status of {line(environment, 100)}"
    return Report(
        title=heading,
        heading=heading,
        facts=facts_of(occasion, ("read", f"{now[:16].replace('T', ' ')} UTC")),
        sentence=status_sentence(rows, gone, listed=True),
        states=list(_states([*rows, *gone])),
        findings=actual.findings if actual is not None else (),
        engines=list(_engines([*sorted(rows, key=_rank), *gone], now, history or {})),
    ).render()


def _rank(row: Row) -> int:
    return _FIRST.index(_state(row)) if _state(row) in _FIRST else len(_FIRST)


def _state(row: Row) -> str:
    if row.gone or row.drift:
        return GONE if row.gone else DRIFTED
    return _RETIRED if row.retired_at else row.status


def _states(rows: Sequence[Row]) -> Iterable[State]:
    counts: dict[str, int] = {}
    tones: dict[str, Style] = {}
    for row in sorted(rows, key=_rank):
        counts[_state(row)] = counts.get(_state(row), 0) + 1
        tones[_state(row)] = row.style
    for name in sorted(counts, key=lambda one: one == _RETIRED):
        words = name.replace("_", " ")
        yield State(name, counts[name], words, words, _SIGNS.get(name, ""), tones[name])


def _engines(rows: Sequence[Row], now: str, history: History) -> Iterable[dict[str, Any]]:
    pressing = sum(_state(row) in _PRESSING and not row.retired_at for row in rows)
    told: set[str] = set()
    for row in rows:
        engine = _engine(row, now)
        if "hint" in engine and _state(row) in _PRESSING and pressing <= _OPEN:
            engine["open"] = True
        if row.key in history and row.key not in told:
            engine["history"] = history_of(history[row.key])
            told.add(row.key)
        yield engine


def _engine(row: Row, now: str) -> dict[str, Any]:
    current, pending = row.entry.current, row.entry.pressing
    locales = ", ".join(map(str, row.spec.get("locales", ())))
    about: list[tuple[str, str | None]] = [("Name", str(row.spec.get("name") or ""))]
    if current is not None:
        about += [
            ("Engine", current.engine_id),
            ("Job", current.job_id),
            ("Provisioned", current.provisioned_at),
            ("Made", made(current.summary)),
        ]
    if pending is not None:
        about += [
            ("Pending engine", pending.engine_id),
            ("Pending job", pending.job_id),
            ("Operation", pending.operation_id),
            ("Submitted", pending.submitted_at),
            ("Error", pending.error),
        ]
    about += [("Retired", row.retired_at), ("Locales", locales)]
    values: dict[str, Any] = {
        "state": _state(row),
        "label": line(row.words(now)),
        "facts": line(locales, 80),
        "about": [(name, lines(value)) for name, value in about if value],
        "hint": hint_lines(hint) if (hint := row.drift_hint or row.hint) else [],
        **Differences().of(Action(row.key, Kind.NONE, "", drift=row.drift)),
    }
    return {"key": line(row.key)} | {name: value for name, value in values.items() if value}
