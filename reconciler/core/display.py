"""How much room a text takes on a screen: the one measure that tables, carets and wrapped lines go by.

A screen has cells. Wide East Asian characters take two, combining ones none, since they are drawn over the one before.
Terminals differ in a few rare characters; what is counted here is what most of them do.
"""

from __future__ import annotations

import re
import unicodedata

# Backticks hold a command together; without them it goes up to where the sentence does: both are there to be copied.
_WORD = re.compile(
    r"(?:[^\s`]*`[^`]*`)+\S*|(?:reconcile|git) (?:-|[a-z]+\b)(?:(?![;,.:](?: |$)| \()[^`])*|\S+"
)
_PAINT = re.compile(r"\x1b\[[0-9;]*m")
_EXCERPT = re.compile(r" *\d* \|( |$)")
_LEAD = re.compile(r" *(?:(?:hint|error|warning|bug):|[^\w\s`]{1,3}(?= ))? *")
_LABEL = re.compile(r"\S+(?: \S+){0,2} {2,}")
_LEAST = 4  # cells that what is too wide for its indent keeps of it
_JAMO = (range(0x1160, 0x1200), range(0xD7B0, 0xD7FC))  # vowels and finals, drawn into the syllable before


def display_width(text: str) -> int:
    """How many cells `text` takes; colours take none."""
    if text.isascii() and "\x1b" not in text:
        return len(text)
    text = _PAINT.sub("", text)
    return sum(_cells(char) for char in text)


def cut_to_width(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` cut so that it takes at most `width` cells."""
    if display_width(text) <= width:
        return text
    room = width - len(ellipsis)
    used = 0
    for index, char in enumerate(text):
        used += _cells(char)
        if used > room:
            return text[:index] + ellipsis
    return text


def padded(text: str, width: int) -> str:
    """`text` with blanks after it, so that it takes at least `width` cells."""
    return text + " " * (width - display_width(text))


def wrapped(text: str, width: int) -> list[str]:
    """One line of text as lines of at most `width` cells, broken at blanks.

    A word that takes more keeps a line of its own, whole: it may be an ID, an address or a command to copy.
    """
    if display_width(text) <= width:
        return [text]
    lines: list[str] = []
    for gap, word in _words(text):
        line = f"{lines[-1]}{gap}{word}" if lines else gap + word
        if lines and display_width(line) > width:
            lines.append(word)
        else:
            lines[-1:] = [line]
    return lines or [text]


def pieces_of(text: str) -> list[tuple[str, bool]]:
    """One line in pieces that make it up again but for backticks, each with whether it is code: what stands in
    backticks, and a command without them.
    """
    pieces: list[tuple[str, bool]] = []
    for gap, word in _words(text):
        if "`" in word:
            parts = [(part, index % 2 == 1) for index, part in enumerate(word.split("`"))]
        else:
            parts = [(word, " " in word)]
        for part, is_code in [(gap, False), *parts]:
            if part and pieces and not is_code and not pieces[-1][1]:
                pieces[-1] = (pieces[-1][0] + part, False)
            elif part:
                pieces.append((part, is_code))
    return pieces


def fitted(text: str, width: int) -> str:
    """A whole view in lines that fit, colours and all; what goes on hangs under its beginning.

    The lines of a table and of an excerpt have been fitted by who made them, and stay as they are.
    """
    return "\n".join(part for line in text.split("\n") for part in _fitted_line(line, width))


def _fitted_line(line: str, width: int) -> list[str]:
    plain = _PAINT.sub("", line) if "\x1b" in line else line
    if display_width(plain) <= width or _EXCERPT.match(plain):
        return [line]
    return hanging(line, width, _hang(plain, width // 2))


def hanging(text: str, width: int, hang: int, begins: int = 0) -> list[str]:
    """One line of text in lines that fit: the first, to be put at `begins`, and the others, indented by `hang`.

    What is too wide for that, such as a command or an address, is moved to the left, where it may fit.
    """
    first, *rest = wrapped(text, width - begins)
    if not rest:
        return [text]
    more = wrapped(text[len(first) :].lstrip(" "), width - hang)
    return [first, *(" " * _indent(display_width(line), width, hang) + line for line in more)]


def _indent(cells: int, width: int, hang: int) -> int:
    if cells <= width - hang:
        return hang
    least = min(hang, _LEAST)
    return width - cells if width - least < cells <= width else least


def _hang(plain: str, most: int) -> int:
    """Where the text of a line begins, after signs and labels."""
    lead = _LEAD.match(plain)
    at = lead.end() if lead is not None else 0
    while (label := _LABEL.match(plain, at)) is not None and label.end() <= most:
        at = label.end()
    return min(at, most)


def _words(text: str) -> list[tuple[str, str]]:
    """The words, each with the blanks before it; a command is one word."""
    words: list[tuple[str, str]] = []
    start = 0
    while found := _WORD.search(text, start):
        word = found[0]
        behind = words[-1][1] if words else ":" if found.end() == len(text) else ""
        if word.startswith(("reconcile ", "git ")) and not behind.endswith(":"):
            word = word.partition(" ")[0]  # a sentence about it, and no command
        words.append((text[start : found.start()], word))
        start = found.start() + len(word)
    return words


def _cells(char: str) -> int:
    if char < "\u0300":
        return 1
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    if any(ord(char) in jamo for jamo in _JAMO):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
