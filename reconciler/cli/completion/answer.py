"""Answers what a script asks: the words that can stand where the cursor is.

Whatever goes wrong, the answer is that there is none: nobody wants a traceback in the line that is being typed. Nothing
is written and no program started; words that a shell could act on are quoted for bash, and others left out.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple

import click
from click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from reconciler.cli.completion import values

PLAIN = "plain"
_BREAK = re.compile(r"[:=@]+")  # where bash begins a new word, besides blanks, in what we have
_SAFE = re.compile(r"[\w@%+,./:=-]")
_IN_DOUBLE = re.compile(r'([$`"\\!])')


class Line(NamedTuple):
    """A command line up to the cursor. Of `typed`, the shell replaces what follows its first `kept` characters."""

    words: list[str]
    typed: str
    quote: str = ""
    kept: int = 0


class _Words(ShellComplete):
    """click's completion, with values of our own."""

    def __init__(self, cli: click.Command, line: Line) -> None:
        super().__init__(cli, {}, "reconcile", "")
        self._line = line

    def answer(self) -> tuple[str, list[tuple[str, str]]]:
        """The kind of the answer, and words with what they mean."""
        from click.shell_completion import _resolve_context, _resolve_incomplete  # as `get_completions` does

        ctx = _resolve_context(self.cli, self.ctx_args, self.prog_name, self._line.words)
        found, typed = _resolve_incomplete(ctx, list(self._line.words), self._line.typed)
        before = self._line.typed[: len(self._line.typed) - len(typed)]  # `--format=`
        if isinstance(found, click.Parameter):
            kind = values.kind_of(found)
            if isinstance(kind, str):
                return kind, []
            if kind is not None:
                fitting = [one for one in kind(ctx, typed) if one.startswith(typed)]
                if isinstance(found, click.Argument) and "--" not in self._line.words:
                    fitting = [one for one in fitting if not one.startswith("-")]  # it would be an option
                return PLAIN, [(before + one, "") for one in fitting]
        if isinstance(found, click.Group) and ctx.parent is None and not typed.startswith("-"):
            return PLAIN, [
                (one, "") for one in found.list_commands(ctx) if one.startswith(typed)
            ]  # imports none
        items: list[CompletionItem[str]] = found.shell_complete(ctx, typed)
        return PLAIN, [(before + one.value, one.help or "") for one in items]


def answer(cli: click.Command, shell: str, arguments: Sequence[str]) -> int:
    """Print the answer; the exit code is 0 whatever happens."""
    out = sys.stdout
    with (
        open(os.devnull, "w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        try:  # --help and --version print while they are parsed
            line = line_of(shell, arguments)
            kind, words = _Words(cli, line).answer()
        except Exception:
            return 0  # a broken project, or a line that makes no sense yet: there is nothing to offer
    text = "\n".join([kind, *_written(shell, line, words)])
    out.buffer.write(text.encode("utf-8", "surrogateescape") + b"\n")
    return 0


def line_of(shell: str, arguments: Sequence[str]) -> Line:
    """The line that the shell has taken apart; the last word is the one at the cursor."""
    *words, typed = arguments if arguments else [""]
    if shell == "fish":  # words come without quotes, but for the last
        return Line(words, _unquoted(typed))
    if shell == "zsh":
        return Line([_unquoted(word) for word in words], _unquoted(typed))
    glued: list[str] = []
    kept = 0
    for position, word in enumerate(arguments):
        joins = glued and (_BREAK.fullmatch(word) or (position and _BREAK.fullmatch(arguments[position - 1])))
        kept = len(_unquoted(glued[-1])) if joins and glued else 0
        if joins and glued:
            kept += len(word) if _BREAK.fullmatch(word) else 0
            glued[-1] += word
        else:
            glued.append(word)
    *words, typed = glued or [""]
    quote = typed[0] if typed[:1] in ("'", '"') else ""
    return Line([_unquoted(word) for word in words], _unquoted(typed), quote, kept)


def _unquoted(word: str) -> str:
    """What the shell would make of a word, but for what it would look up or run."""
    return "".join(split_arg_string(word)) if word else ""


def _written(shell: str, line: Line, words: Sequence[tuple[str, str]]) -> Iterator[str]:
    for word, meaning in words:
        if not word.isprintable():
            continue
        if shell == "bash":
            yield _quoted_for_bash(word[line.kept :], line.quote)
        else:
            told = " ".join(meaning.split())
            yield f"{word}\t{told}" if told and told.isprintable() else word


def _quoted_for_bash(word: str, quote: str) -> str:
    """bash puts it into the line as it is, after the quote that was opened there."""
    if quote == "'":
        return word.replace("'", "'\\''")
    if quote == '"':
        return _IN_DOUBLE.sub(r"\\\1", word)
    return "".join(char if _SAFE.fullmatch(char) else f"\\{char}" for char in word)
