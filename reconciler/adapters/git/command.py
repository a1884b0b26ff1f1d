"""Git, and every command of it that we start.

Arguments are lists, values come after `--end-of-options` or on standard input, hooks and prompts are off, the
environment is cleaned, and every command has a timeout. GitPython's command wrapper starts what reaches a remote or
writes; importing it costs 80 ms, so what a plan asks git is started without.
"""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

from reconciler.adapters.git import environment
from reconciler.adapters.git.trust import Config, Repository, check_same, parse_config, repository_of
from reconciler.adapters.project.places import config_file
from reconciler.adapters.system import trail
from reconciler.core.commands import git
from reconciler.core.errors import GitError
from reconciler.core.patterns import lazy_pattern
from reconciler.core.user_info import MASK, secret_parts, without_user_info

MAX_BLOB = 2 * 1024 * 1024  # bytes; engine files and their texts are capped at half of that
_SIZE_LINE = lazy_pattern(rb"^([0-9a-f]+) blob ([0-9]+)$", re.MULTILINE)
_BLOB_ID = lazy_pattern(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
NOT_FOUND = 127  # what `env` ends with when there is no such command
UNSET = 1  # what `git config --get` ends with for a key that nobody set; anything else is a failure
_LOOK_AGAIN = 0.25  # seconds between two looks at whether a command has taken too long
_LAST_WORDS = 2.0  # seconds for a killed command to be gone


def _refused_hint() -> str:
    return f"run `{git('status')}`, fix what it reports, then run again"


_Stamp = tuple[int, int, int] | None
_NOTHING: Mapping[str, str] = MappingProxyType({})
# They compare files of the work tree, and so may start the filters that the configuration names.
_FILTERING = frozenset(("diff", "status"))
_WITHOUT_REPOSITORY = frozenset(("--version", "init", "merge-file"))


class GitFailed(GitError):
    """A git command that ended with something else than 0: `said` is what it said, in one line."""

    def __init__(self, message: str, *, said: str, stdout: str, stderr: str, status: int | None) -> None:
        super().__init__(message)
        self.said = said
        self.stdout = stdout
        self.stderr = stderr
        self.status = status

    def without(self, secrets: Iterable[str]) -> GitFailed:
        """The same, and none of these words in it."""
        texts = [self.message, self.said, self.stdout, self.stderr]
        for secret in sorted(secrets, key=len, reverse=True):
            texts = [text.replace(secret, MASK) for text in texts]
        message, said, stdout, stderr = texts
        return GitFailed(message, said=said, stdout=stdout, stderr=stderr, status=self.status)


def call_git(
    root: Path,
    arguments: Sequence[str],
    *,
    stdin: bytes = b"",
    network: bool = False,
    timeout: float = 60.0,
    until: Callable[[], float] = lambda: math.inf,
    variables: Mapping[str, str] = _NOTHING,
) -> bytes:
    """One git command for the repository around `root`, run there, and what it printed.

    `network` is for commands that may start a program of the person's: to reach a remote, or to sign. They see keys,
    helpers and proxies. `until` is asked again and again for the `time.monotonic()` at which a command under way is
    given up. `variables` come on top of the environment.

    Raises `GitFailed`, or `GitError` when there is no git, or a repository that is not to be trusted.
    """
    end = time.monotonic() + timeout
    repository = repository_of(root)
    if repository.top is not None and arguments[0] not in _WITHOUT_REPOSITORY:
        _check_trust(repository, repository.top, end)
    if not network and arguments[0] in _FILTERING:
        _config_of(repository, end)
    secrets: frozenset[str] = frozenset()
    added, tokens = environment.added(network=network), False
    if network:
        config = _config_of(repository, end)
        secrets = frozenset(part for address in config.addresses() for part in secret_parts(address))
        tokens = config.has_helper() or environment.asks_a_program(os.environ)
        if not config.last("core.sshCommand") and not environment.names_ssh(os.environ):
            added["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes"
    hidden = environment.hidden(os.environ, network=network, tokens=tokens)
    where = ["-C", os.path.abspath(root), *repository.arguments()]
    try:
        return _run(
            where,
            arguments,
            hidden,
            {**added, **variables},
            lambda: min(end, until()),
            stdin,
            wrapped=network,
        )
    except GitFailed as error:
        raise error.without(secrets) from error


def read_config(root: Path, timeout: float = 60.0) -> Config:
    """All of git's configuration in the repository around `root`. Raises `GitError` as `call_git` does."""
    repository, end = repository_of(root), time.monotonic() + timeout
    if repository.top is not None:
        _check_trust(repository, repository.top, end)
    return _config_of(repository, end)


_configs: dict[Repository, tuple[_Stamp, Config]] = {}  # and the file of the repository's own that is in it
_trusted: set[Repository] = set()


def forget_configuration() -> None:
    """Ask git again for its configuration, and whether the repository is to be trusted: a process that lives on must
    not go by what was so once. A commit may have changed a file that the configuration includes.
    """
    _configs.clear()
    _trusted.clear()


def _config_of(repository: Repository, end: float) -> Config:
    stamp = _stamp(repository)
    known = _configs.get(repository)
    if known is None or known[0] != stamp:
        where = [str(repository.top or repository.git_dir.parent), *repository.arguments()]
        output = _asked(where, ["config", "--list", "-z", "--show-origin"], {}, end)
        known = _configs[repository] = (stamp, parse_config(output, repository))
    return known[1]


def _stamp(repository: Repository) -> _Stamp:
    """Differs when a person has set something in the repository meanwhile: another address of its remote."""
    try:
        found = os.stat(config_file(repository.git_dir))
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _check_trust(repository: Repository, top: Path, end: float) -> None:
    """Git's own word on whether the repository is one, and is to be trusted (`safe.directory`)."""
    if repository in _trusted:
        return
    above = {"GIT_CEILING_DIRECTORIES": str(top.parent)}
    said = _asked([str(top)], ["rev-parse", "--absolute-git-dir"], above, end)
    check_same(repository, os.fsdecode(said).rstrip("\n"))
    _trusted.add(repository)


def _asked(where: Sequence[str], question: Sequence[str], more: Mapping[str, str], end: float) -> bytes:
    """A question that git must answer before it is used, and that starts no program.

    Raises `GitError`, and never `GitFailed`, which callers may take for a no.
    """
    hidden = environment.hidden(os.environ, network=False, tokens=False)
    added = {**environment.added(network=False), **more}
    try:
        return _run(["-C", *where], question, hidden, added, lambda: end)
    except GitFailed as error:
        raise GitError(f"git refuses to work here: {error.said}", hint=_refused_hint()) from error


def _run(
    where: Sequence[str],
    arguments: Sequence[str],
    hidden: Iterable[str],
    added: Mapping[str, str],
    end: Callable[[], float],
    stdin: bytes = b"",
    *,
    wrapped: bool = False,
) -> bytes:
    """The command, and what it printed; `wrapped` by GitPython. Git does not see the variables `hidden`: so GIT_DIR
    does not mislead it, and no key gets there.
    """
    unset = {name for name in hidden if name not in added}
    command = ["git", *where, *environment.OPTIONS, *arguments]
    began = time.monotonic()
    if wrapped:
        process, stdout, stderr, in_time = _wrapped(command, unset, added, end, stdin)
    else:
        process = _started(command, {**os.environ, **added}, unset, given=bool(stdin))
        stdout, stderr, in_time = _communicate(process, end, stdin or None)
    ended = f"{process.returncode}" if in_time else "given up"
    sizes = f"{len(stdin):,} bytes in, {len(stdout):,} out"
    trail.note(f"git {' '.join(arguments)}: {ended} in {trail.since(began)}, {sizes}")
    if process.returncode != 0 or not in_time:
        raise _failed(_name_of(arguments), process.returncode, stdout, stderr, in_time)
    return stdout


def _started(command: Sequence[str], env: dict[str, str], unset: Iterable[str], *, given: bool) -> Any:
    """In a session of its own: Ctrl-C is for us and must not tear a push, and there is no terminal to prompt on."""
    for name in unset:
        env.pop(name, None)
    pipe = subprocess.PIPE
    stdin = pipe if given else subprocess.DEVNULL
    try:
        return subprocess.Popen(  # noqa: S603 - an argument list
            command, stdin=stdin, stdout=pipe, stderr=pipe, env=env, start_new_session=True
        )
    except FileNotFoundError as error:
        raise _not_installed() from error
    except OSError as error:
        raise GitError(f"git cannot be started: {error.strerror}", hint=_refused_hint()) from error


def _wrapped(
    command: Sequence[str],
    unset: Iterable[str],
    added: Mapping[str, str],
    end: Callable[[], float],
    stdin: bytes,
) -> tuple[Any, bytes, bytes, bool]:
    """The same by GitPython, in a session of its own as well. It hands our whole environment down, and `env` takes out
    of it what git need not see, by name, so that no value gets into an argument list.

    Git gets the folder by `-C`: GitPython expands `~` and `$` in the one it is given.
    """
    import tempfile

    without = [word for name in unset for word in ("-u", name)]
    with tempfile.TemporaryFile() as given:
        given.write(stdin)
        given.seek(0)
        process = _by_gitpython(["env", *without, *command], given, {**os.environ, **added})
        return process, *_communicate(process, end)


def _by_gitpython(command: Sequence[str], stdin: BinaryIO, env: dict[str, str]) -> Any:
    os.environ["GIT_PYTHON_REFRESH"] = "quiet"  # no git at all is an answer, not a failed import
    try:
        from git.cmd import Git
        from git.exc import GitCommandNotFound
    except ImportError as error:  # it tries git when it is imported
        raise GitError(f"git refuses to work here: {error.__cause__}", hint=_refused_hint()) from error
    try:
        return Git().execute(command, istream=stdin, env=env, as_process=True, start_new_session=True)
    except GitCommandNotFound as error:
        raise _not_installed() from error


def _not_installed() -> GitError:
    return GitError("git is not installed", hint="install git, then run again")


def _communicate(
    process: Any, end: Callable[[], float], stdin: bytes | None = None
) -> tuple[bytes, bytes, bool]:
    """What the process printed on both streams, and whether it ended in time. Its children are ended with it."""
    while True:
        try:
            return *process.communicate(stdin, timeout=_LOOK_AGAIN), True
        except subprocess.TimeoutExpired:
            stdin = None  # it is on its way
            if time.monotonic() < end():
                continue
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        try:
            return *process.communicate(timeout=_LAST_WORDS), False
        except subprocess.TimeoutExpired:  # something that it started holds on to its streams
            return b"", b"", False


def run_git(root: Path, arguments: Sequence[str], timeout: float = 60.0) -> str:
    """The same for people's commands: text, without the last newline."""
    return call_git(root, arguments, timeout=timeout).decode("utf-8", "replace").rstrip("\n")


def _name_of(arguments: Sequence[str]) -> str:
    """The command among options that stand before it: each `-c` has a value."""
    words = iter(arguments)
    for word in words:
        if word == "-c":
            next(words, None)
        elif not word.startswith("-"):
            return word
    return arguments[0]


def _failed(name: str, status: int, stdout: bytes, stderr: bytes, in_time: bool) -> GitError:
    if status == NOT_FOUND:
        return _not_installed()
    out, told = (without_user_info(text.decode("utf-8", "replace")) for text in (stdout, stderr))
    lines = [line.strip() for line in told.splitlines() if line.strip() and not line.startswith("hint:")]
    said = " ".join(lines[-3:]) or f"exit code {status}"
    if not in_time:
        said = "it timed out"
    return GitFailed(f"git {name} failed: {said}", said=said, stdout=out, stderr=told, status=status)


class GitTexts:
    """Old file contents out of the object store of the repo around `root`."""

    def __init__(self, root: Path, timeout: float = 20.0) -> None:
        self._root = root
        self._timeout = timeout

    def read_blobs(self, blob_ids: Sequence[str]) -> Mapping[str, bytes]:
        """See the port. What is not a blob id, not there, or larger than 2 MiB is left out."""
        wanted = [blob_id for blob_id in blob_ids if _BLOB_ID.fullmatch(blob_id)]
        sizes = self._cat_file("--batch-check", wanted)
        small = _small_blobs(sizes)
        return dict(_split_batch(self._cat_file("--batch", [name for name in wanted if name in small])))

    def _cat_file(self, mode: str, names: Sequence[str]) -> bytes:
        if not names:
            return b""
        asked = "".join(f"{name}\n" for name in names).encode()
        arguments = ["-c", "protocol.allow=never", "cat-file", mode]
        try:
            return call_git(self._root, arguments, stdin=asked, timeout=self._timeout)
        except (GitError, OSError):
            return (
                b""  # no repo, no git, no room for a temporary file: the plan shows digests instead of texts
            )


def _small_blobs(sizes: bytes) -> set[str]:
    """`cat-file --batch-check`: a line `<id> <type> <size>` for every object that is there."""
    found = _SIZE_LINE.findall(sizes)
    return {name.decode() for name, size in found if int(size) <= MAX_BLOB}


def _split_batch(output: bytes) -> Iterator[tuple[str, bytes]]:
    """`cat-file --batch`: a header line `<id> <type> <size>`, the content, a newline, and so on."""
    at = 0
    while (end := output.find(b"\n", at)) >= 0:
        name, _, size = output[at:end].decode("ascii", "replace").rpartition(" ")
        if not size.isdigit():
            return
        yield name.partition(" ")[0], output[end + 1 : end + 1 + int(size)]
        at = end + 2 + int(size)
