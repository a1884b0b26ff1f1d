"""Findings about files and settings, as compilers print them: place, message, line with a caret, hint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from reconciler.core.errors import Diagnostic, Severity
from reconciler.render.phrases.sanitize import display_width, sanitize, sanitize_lines, shorten
from reconciler.render.phrases.style import Look, Style
from reconciler.render.phrases.words import counted

_LONGEST = 2_000  # characters of a message or an excerpt
_STYLES: dict[Severity, Style] = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTICE: "cyan"}


def render_diagnostics(diagnostics: Iterable[Diagnostic], *, color: bool, ascii_only: bool = False) -> str:
    """All findings in the order given, and a closing count; empty without findings. No final newline."""
    found = tuple(diagnostics)
    if not found:
        return ""
    look = Look(color, ascii_only)
    lines = [line for diagnostic in found for line in diagnostic_lines(diagnostic, look)]
    return look.written("\n".join([*lines, "", look.paint(tally(found), "bold")]))


def diagnostic_lines(diagnostic: Diagnostic, look: Look) -> list[str]:
    """One finding, without the count."""
    severity = look.paint(f"{diagnostic.severity}:", _STYLES[diagnostic.severity])
    place = sanitize(diagnostic.place or (f"engine {diagnostic.key}" if diagnostic.key else ""))
    message, *more = sanitize_lines(shorten(diagnostic.message, _LONGEST, look.ellipsis))
    start = f"{look.paint(place + ':', 'bold')} " if place else ""
    lines = [f"{start}{severity} {message}", *(f"    {line}" for line in more)]
    if diagnostic.excerpt is not None:
        lines += _excerpt(diagnostic, diagnostic.excerpt, look)
    if diagnostic.hint:
        hint, *more = sanitize_lines(diagnostic.hint)
        lines += [f"    {look.paint('hint:', 'cyan')} {hint}", *(f"    {line}" for line in more)]
    return lines


def tally(diagnostics: Iterable[Diagnostic]) -> str:
    """`3 errors, 1 warning in 2 files.`"""
    found = tuple(diagnostics)
    severities = Counter(diagnostic.severity for diagnostic in found)
    numbers = [counted(severities[name], name) for name in _STYLES if severities[name]]
    files = len({diagnostic.file for diagnostic in found if diagnostic.file is not None})
    return ", ".join(numbers) + (f" in {counted(files, 'file')}." if files else ".")


def _excerpt(diagnostic: Diagnostic, excerpt: str, look: Look) -> list[str]:
    gutter = str(diagnostic.line) if diagnostic.line is not None else ""
    text = shorten(excerpt, _LONGEST, look.ellipsis)
    lines = [f"    {look.paint(f'{gutter} |', 'dim')} {sanitize(text)}"]
    whole = not excerpt.startswith("…")  # of one that begins later the column is not known
    if whole and diagnostic.col is not None and 0 < diagnostic.col <= min(len(excerpt), _LONGEST) + 1:
        before = sanitize(excerpt[: diagnostic.col - 1])
        blank = "".join("\t" if char == "\t" else " " * display_width(char) for char in before)
        lines.append(f"    {' ' * len(gutter)} {look.paint('|', 'dim')} {blank}{look.paint('^', 'red')}")
    return lines
