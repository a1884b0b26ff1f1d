"""Git, through GitPython's command wrapper and nowhere else.

Arguments are lists, values come after `--end-of-options` or on standard input, hooks and prompts are off, the
environment is cleaned, and every command has a timeout. Importing GitPython costs 80 ms, so this module is imported
only where git is really asked.
"""

from __future__ import annotations

import functools
import math
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ["GIT_PYTHON_REFRESH"] = "quiet"  # no git at all is an answer, not a failed import

from git.cmd import Git
from git.exc import GitCommandNotFound

from reconciler.core.errors import GitError

MAX_BLOB = 2 * 1024 * 1024  # bytes; engine files and their texts are capped at half of that
_SIZE_LINE = re.compile(rb"^([0-9a-f]+) blob ([0-9]+)$", re.MULTILINE)
_BLOB_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
NOT_FOUND = 127  # what `env` ends with when there is no such command
_KEPT = frozenset(
    ("PATH", "HOME", "USERPROFILE", "SYSTEMROOT", "TMPDIR", "TEMP", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR")
)
# What reaching a remote may need besides: keys, proxies, and how the person reaches hosts. Only for those commands.
_KEPT_FOR_NETWORK = frozenset(
    (
        *(
            "SSH_AUTH_SOCK",
            "GIT_SSH",
            "GIT_SSH_COMMAND",
            "XDG_CONFIG_HOME",
            "XDG_RUNTIME_DIR",
            "USER",
            "LOGNAME",
        ),
        *("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "no_proxy"),
        *("all_proxy", "GIT_SSL_CAINFO", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_COUNT"),
    )
)
_USERINFO = re.compile(r"://[^/\s'\"]*@")
_LOOK_AGAIN = 0.25  # seconds between two looks at whether a command has taken too long
_LAST_WORDS = 2.0  # seconds for a killed command to be gone
_CONFIG_VALUE = re.compile(r"GIT_CONFIG_(KEY|VALUE)_[0-9]+")


class GitFailed(GitError):
    """A git command that ended with something else than 0: `said` is what it said, in one line."""

    def __init__(self, message: str, *, said: str, stdout: str, stderr: str, status: int | None) -> None:
        super().__init__(message)
        self.said = said
        self.stdout = stdout
        self.stderr = stderr
        self.status = status


def call_git(
    root: Path,
    arguments: Sequence[str],
    *,
    stdin: bytes = b"",
    network: bool = False,
    timeout: float = 60.0,
    until: Callable[[], float] = lambda: math.inf,
) -> bytes:
    """One git command in `root`, and what it printed. Raises `GitFailed`, or `GitError` when there is no git.

    `network` is for commands that reach a remote: they see the person's keys, proxies and system-wide configuration.
    `until` is asked again and again for the `time.monotonic()` at which a command under way is given up.
    """
    end = time.monotonic() + timeout
    added = _added(network)
    if network and arguments[0] != "config" and not _has_ssh_command(root):
        added["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes"
    with tempfile.TemporaryFile() as given:
        given.write(stdin)
        given.seek(0)
        try:
            # A session of its own: Ctrl-C is for us and must not tear a push, and there is no terminal to prompt on.
            process = Git(str(root)).execute(
                [*_git(root, network, added), "-c", "core.hooksPath=/dev/null", *arguments],
                istream=given,
                env=added,
                as_process=True,
                start_new_session=True,
            )
        except GitCommandNotFound as error:
            raise GitError("git is not installed", hint="install git, then run again") from error
        stdout, stderr, in_time = _communicate(process, lambda: min(end, until()))
    if process.returncode != 0 or not in_time:
        raise _failed(arguments[0], process.returncode, stdout, stderr, in_time)
    return stdout


def _communicate(process: Any, end: Callable[[], float]) -> tuple[bytes, bytes, bool]:
    """What the process printed on both streams, and whether it ended in time. Its children are ended with it."""
    while True:
        try:
            return *process.communicate(timeout=_LOOK_AGAIN), True
        except subprocess.TimeoutExpired:
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


def _failed(name: str, status: int, stdout: bytes, stderr: bytes, in_time: bool) -> GitError:
    if status == NOT_FOUND:
        return GitError("git is not installed", hint="install git, then run again")
    out, told = (without_secrets(text.decode("utf-8", "replace")) for text in (stdout, stderr))
    lines = [line.strip() for line in told.splitlines() if line.strip() and not line.startswith("hint:")]
    said = " ".join(lines[-3:]) or f"exit code {status}"
    if not in_time:
        said = "it took too long and was given up"
    return GitFailed(f"git {name} failed: {said}", said=said, stdout=out, stderr=told, status=status)


def without_secrets(text: str) -> str:
    """The text without the user names and passwords of the URLs in it."""
    return _USERINFO.sub("://", text)


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


def _added(network: bool) -> dict[str, str]:
    """What git is told by variables: no prompt, no lazy fetch without the network, and what it prints in English."""
    added = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GCM_INTERACTIVE": "never",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }
    return added if network else added | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_NO_LAZY_FETCH": "1"}


def _has_ssh_command(root: Path) -> bool:
    """Whether variables or git's configuration say how to call ssh. CI keeps the path of its key there."""
    if os.environ.get("GIT_SSH_COMMAND") or os.environ.get("GIT_SSH"):
        return True
    return _configured(str(root), "core.sshCommand")


@functools.lru_cache
def _configured(root: str, name: str) -> bool:
    try:
        call_git(Path(root), ["config", "--get", name], network=True)
    except GitError:
        return False
    return True


def _git(root: Path, network: bool, added: Mapping[str, str]) -> list[str]:
    """The start of every command. The wrapper hands our whole environment down, and `env` takes out of it what git
    need not see, by name: so GIT_DIR does not mislead it, and no key gets there, nor any value into an argument list.

    Git gets the folder, too: the wrapper expands `~` and `$` in the one it is given.
    """
    kept = _KEPT | _KEPT_FOR_NETWORK if network else _KEPT
    hidden = [
        name for name in os.environ if name not in kept and not (network and _CONFIG_VALUE.fullmatch(name))
    ]
    unset = [word for name in hidden if name not in added for word in ("-u", name)]
    return ["env", *unset, "git", "-C", os.path.abspath(root), "--no-pager"]


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
