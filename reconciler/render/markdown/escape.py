"""Foreign text inside Markdown: it may be shown, but it never becomes markup, a link, a mention or HTML.

Three places, three ways. In a fence, text stands as it is, and the fence is longer than any run of
backticks inside. A code span does the same for a short value. In prose every character with a meaning is
escaped, and `@` and `#` go into code spans, because GitHub looks for mentions and issue numbers after
Markdown has been rendered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reconciler.core.patterns import lazy_pattern
from reconciler.render.phrases.sanitize import sanitize, shorten

_MEANINGFUL = lazy_pattern(r"([\\`*_\[\]<>&~|!$^{}]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
_WAKING = lazy_pattern(
    r"[@#]+|\bGH(?=-\d)", re.IGNORECASE
)  # a mention, an issue number, and the same as GH-1
_BEGINNING = lazy_pattern(r"^(\d{1,9}(?=[.)])|(?=[-+=]))")  # of a list, or a line under a heading
_CODE = lazy_pattern(r"(?<!`)`([^`]+)`(?!`)")


def code_span(text: str, limit: int = 400) -> str:
    """A short value on one line."""
    shown = sanitize(shorten(text, limit))
    if not shown.strip():
        return "(empty)"
    ticks = "`" * (_longest_run(shown) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def prose(text: str, limit: int = 1_000) -> str:
    """Words on one line; what stands in backticks stays code."""
    flat = sanitize(shorten("; ".join(filter(None, text.split("\n"))), limit)).lstrip()
    pieces: list[str] = []
    end = 0
    for match in _CODE.finditer(flat):
        pieces += [_escaped(flat[end : match.start()]), code_span(match[1], limit)]
        end = match.end()
    return _BEGINNING.sub(r"\1\\", "".join([*pieces, _escaped(flat[end:])]))


def html_code(text: str, limit: int = 200) -> str:
    """A short value inside an HTML block, where Markdown is not read."""
    shown = sanitize(shorten(text, limit))
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("@", "&#64;")):
        shown = shown.replace(char, entity)
    return f"<code>{shown}</code>"


def fenced(lines: Sequence[str], *, room: int, info: str = "") -> str:
    """The lines, which are harmless already, in a fence; those beyond `room` UTF-8 bytes are counted."""
    kept: list[str] = []
    used = 0
    for line in lines:
        used += size(line) + 1
        if used > room:
            break
        kept.append(line)
    if len(kept) < len(lines):
        kept.append(f"… {len(lines) - len(kept):,} more lines")
    fence = "`" * max(3, 1 + max((_longest_run(line) for line in kept), default=0))
    return "\n".join([fence + info, *kept, fence])


def size(text: str) -> int:
    """UTF-8 bytes."""
    return len(text.encode())


def _escaped(text: str) -> str:
    return _WAKING.sub(r"`\g<0>`", _MEANINGFUL.sub(r"\\\1", text))


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
