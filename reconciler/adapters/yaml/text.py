"""From a file's bytes to text that can be parsed, and from a position in it to something a person can find.

Every reader of YAML in this project sees the same text: UTF-8 without its byte order mark, `\\n` line ends, printable.
What is refused here (binary, UTF-16, control characters, too large) never reaches a parser.
"""

from __future__ import annotations

import re

from reconciler.adapters.yaml.unready import conflict_hint, conflict_line, stand_in
from reconciler.core.errors import Diagnostic, InvalidInput
from reconciler.core.excerpt import Excerpt
from reconciler.core.patterns import lazy_pattern
from reconciler.core.user_info import MASK, USER_INFO

MAX_BYTES = 512 << 10  # a hundred times what real files need; the slowest still parse within a second

_EXCERPT = 120
_BOM = "\ufeff"
_PRINTABLE_ASCII = b"\t\n\r" + bytes(range(0x20, 0x7F))
_UNPRINTABLE = lazy_pattern("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def decode(data: bytes, file: str, max_bytes: int = MAX_BYTES) -> str:
    """The text of `data`. Raises InvalidInput, with the place where that is known, when it cannot be YAML."""
    if len(data) > max_bytes:
        message, hint = too_large(max_bytes)
        raise refused(file, Diagnostic(message, file, hint=hint))
    if (what := stand_in(data)) is not None:
        raise refused(file, Diagnostic(f"the file is {what[0]}", file, 1, 1, hint=what[1]))
    if (line := conflict_line(data)) is not None:
        message = "the file has an unresolved merge conflict"
        raise refused(file, Diagnostic(message, file, line, 1, hint=conflict_hint()))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise refused(file, Diagnostic("the file is UTF-16, not UTF-8", file, 1, 1, hint="save it as UTF-8"))
    if b"\0" in data:
        raise refused(
            file, Diagnostic("the file is binary, not text", file, hint="check that it is the right file")
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refused(file, _not_utf8(data, error, file)) from error
    text = _with_our_line_ends(text)
    if data.translate(None, _PRINTABLE_ASCII) and (found := _UNPRINTABLE.search(text)):
        raise refused(file, _control_character(text, found, file))
    return text


def too_large(max_bytes: int) -> tuple[str, str]:
    """Message and hint for a file over the cap."""
    return f"the file is larger than {max_bytes // 1024} KiB", "move long texts to separate files"


def refused(file: str, *diagnostics: Diagnostic) -> InvalidInput:
    """The error for a file that cannot be used, with everything found in it."""
    return InvalidInput(f"{file} cannot be read", diagnostics=diagnostics)


def _with_our_line_ends(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.removeprefix(_BOM)


def _not_utf8(data: bytes, error: UnicodeDecodeError, file: str) -> Diagnostic:
    before = _with_our_line_ends(data[: error.start].decode())
    line, col = place_of(before, len(before))
    shown = excerpt(_with_our_line_ends(data.decode("utf-8", "replace")), line, col)
    message = f"byte 0x{data[error.start]:02x} is not valid UTF-8"
    return Diagnostic(message, file, line, col, shown, hint="save the file as UTF-8")


def _control_character(text: str, found: re.Match[str], file: str) -> Diagnostic:
    line, col = place_of(text, found.start())
    message = f"control character U+{ord(found[0]):04X} is not allowed"
    return Diagnostic(message, file, line, col, excerpt(text, line, col), hint="remove it")


def place_of(text: str, index: int) -> tuple[int, int]:
    """Line and column, both from 1, of the character at `index`."""
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def excerpt(text: str, line: int, col: int) -> Excerpt:
    """The given line, cut around `col` when it is long; control characters are masked."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
        if start == 0:
            return Excerpt("", 0)
    end = text.find("\n", start)
    return cut(text[start : len(text) if end < 0 else end], col)


def cut(line: str, col: int = 1) -> Excerpt:
    """One line as it can be shown: at most 120 characters around `col`, no password of a URL."""
    line = line[: col - 1] + line[col - 1 :].rstrip(" \t")
    shown = Excerpt(line, min(col - 1, len(line)))
    if "://" in line:
        shown = shown.masked(USER_INFO, f"{MASK}@")
    shown = shown.window(_EXCERPT)
    if shown.text.isprintable():
        return shown
    return shown._replace(text="".join(c if c.isprintable() or c == "\t" else "�" for c in shown.text))
