"""What people who know other tools type here, and slips of the finger: each gets one line that says what to type.

Imported only once a line is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from reconciler.cli.options import line_of
from reconciler.core.commands import as_typed, key_variable
from reconciler.core.errors import UsageError
from reconciler.core.suggest import did_you_mean

# What terraform, cargo, git and their like call it.
_COMMANDS: Mapping[str, str] = {
    **dict.fromkeys(("diff", "preview", "dry-run", "dryrun"), "plan"),
    **dict.fromkeys(("run", "up", "deploy", "sync", "update", "create", "push", "reconcile"), "apply"),
    **dict.fromkeys(("list", "ls", "show", "state", "engines", "ps"), "status"),
    **dict.fromkeys(("check", "lint", "verify", "test"), "validate"),
    **dict.fromkeys(("log", "logs", "audit"), "history"),
    **dict.fromkeys(("output", "outputs", "env"), "export"),
    **dict.fromkeys(("wait", "finish"), "collect"),
    **dict.fromkeys(("pull", "refresh"), "fetch"),
    **dict.fromkeys(("unlock", "force-unlock"), "lease break"),
    **dict.fromkeys(("lock", "leases"), "lease show"),
    **dict.fromkeys(("serve", "receive", "listen"), "webhook serve"),
    "merge": "lockfile merge",
    "repair": "lockfile repair",
    "settle": "resolve",
    **dict.fromkeys(("undo", "revert", "restore"), "rollback"),
    "adopt": "import",
    "new": "init",
    "try": "demo",
}
_REMOVING = ("destroy", "delete", "rm", "remove", "retire")

_OPTIONS: Mapping[str, str] = {
    **dict.fromkeys(("--auto-approve", "--approve", "--assume-yes", "--no-input", "--no-confirm"), "--yes"),
    **dict.fromkeys(("--target", "--engine", "--filter", "--select"), "--only"),
    **dict.fromkeys(("--parallelism", "--jobs", "--parallel"), "--concurrency"),
    **dict.fromkeys(("--chdir", "--cwd", "--directory", "--dir", "--project"), "-C"),
    **dict.fromkeys(("--environment", "--workspace", "--stage"), "--env"),
    **dict.fromkeys(("--verbose", "-v", "--debug", "--trace"), "--log-level debug"),
    **dict.fromkeys(("--quiet", "-q", "--silent"), "--log-level error"),
    **dict.fromkeys(("--no-color", "--no-colour"), "--color never"),
    "--colour": "--color",
    "--json": "--format json",
    "--output": "--format",
    "-o": "--format",
    "--lock-timeout": "--lease-wait",
    "--replace": "--allow-replace",
    "--no-wait": "--detach",
    "--refresh": "--fetch",
    "--save": "--out",
}
_SECRET = ("key", "token", "secret", "password")  # the values of such an option are not repeated
_PLANNING = ("--dry-run", "-n", "--plan", "--check", "--what-if", "--noop")


def unknown_command(ctx: click.Context, rest: Sequence[str], known: Iterable[str]) -> UsageError:
    """`rest` begins with the word that is no command of the context's."""
    word, *more = rest
    path = ctx.command_path.removeprefix("reconcile").split()
    message = f"there is no command `{' '.join([*path, word])}`"
    before = line_of(ctx)[: len(line_of(ctx)) - len(rest)]
    if not path and word in _REMOVING:
        return UsageError(message, hint="remove the engine's file, then run " + _quoted([*before, "plan"]))
    close = did_you_mean(word, known)
    meant = _COMMANDS.get(word.lower()) if not path else None
    if meant is not None:
        return UsageError(message, hint=f"run {_quoted([*before, *meant.split(), *more])}")
    if close is not None:
        return UsageError(message, hint=f"did you mean {_quoted([*before, close, *more])}?")
    if not path and _names_an_engine(word):
        return UsageError(
            message, hint=f"for that engine alone, run {_quoted([*before, 'plan', '--only', word, *more])}"
        )
    return UsageError(message, hint=f"{_quoted([*path, '--help'])} lists the commands")


def no_page(ctx: click.Context, path: Sequence[str], word: str) -> UsageError:
    """`reconcile help` was asked about a word that is no command of the context's."""
    known = _commands(ctx) if not path else []
    meant = None if path else _COMMANDS.get(word.lower()) or did_you_mean(word, known)
    message = f"there is no command `{' '.join([*path, word])}`"
    return UsageError(message, hint=f"run {_quoted(['help', *path, *(meant or '').split()])}")


def _names_an_engine(word: str) -> bool:
    names = (f"engines/{word}.yaml", f"engines/{word}.yml")
    return word.endswith((".yaml", ".yml")) or any(Path(name).is_file() for name in names)


def unknown_option(ctx: click.Context, option: str, words: Sequence[str]) -> UsageError:
    """`words` are those of the context's command, as typed."""
    at = _index_of(option, words)
    typed = words[at].partition("=")[0] if at is not None else option
    message = f"`{ctx.command_path}` has no option `{typed}`"
    if any(word in typed.lower() for word in _SECRET):
        return UsageError(message, hint=f"the API key is read from {key_variable()} only")
    if at is None:
        return UsageError(message, hint=_see_help(ctx))
    line = line_of(ctx)
    before = line[: len(line) - len(words)]
    name = f"-{typed}" if typed[1:2] != "-" and len(typed) > 2 else typed  # `-auto-approve`
    if name in _PLANNING and "plan" in _commands(ctx) and ctx.info_name == "apply":
        left = [word for word in words if word not in _PLANNING and word not in ("--yes", "-y")]
        return UsageError(message, hint=f"run {_quoted([*before[:-1], 'plan', *left])}")
    own = {name: one for one in ctx.command.get_params(ctx) for name in (*one.opts, *one.secondary_opts)}
    if name in ("--version", "-V"):
        return UsageError(message, hint=f"run {_quoted(['--version'])}")
    owners = _owners(ctx, name)
    meant = _OPTIONS.get(name)
    known = meant is not None and meant.partition(" ")[0] in own
    if not known:
        meant = None if owners or len(name) <= 2 else _closest(name, own)
    if meant is not None:
        instead = _with_value(meant, words[at].partition("=")[2], own)
        better = _quoted([*before, *words[:at], *instead, *words[at + 1 :]])
        return UsageError(message, hint=f"run {better}" if known else f"did you mean {better}?")
    if any(one.name == "key" for one in ctx.command.params):
        dashed = _quoted([*before, *words[:at], *words[at + 1 :], "--", words[at]])
        return UsageError(message, hint=f"for a key that begins with a dash, run {dashed}")
    if owners:
        return UsageError(message, hint=f"it is an option of {owners[0]}: see {_quoted(['help', owners[0]])}")
    return UsageError(message, hint=_see_help(ctx))


def _closest(name: str, own: Iterable[str]) -> str | None:
    """Without their dashes, which all have in common."""
    close = did_you_mean(name.lstrip("-"), [one[2:] for one in own if one.startswith("--")])
    return f"--{close}" if close is not None else None


def _with_value(meant: str, value: str, own: Mapping[str, click.Parameter]) -> list[str]:
    """The option that was meant, with the value that stood behind `=`."""
    name, *fixed = meant.split()
    param = own[name]
    if fixed or not value or (isinstance(param, click.Option) and param.is_flag):
        return [name, *fixed]
    return [f"{name}={value}"] if name.startswith("--") else [name, value]


def _index_of(option: str, words: Sequence[str]) -> int | None:
    """Where the option stands; click names only the letter of `-auto-approve` that it does not know."""
    for at, word in enumerate(words):
        if word == "--":
            return None
        if word.partition("=")[0] == option:
            return at
    if option.startswith("--"):
        return None
    return next((at for at, word in enumerate(words) if _has_letter(word, option[1:])), None)


def _has_letter(word: str, letter: str) -> bool:
    return word.startswith("-") and not word.startswith("--") and letter in word


def extra_words(ctx: click.Context, extra: Sequence[str], words: Sequence[str]) -> UsageError:
    """`extra` are words that the context's command has no use for."""
    named = ", ".join(f"`{word}`" for word in extra[:3])
    arguments = [one for one in ctx.command.params if isinstance(one, click.Argument)]
    message = f"unexpected argument{'s' if len(extra) > 1 else ''} {named}"
    if arguments:
        message += f": `{ctx.command_path}` takes one {arguments[0].human_readable_name.strip('[]')}"
    line = line_of(ctx)
    before, left = line[: len(line) - len(words)], list(words)
    for word in extra:
        left.remove(word)
    left = [word for word in left if word != "--"]
    if any(one.name == "only" for one in ctx.command.params) and not arguments:
        only = [
            part for word in extra for part in (("--only", word) if word[:1] != "-" else (f"--only={word}",))
        ]
        return UsageError(message, hint=f"run {_quoted([*before, *left, *only])}")
    return UsageError(message, hint=_see_help(ctx))


def misplaced(ctx: click.Context, option: str, rest: Sequence[str]) -> UsageError:
    """An option of a command's stands before the command; `rest` begins with its name."""
    line = line_of(ctx)
    before, (command, *more) = line[: len(line) - len(rest)], rest
    if option == "--dry-run":
        message = "--dry-run goes without a command"
        before = [word for word in before if word != "--dry-run"]
        command = "plan" if command == "apply" else command
        more = [word for word in more if word not in ("--yes", "-y")] if command == "plan" else more
    else:
        message = f"{option} goes after `{command}`"
    return UsageError(message, hint=f"run {_quoted([command, *before, *more])}")


def _owners(ctx: click.Context, option: str) -> list[str]:
    root = ctx.find_root()
    group = root.command
    found = []
    for name in _commands(ctx):
        command = group.get_command(root, name) if isinstance(group, click.Group) else None
        if command is not None and any(option in one.opts for one in command.params):
            found.append(name)
    return found


def _commands(ctx: click.Context) -> list[str]:
    root = ctx.find_root()
    return root.command.list_commands(root) if isinstance(root.command, click.Group) else []


def _see_help(ctx: click.Context) -> str:
    return f"see {_quoted([*ctx.command_path.split()[1:], '--help'])}"


def _quoted(words: Sequence[str]) -> str:
    return f"`{as_typed(words)}`"
