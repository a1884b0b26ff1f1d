"""Findings about files and settings, as compilers print them: place, message, line with a caret, hint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from reconciler.core.display import display_width
from reconciler.core.errors import Diagnostic, Severity
from reconciler.core.excerpt import Excerpt
from reconciler.render.phrases.sanitize import sanitize, sanitize_lines, sanitized_characters, shorten
from reconciler.render.phrases.style import Look, Style
from reconciler.render.phrases.words import counted

_LONGEST = 2_000  # characters of a message
_PAGE = 100  # cells of an excerpt where the width is not known
_INDENT = "    "
_GLUE = "\x00"  # in the place of a blank that no line is broken at; sanitized text has none
_TAB = "    "  # a tab's stops would depend on what stands before the line
_STYLES: dict[Severity, Style] = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTICE: "cyan"}


def render_diagnostics(
    diagnostics: Iterable[Diagnostic], *, color: bool, ascii_only: bool = False, width: int | None = None
) -> str:
    """All findings in the order given, and a closing count; empty without findings. No final newline.

    `width` is a terminal's, as `Look` has it.
    """
    found = tuple(diagnostics)
    if not found:
        return ""
    look = Look(color, ascii_only, width)
    blocks = ["\n".join(diagnostic_lines(one, look)) for one in found]
    return look.written("\n\n".join([*blocks, look.paint(tally(found), "bold")]))


def diagnostic_lines(diagnostic: Diagnostic, look: Look) -> list[str]:
    """One finding, without the count."""
    place = sanitize(diagnostic.place or (f"engine {diagnostic.key}" if diagnostic.key else ""))
    start = f"{place}: {diagnostic.severity}:" if place else f"{diagnostic.severity}:"
    message = shorten(diagnostic.message, _LONGEST, look.ellipsis)
    first, *more = _flowing(start, message, look, 0, len(_INDENT))
    severity = look.paint(f"{diagnostic.severity}:", _STYLES[diagnostic.severity])
    painted = f"{look.paint(place + ':', 'bold')} {severity}" if place else severity
    lines = [painted + first.removeprefix(start), *more]
    if diagnostic.excerpt is not None:
        lines += _excerpt(diagnostic.line, diagnostic.excerpt, look)
    if diagnostic.hint:
        lines += hint_lines(diagnostic.hint, look)
    return lines


def hint_lines(hint: str, look: Look, indent: int = len(_INDENT)) -> list[str]:
    """`hint: …`, what goes on under its beginning."""
    first, *more = _flowing("hint:", hint, look, indent, indent + len("hint: "))
    return [" " * indent + look.paint("hint:", "cyan") + first.removeprefix("hint:"), *more]


def _flowing(start: str, text: str, look: Look, indent: int, hang: int) -> list[str]:
    """`start` and the text, made harmless: the first line to be put at `indent`, the others as they are to stand."""
    first, *rest = sanitize_lines(text)
    lines = look.hanging(f"{start.replace(' ', _GLUE)} {first}".rstrip(), indent, hang)
    for paragraph in rest:
        beginning, *more = look.hanging(paragraph, hang, hang)
        lines += [" " * hang + beginning, *more]
    return [line.replace(_GLUE, " ") for line in lines]


def tally(diagnostics: Iterable[Diagnostic]) -> str:
    """`3 errors, 1 warning in 2 files.`"""
    found = tuple(diagnostics)
    severities = Counter(diagnostic.severity for diagnostic in found)
    numbers = [counted(severities[name], name) for name in _STYLES if severities[name]]
    files = len({diagnostic.file for diagnostic in found if diagnostic.file is not None})
    return ", ".join(numbers) + (f" in {counted(files, 'file')}." if files else ".")


def _excerpt(number: int | None, excerpt: Excerpt, look: Look) -> list[str]:
    gutter = str(number) if number is not None else ""
    edge = f"{_INDENT}{gutter} |"
    line, column = _window(excerpt, (look.width or _PAGE) - len(edge) - 1, look)
    lines = [f"{_INDENT}{look.paint(f'{gutter} |', 'dim')} {line}".rstrip()]
    if column is not None:
        blank = " " * (len(gutter) + 1)
        lines.append(f"{_INDENT}{blank}{look.paint('|', 'dim')} {' ' * column}{look.paint('^', 'red')}")
    return lines


def _window(excerpt: Excerpt, room: int, look: Look) -> tuple[str, int | None]:
    """As much of the line around its caret as `room` cells hold, and the caret's cell."""
    shown = [look.written(_TAB if each == "\t" else each) for each in sanitized_characters(excerpt.text)]
    widths = [display_width(each) for each in shown]
    first, last = 0, len(shown)
    caret = min(excerpt.caret or 0, last)
    if sum(widths) + (caret == last) > room:
        first, last = _around(widths, caret, max(room - 2 * len(look.ellipsis), 1))
    before, after = look.ellipsis if first else "", look.ellipsis if last < len(shown) else ""
    line = before + "".join(shown[first:last]) + after
    if excerpt.caret is None:
        return line, None
    while first < caret < len(widths) and widths[caret] == 0:  # it is drawn over the character before
        caret -= 1
    return line, len(before) + sum(widths[first:caret])


def _around(widths: list[int], caret: int, room: int) -> tuple[int, int]:
    """Where to begin and to end, with a third of the room before the caret if the line goes on as far after it."""
    first = last = caret
    used = 0
    while last < len(widths) and (used + widths[last] <= room - room // 3 or last == caret):
        used += widths[last]
        last += 1
    while first > 0 and used + widths[first - 1] <= room:
        first -= 1
        used += widths[first]
    while last < len(widths) and used + widths[last] <= room:
        used += widths[last]
        last += 1
    while 0 < first < len(widths) and widths[first] == 0:  # not without the character that it is drawn over
        first += 1
    return first, last
