"""The command's entry: `reconcile` itself, its subcommands by name, and the one place where errors become exit codes.

Subcommands are imported when they are called. `reconcile --dry-run` with nothing to do costs little more than Python
and click, and stays so only as long as nothing heavy is imported at the top of a module on that path.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn

import click

from reconciler.cli.command import HELP, Group
from reconciler.cli.failures import (
    OutputRefused,
    output_stream,
    report_bug,
    report_error,
    report_output,
    report_usage,
)
from reconciler.cli.options import apply_options, detailed_exitcode, global_options, plan_options
from reconciler.cli.stderr import listen_to_adapters
from reconciler.core.commands import PLACEHOLDER, Invocation, show_commands_for
from reconciler.core.errors import ExitCode, ReconcileError, UsageError

COMMANDS = {
    "plan": "reconciler.cli.commands.plan",
    "apply": "reconciler.cli.commands.apply",
    "collect": "reconciler.cli.commands.collect",
    "validate": "reconciler.cli.commands.validate",
    "status": "reconciler.cli.commands.views.status",
    "sources": "reconciler.cli.commands.views.sources",
    "get": "reconciler.cli.commands.views.get",
    "export": "reconciler.cli.commands.views.export",
    "resolve": "reconciler.cli.commands.lifecycle.resolve",
    "import": "reconciler.cli.commands.lifecycle.import_engine",
    "rollback": "reconciler.cli.commands.lifecycle.rollback",
    "release": "reconciler.cli.commands.lifecycle.release",
    "promote": "reconciler.cli.commands.lifecycle.promote",
    "prune": "reconciler.cli.commands.lifecycle.prune",
    "lease": "reconciler.cli.commands.lease",
    "fetch": "reconciler.cli.commands.fetch",
    "history": "reconciler.cli.commands.views.history",
    "projects": "reconciler.cli.commands.views.projects",
    "lockfile": "reconciler.cli.commands.lockfile",
    "doctor": "reconciler.cli.commands.doctor",
    "init": "reconciler.cli.commands.init",
    "schema": "reconciler.cli.commands.schema",
    "webhook": "reconciler.cli.commands.service.webhook",
    "inbox": "reconciler.cli.commands.service.inbox",
    "sandbox": "reconciler.cli.commands.service.sandbox",
    "demo": "reconciler.cli.commands.service.demo",
    "watch": "reconciler.cli.commands.service.watch",
    "completion": "reconciler.cli.commands.completion",
    "help": "reconciler.cli.commands.help",
    "version": "reconciler.cli.commands.version",
}
_COMPLETE = "_RECONCILE_COMPLETE"  # set by the scripts that `reconcile completion` prints
# What they make stays until the end, or they collect garbage themselves once they wait for something (runs/runner.py).
_WITHOUT_GARBAGE = frozenset({"plan", "get", "export", "status", "validate", "apply", "collect"})


class Commands(Group):
    """A group whose commands live in modules of their own, each under the name `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return _load(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        found = super().resolve_command(ctx, args)
        if not ctx.resilient_parsing:
            _refuse_misplaced(ctx, args)
        return found


def _load(name: str) -> click.Command:
    command: click.Command = importlib.import_module(COMMANDS[name]).command
    if name not in _WITHOUT_GARBAGE:
        gc.enable()
    return command


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": list(HELP)},
    example="--dry-run",
    docs="how-it-works.md",
)
@click.option(
    "--version",
    "-V",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda ctx, param, asked: _show_version(ctx) if asked else None,
    help="Print the version.",
)
@click.option("--dry-run", is_flag=True, help="Show the plan and change nothing, like `reconcile plan`.")
@plan_options
@detailed_exitcode
@apply_options
@global_options
@click.pass_context
def cli(ctx: click.Context, /, **flags: Any) -> None:
    """GitOps for localization engines.

    Without a command, `reconcile` compares the engine files with the lockfile, shows the plan, asks, and applies it:
    it creates provisioning jobs for new and changed engines, waits for them, and records the engine IDs in the
    lockfile. It takes the options of `reconcile apply`.
    """
    listen_to_adapters(ctx)
    dry_run = flags.pop("dry_run")
    if ctx.invoked_subcommand is not None:
        return
    name = "plan" if dry_run else "apply"
    command = _load(name)
    known = {param.name for param in command.params}
    unfit = [f for f, value in flags.items() if f not in known and value not in (None, False, ())]
    if unfit:
        raise click.UsageError(f"--{unfit[0].replace('_', '-')} makes no sense with `reconcile {name}`.", ctx)
    ctx.invoke(command, **{flag: value for flag, value in flags.items() if flag in known})


def _show_version(ctx: click.Context) -> None:
    from reconciler.cli.version import version_text  # may ask git

    click.echo(f"reconcile {version_text()}")
    ctx.exit()


def _refuse_misplaced(ctx: click.Context, rest: list[str]) -> None:
    """Options before a command's name would go unheard: `reconcile --dry-run apply` must not apply."""
    for param in ctx.command.params:
        source = ctx.get_parameter_source(param.name) if param.name else None
        if source is click.core.ParameterSource.COMMANDLINE and param.expose_value:
            from reconciler.cli.slips import misplaced  # for a slip only

            raise misplaced(ctx, max(param.opts, key=len), rest)


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code; every error ends here (docs/design.md, section 7)."""
    if (shell := os.environ.get(_COMPLETE)) is not None:
        from reconciler.cli.completion.answer import answer  # only where a shell asks

        return answer(cli, shell, arguments)
    try:
        return _run(arguments)
    except OutputRefused as error:
        return report_output(error)


def _run(arguments: Sequence[str]) -> int:
    """As `main`. Raises `OutputRefused`."""
    show_commands_for(Invocation())
    try:
        _refuse_placeholders(arguments)
        code = cli.main(list(arguments), prog_name="reconcile", standalone_mode=False)
        sys.stdout.flush()
        return int(code) if isinstance(code, int) else int(ExitCode.OK)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        return report_usage(error, arguments)
    except (click.Abort, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)
    except ReconcileError as error:
        return report_error(error, arguments)
    except OutputRefused:
        raise
    except Exception as error:
        return report_bug(error, arguments)


def _refuse_placeholders(arguments: Sequence[str]) -> None:
    """Raises `UsageError` for a command that was pasted as it was shown, with something left to fill in."""
    for word in arguments:
        found = PLACEHOLDER.search(word) if "<" in word else None
        if found and word.rpartition("=")[2] == found[0]:
            raise UsageError(
                f"`{found[0]}` is a placeholder", hint="replace it with a value, without < and >"
            )


def _open_standard_streams() -> None:
    """A stream that the caller closed leads nowhere, instead of to the next file that is opened."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    sys.stdin = sys.stdin or os.fdopen(0)
    sys.stdout, sys.stderr = output_stream(1, sys.stdout), output_stream(2, sys.stderr)


def _arm_for_tests() -> None:
    """The crash matrix kills a run at each of its steps (adapters/storage/kill_points.py)."""
    kill_after, told_in = (
        os.environ.get(f"RECONCILE_TEST_{name}") for name in ("KILL_AFTER_STEP", "STEPS_FILE")
    )
    if kill_after or told_in:
        from pathlib import Path

        from reconciler.adapters.storage.kill_points import arm

        arm(kill_after or "", Path(told_in) if told_in else None)


def entry(at_end: Callable[[], None] = lambda: None) -> NoReturn:
    """The console script, from start.py. `at_end` is called when all is done."""
    _open_standard_streams()
    # As Ctrl-C: also where this is the first process of a container, which otherwise would not hear of it at all.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _arm_for_tests()
    code = main(sys.argv[1:])
    at_end()
    _end(code)


def _end(code: int) -> NoReturn:
    """End at once: to take every module apart first takes a tenth of a short run.

    Nor may libraries take themselves apart under a daemon thread: one that is still looking at pages (`track_sources`)
    would crash in OpenSSL. After an interrupt nothing is waited for, because GitPython leaves a thread behind that
    would keep us for up to a minute.
    """
    if code != ExitCode.INTERRUPTED:
        wait_for_threads = getattr(threading, "_shutdown", None)
        run_exit_functions = getattr(atexit, "_run_exitfuncs", None)
        if wait_for_threads is None or run_exit_functions is None:
            sys.exit(code)
        with suppress(KeyboardInterrupt):
            wait_for_threads()
        run_exit_functions()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)
