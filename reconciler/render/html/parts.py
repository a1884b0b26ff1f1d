"""What every report has besides its engines: facts under the heading, the bar and its filters, findings, history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.core.errors import Diagnostic, Severity
from reconciler.core.frozen import dataclass, field
from reconciler.render.html.page import render_page
from reconciler.render.html.texts import hint_lines, line, sentence, step_pieces
from reconciler.render.markdown.comment import Occasion, may_be_linked
from reconciler.render.phrases.diagnostics import tally
from reconciler.render.phrases.sanitize import sanitize
from reconciler.render.phrases.style import Style
from reconciler.render.phrases.words import counted, counted_as
from reconciler.render.text.history import HistoryRow, actions_of, author_of, moment_of

History = Mapping[str, Sequence[HistoryRow]]

_WITHOUT_SCRIPT = 500  # engines that are named where no script runs
_EXCERPT = 300  # characters of a line that a finding is about
_BAR = 1_000  # units of its width
_LEAST = 12  # of the smallest part, so that it can be seen
_TONES: dict[Severity, Style] = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTICE: "cyan"}
_UNCHANGED_GROUP = counted_as("unchanged").capitalize()
_UNCHANGED = sentence(counted_as("unchanged"))
_HISTORY_HEAD = ("When (UTC)", "Action", "Engine", "Took", "By")


@dataclass(frozen=True, slots=True)
class State:
    """What some engines have in common: how many they are in words, and how each is shown."""

    id: str
    number: int
    words: str  # behind the number
    label: str  # beside one engine
    sign: str
    tone: Style


@dataclass(frozen=True, slots=True)
class Report:
    """One report before it becomes a file. `engines` are as the script reads them; `plain` are those of which there is
    nothing to say but the key, they are unchanged.
    """

    title: str
    heading: str
    facts: Sequence[Mapping[str, str]]
    sentence: str
    sentences: Sequence[str] = ()
    states: Sequence[State] = ()
    engines: Sequence[Mapping[str, Any]] = ()
    plain: Sequence[str] = ()
    origins: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    findings: Sequence[Diagnostic] = ()
    notices: Sequence[Sequence[str]] = ()
    blocks: Sequence[Mapping[str, Any]] = ()
    steps: Sequence[str] = ()

    def render(self) -> str:
        """The file. Raises `UsageError` where the template library is missing."""
        page = {
            "title": self.title,
            "heading": self.heading,
            "facts": self.facts,
            "sentence": self.sentence,
            "sentences": [one for one in self.sentences if one],
            "tiles": _tiles(self.states),
            "bar_label": ", ".join(f"{one.number:,} {one.words}" for one in self.states),
            "origins": [
                {"id": name, "words": words, "number": f"{number:,}"}
                for name, (words, number) in self.origins.items()
            ],
            "findings": [_finding(one) for one in self.findings],
            "findings_tally": tally(self.findings) if self.findings else "",
            "notices": self.notices,
            "blocks": self.blocks,
            "steps": [step_pieces(step) for step in self.steps],
            **self._without_script(),
        }
        return render_page(page, self._data())

    def _data(self) -> dict[str, Any]:
        return {
            "states": {
                one.id: {"label": one.label, "sign": one.sign, "tone": one.tone} for one in self.states
            },
            "origins": {name: words for name, (words, _) in self.origins.items()},
            "historyHead": _HISTORY_HEAD,
            "engines": self.engines,
            "plain": [sanitize(key) for key in self.plain],
            "plainState": "unchanged",
            "plainHappens": _UNCHANGED,
            "plainGroup": _UNCHANGED_GROUP if any("group" in one for one in self.engines) else "",
        }

    def _without_script(self) -> dict[str, Any]:
        shown = self.engines[:_WITHOUT_SCRIPT]
        more = len(self.engines) - len(shown)
        return {
            "plain_lines": [{"key": one["key"], "words": one.get("happens", "")} for one in shown],
            "plain_more": f"… and {counted(more, 'more engine')}" if more else "",
        }


def facts_of(occasion: Occasion | None, *more: tuple[str, str]) -> list[dict[str, str]]:
    """What a report is about, in order: the commit and the run where they are known, then `more` as label and value."""
    facts = []
    if occasion is not None:
        facts.append(_fact("commit", (occasion.commit or "")[:12], occasion.commit_url))
        if may_be_linked(occasion.run_url):
            facts.append(
                _fact("run", (occasion.run_url or "").rstrip("/").rpartition("/")[2], occasion.run_url)
            )
        facts += [_fact("only", one) for one in occasion.only]
    return [one for one in [*facts, *(_fact(*one) for one in more)] if one["value"]]


def _fact(label: str, value: str, url: str | None = None) -> dict[str, str]:
    return {
        "label": label,
        "value": line(value, 200),
        "url": url if url is not None and may_be_linked(url) else "",
    }


def with_history(
    keys: Iterable[str], history: History, *, grouped: bool = False
) -> tuple[list[dict[str, Any]], list[str]]:
    """Of engines that are unchanged those that have a history, as the script reads them, and the keys of the others."""
    told: list[dict[str, Any]] = []
    plain: list[str] = []
    for key in keys:
        if key in history:
            rows = history_of(history[key])
            told.append({"key": line(key), "state": "unchanged", "happens": _UNCHANGED, "history": rows})
            if grouped:
                told[-1]["group"] = _UNCHANGED_GROUP
        else:
            plain.append(key)
    return told, plain


def history_of(rows: Sequence[HistoryRow]) -> list[list[str]]:
    """One engine's rows, newest first, as the script reads them."""
    actions = actions_of(rows)
    return [
        [moment_of(row), action, sanitize(row.engine_id or "-"), row.took, author_of(row)]
        for row, action in zip(rows, actions, strict=True)
    ]


def _tiles(states: Iterable[State]) -> list[dict[str, str]]:
    """The parts of the bar, each as wide as its share, and none too small to be seen."""
    known = list(states)
    whole = sum(one.number for one in known) or 1
    widths = [max(_LEAST, one.number * _BAR / whole) for one in known]
    scale = _BAR / (sum(widths) or 1)
    tiles, at = [], 0.0
    for one, width in zip(known, widths, strict=True):
        tiles.append(
            {
                "state": one.id,
                "number": f"{one.number:,}",
                "words": one.words,
                "sign": one.sign,
                "tone": one.tone,
                "x": f"{at:.1f}",
                "width": f"{width * scale:.1f}",
            }
        )
        at += width * scale
    return tiles


def _finding(finding: Diagnostic) -> dict[str, Any]:
    return {
        "severity": str(finding.severity),
        "tone": _TONES[finding.severity],
        "place": sanitize(finding.place or (f"engine {finding.key}" if finding.key else "")),
        "message": step_pieces(line(finding.message)),
        "excerpt": "" if finding.excerpt is None else line(finding.excerpt.text, _EXCERPT),
        "hint": hint_lines(finding.hint) if finding.hint else [],
    }
