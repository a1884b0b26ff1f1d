"""Every command that people are shown is made here, so that it can be pasted as it is.

A command acts on the project that was looked at only with the `-C`, `--env`, `--config` and `--publish` of the run that
shows it, and from where it is read: at a desk the folder that the run was started in, in CI the root of a clone. The
command line alone knows that, and hints are made in every layer; so it says it once, before anything is looked at, and
nothing else depends on it. Where several projects are open in one process, each call says it for itself alone.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from reconciler.core.frozen import dataclass
from reconciler.core.patterns import lazy_pattern

Option = str | tuple[str, str]  # a flag of ours, or an option and a value that may come from anywhere

# What a person fills in. Quoted, so that the shell takes it for a word; the command refuses it as it is.
ENGINE_ID, FILE, KEY, URL = "<ENGINE_ID>", "<FILE>", "<KEY>", "<URL>"
KEY_VARIABLE = "LINGO_API_KEY"
PLACEHOLDER = lazy_pattern(r"<[A-Z][A-Z_]*>")
_PUBLISHING = frozenset(  # the commands that take the options below
    {"apply", "collect", "prune", "release", "resolve", "rollback"}
)
_PUBLISH = {"true": "--publish", "pr": "--publish-pr", "false": "--no-publish"}
_PATTERN = lazy_pattern(r"[*?[]")


@dataclass(frozen=True, slots=True)
class Invocation:
    """What a command needs besides its own words. The first four are the options of that name, empty where they are
    not needed; `git` is where git is led to, empty where it finds the repository by itself. `here`, the folder that
    commands are read in, and `root`, the project's, are absolute. `key_variable` holds the API key.
    """

    directory: str = ""
    config: str = ""
    environment: str = ""
    publish: str = ""
    git: str = ""
    here: str = ""
    root: str = ""
    lockfile: str = "engines.lock.json"
    key_variable: str = KEY_VARIABLE


class _Reader:
    invocation = Invocation()


_for_this_call: ContextVar[Invocation | None] = ContextVar("invocation", default=None)


def show_commands_for(invocation: Invocation) -> None:
    """What every command that is made from now on goes by."""
    _Reader.invocation = invocation


@contextmanager
def commands_for(invocation: Invocation) -> Iterator[None]:
    """Inside, commands go by this, in this thread or asynchronous task only."""
    token = _for_this_call.set(invocation)
    try:
        yield
    finally:
        _for_this_call.reset(token)


def _now() -> Invocation:
    return _for_this_call.get() or _Reader.invocation


def reconcile(
    command: str,
    *options: Option,
    arguments: Sequence[str] = (),
    directory: str | None = None,
    published: bool = False,
) -> str:
    """`reconcile …` for the shell: `command` is ours, such as `lease break`; `directory` is another -C, and with
    `published` it publishes whatever this run does.
    """
    now = _now()
    publish = "true" if published and now.publish in ("", "false") else now.publish
    words = ["reconcile"]
    for name, value in (
        ("-C", now.directory if directory is None else directory),
        ("--config", now.config),
        ("--env", now.environment),
    ):
        words += [name, value] if value else []
    words += command.split()
    dashed = any(argument.startswith("-") for argument in arguments)
    words += [] if dashed else arguments
    # Before an option or at the end: `--publish` would take a word that follows it for its value.
    words += [_PUBLISH[publish]] if publish and command in _PUBLISHING else []
    for option in options:
        words += _option(option)
    words += ["--", *arguments] if dashed else []
    return _joined(words)


def as_typed(words: Sequence[str]) -> str:
    """`reconcile …` for the shell with words that were typed, where a line is to be typed once more, and better."""
    return _joined(["reconcile", *words])


def only(key: str) -> Option:
    """`--only` for this engine alone: what would be a pattern in its key is none."""
    return "--only", _PATTERN.sub(lambda found: f"[{found[0]}]", key)


def git(*words: str, folder: str | None = None) -> str:
    """`git …` for the shell, led to the project's repository; or to `folder`, nowhere if that is empty."""
    leads = _now().git if folder is None else folder
    return _joined([*(["git", "-C", leads] if leads else ["git"]), *words])


def key_variable() -> str:
    """The variable that holds the API key of this run's environment."""
    return _now().key_variable


def reading_folder() -> str:
    """Where commands are going to be read; empty for where the run was started."""
    return _now().here


def git_path(name: str) -> str:
    """A file as `git` of this module names it; `name` is relative to the project's root, or absolute."""
    return _path(name, posixpath.join(_now().here, _now().git))


def into_file(command: str, name: str) -> str:
    """A command whose output replaces a file; `name` is as for `git_path`."""
    return f"{command} > {_joined([_path(name, _now().here)])}"


def folder_for(name: str) -> str:
    """A command that makes a folder, with those around it."""
    return _joined(["mkdir", "-p", *(["--"] if name.startswith("-") else []), name])


def last_good_lockfile() -> str:
    """What brings back the lockfile of the commit that is checked out."""
    return git("checkout", "HEAD", "--", git_path(_now().lockfile))


def conflicted_lockfile() -> str:
    """What brings back git's conflict markers in the lockfile."""
    return git("checkout", "--merge", "--", git_path(_now().lockfile))


def _joined(words: Sequence[str]) -> str:
    import shlex  # only where a command is shown

    return shlex.join(words)


def _path(name: str, folder: str) -> str:
    root = _now().root
    path = posixpath.relpath(posixpath.join(root, name), folder) if root else name
    return f"./{path}" if path.startswith("-") else path  # it would be taken for an option


def _option(option: Option) -> list[str]:
    if isinstance(option, str):
        return [option]
    name, value = option
    return [f"{name}={value}"] if value.startswith("-") else [name, value]
