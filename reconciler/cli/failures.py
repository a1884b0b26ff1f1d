"""Failures on their way out: one clear message on stderr, JSON on stdout where it was asked for, never a traceback."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, TextIO

import click

from reconciler.cli.screen import Screen, fit, screen_for
from reconciler.core.commands import reconcile
from reconciler.core.errors import ExitCode, JournalError, LockfileError, ReconcileError


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether the line asks for JSON. Looked for in the raw words, since the line itself may be what is wrong."""
    pairs = zip(arguments, [*arguments[1:], ""], strict=False)  # there may be no words at all
    return any(word == "--format=json" or (word, then) == ("--format", "json") for word, then in pairs)


def report_error(error: ReconcileError, arguments: Sequence[str]) -> int:
    """An expected failure. Returns its exit code."""
    if wants_json(arguments):
        _print_json(error.message, error.hint, error, error.exit_code)
    screen = screen_for(sys.stderr, arguments)
    look = _look(screen)
    lines = [f"{look('error:')} {_harmless(error.message)}"]
    about_records = isinstance(error, LockfileError | JournalError)  # their finding only says where
    if about_records and error.diagnostics and error.diagnostics[0].line is not None:
        lines.append(f"    at {_harmless(error.diagnostics[0].place)}")
    if error.hint:
        lines.append(f"{look('hint:')} {_harmless(error.hint)}")
    text = fit("\n".join(lines), screen)
    if error.diagnostics and not about_records:
        text += "\n\n" + _findings(error, screen)
    print(text, file=sys.stderr)
    return int(error.exit_code)


def _look(screen: Screen) -> Callable[[str], str]:
    """What paints the words that a failure begins with."""
    from reconciler.render.phrases.style import Look  # for failures only

    look = Look(screen.color)
    return lambda word: look.paint(word, "cyan" if word == "hint:" else "red")


def _findings(error: ReconcileError, screen: Screen) -> str:
    from reconciler.render.phrases.diagnostics import render_diagnostics  # for failures only

    return render_diagnostics(
        error.diagnostics, color=screen.color, ascii_only=screen.ascii_only, width=screen.wrap
    )


def report_usage(error: click.ClickException, arguments: Sequence[str]) -> int:
    """The command line makes no sense."""
    message = error.format_message()
    if wants_json(arguments):
        _print_json(message, None, None, ExitCode.USAGE)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):  # its message is the help text
        print(message, file=sys.stderr)
        return int(ExitCode.USAGE)
    screen = screen_for(sys.stderr, arguments)
    look = _look(screen)
    print(fit(f"{look('error:')} {_harmless(message)}", screen), file=sys.stderr)
    ctx = getattr(error, "ctx", None)
    if ctx is not None:
        print(fit(f"{look('hint:')} see `{ctx.command_path} --help`", screen), file=sys.stderr)
    return int(ExitCode.USAGE)


class OutputRefused(OSError):
    """What was printed could not be written: the disk is full, or the reader went away."""


class _Output(io.FileIO):
    """A standard stream whose failures are told apart from those of all other files."""

    def write(self, content: Any, /) -> int:
        try:
            written: int | None = super().write(content)
        except OSError as error:
            raise OutputRefused(error.errno, error.strerror) from error
        if written is None:  # a pipe that is full and does not block
            raise OutputRefused(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return written


def output_stream(descriptor: int, like: TextIO | None) -> TextIO:
    """A stream to print to, which raises `OutputRefused`. An old terminal or locale does not turn output into an error.

    `like` is Python's own stream there.
    """
    return io.TextIOWrapper(
        io.BufferedWriter(_Output(descriptor, "w", closefd=False)),
        encoding=like.encoding if like else None,
        errors="backslashreplace",
        line_buffering=descriptor == 2 or getattr(like, "line_buffering", False),
        write_through=getattr(like, "write_through", False),
    )


def report_output(error: OutputRefused) -> int:
    """Our output was refused, by a full disk or by a reader that went away as `head` does."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())  # nothing more can be said there, at exit neither
    if error.errno != errno.EPIPE:
        hint = f"run `{reconcile('status')}` to see what an apply did"
        try:
            print(f"error: cannot write the output: {error.strerror or error}\nhint: {hint}", file=sys.stderr)
        except OSError:
            os.dup2(nowhere, sys.stderr.fileno())
    return int(ExitCode.FAILED)


def report_bug(error: Exception, arguments: Sequence[str]) -> int:
    """A bug of ours. It looks unlike a failure, and leaves a log for the report; the traceback stays off the screen."""
    import traceback

    from reconciler.cli.crash_log import crash_text  # for bugs only

    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(frame.filename)}, line {frame.lineno}"
    message = f"this is a bug in reconcile: {type(error).__name__} in {where}"
    text = crash_text(error, arguments, os.environ)
    attach, written = _crash_log(text, arguments)
    hint = f"completed steps are in the journal and the lockfile. Please report this bug; {attach}"
    if wants_json(arguments):
        _print_json(message, hint, None, ExitCode.BUG)
    screen = screen_for(sys.stderr, arguments)
    print(fit(f"bug: {message}\nhint: {_harmless(hint)}", screen), file=sys.stderr)
    if not written or "debug" in arguments or "--log-level=debug" in arguments:
        print(_harmless(text), file=sys.stderr)
    return int(ExitCode.BUG)


def _crash_log(text: str, arguments: Sequence[str]) -> tuple[str, bool]:
    """What to attach, and whether it is a file. A log that cannot be written is no reason to say less of the bug."""
    from reconciler.cli.crash_log import write_crash_log  # for bugs only

    try:
        return f"read and attach {write_crash_log(text, arguments)}", True
    except (OSError, ReconcileError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or error
        return f"attach what follows (no log could be written: {why})", False


def _print_json(message: str, hint: str | None, error: ReconcileError | None, code: ExitCode) -> None:
    from reconciler.core.user_info import without_user_info
    from reconciler.render.data.json_view import render_error_json  # for failures only

    diagnostics = error.diagnostics if error is not None else ()
    hint = without_user_info(hint) if hint else hint
    print(render_error_json(without_user_info(message), hint, diagnostics, int(code)), flush=True)


def _harmless(text: str) -> str:
    from reconciler.core.user_info import without_user_info
    from reconciler.render.phrases.sanitize import sanitize

    return "\n".join(sanitize(without_user_info(line)) for line in text.split("\n"))
