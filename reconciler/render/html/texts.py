"""Foreign text on its way into a report: harmless, bounded, and with the commands in it set apart."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.display import pieces_of
from reconciler.render.phrases.sanitize import sanitize, sanitize_lines, shorten

LONGEST = 2_000  # characters of one message

Pieces = list[tuple[str, str]]


def line(text: str, limit: int = LONGEST) -> str:
    """A value on one line."""
    return sanitize(shorten(text, limit))


def lines(text: str, limit: int = LONGEST) -> str:
    """A text that may have several lines."""
    return "\n".join(sanitize_lines(shorten(text, limit)))


def hint_lines(hint: str) -> list[Pieces]:
    """A hint's lines in pieces: `text`, `code`, or a `command` that can be copied."""
    return [step_pieces(one) for one in hint.split("\n") if one.strip()]


def step_pieces(text: str) -> Pieces:
    """One line in such pieces. Nothing of a command is cut."""
    return list(_pieces(sanitize(text)))


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    for piece, is_code in pieces_of(text):
        is_command = is_code and piece.startswith(("reconcile ", "git "))
        yield piece, "command" if is_command else "code" if is_code else "text"


def sentence(text: str) -> str:
    """Words of ours that begin in the middle of a sentence, as one."""
    return f"{text[:1].upper()}{text[1:]}" + "." * (not text.endswith((".", "?", "!")))
