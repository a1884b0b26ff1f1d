"""What `reconcile doctor` found, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reconciler.core.checkup import Finding, Verdict
from reconciler.core.commands import reconcile
from reconciler.render.phrases.diagnostics import diagnostic_lines, hint_lines
from reconciler.render.phrases.sanitize import sanitize_lines, shorten
from reconciler.render.phrases.style import Look, Style
from reconciler.render.phrases.words import counted

_STYLES: dict[Verdict, Style] = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.PROBLEM: "red"}
_MOST = 10  # findings about files that are shown for one check; `validate` shows all
_LONGEST = 1_000
_VERDICT = 8  # cells
_INDENT = "    "


def render_checkup(
    findings: Sequence[Finding], *, color: bool = False, ascii_only: bool = False, wrap: int | None = None
) -> str:
    """A line for each check, what to do below it, and a closing count. No final newline."""
    look = Look(color, ascii_only, wrap)
    width = max((len(one.check) for one in findings), default=0)
    lines = [line for one in findings for line in _lines(one, width, look)]
    return look.shown("\n".join([*lines, "", look.paint(_tally(findings), "bold")]))


def _lines(finding: Finding, width: int, look: Look) -> list[str]:
    verdict = look.paint(f"{finding.verdict.value:<{_VERDICT}}", _STYLES[finding.verdict])
    room = width + _VERDICT + 3
    indent = " " * (room if look.width is None or room <= look.width // 2 else _VERDICT + 1)
    said, *more = sanitize_lines(shorten(finding.said, _LONGEST, look.ellipsis))
    lines = [f"{verdict} {finding.check:<{width}}  {said}", *(indent + line for line in more)]
    if finding.hint:
        lines += hint_lines(finding.hint, look, len(indent))
    for one in finding.diagnostics[:_MOST]:
        lines += [f"{_INDENT}{line}" for line in diagnostic_lines(one, look.within(len(_INDENT)))]
    left = len(finding.diagnostics) - _MOST
    return [*lines, f"    and {left:,} more: run `{reconcile('validate')}`"] if left > 0 else lines


def _tally(findings: Sequence[Finding]) -> str:
    verdicts = Counter(one.verdict for one in findings)
    bad = [counted(verdicts[one], one.value) for one in (Verdict.PROBLEM, Verdict.WARNING) if verdicts[one]]
    return ", ".join(bad) + "." if bad else "No problems found."
