"""Git, through GitPython's command wrapper and nowhere else.

Arguments are lists, values come after `--end-of-options` or on standard input, hooks and prompts are off, the
environment is cleaned, and every command has a timeout. Importing GitPython costs 80 ms, so this module is imported
only where git is really asked.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

os.environ["GIT_PYTHON_REFRESH"] = "quiet"  # no git at all is an answer, not a failed import

from git.cmd import Git
from git.exc import GitCommandError, GitCommandNotFound

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
    root: Path, arguments: Sequence[str], *, stdin: bytes = b"", network: bool = False, timeout: float = 60.0
) -> bytes:
    """One git command in `root`, and what it printed. Raises `GitFailed`, or `GitError` when there is no git.

    `network` is for commands that reach a remote: they see the person's keys, proxies and system-wide configuration.
    """
    with tempfile.TemporaryFile() as given:
        given.write(stdin)
        given.seek(0)
        try:
            output = Git(str(root)).execute(
                [*_git(root, network), "-c", "core.hooksPath=/dev/null", *arguments],
                istream=given,
                env=_added(network),
                kill_after_timeout=timeout,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
            )
        except GitCommandNotFound as error:
            raise GitError("git is not installed", hint="install git, then run again") from error
        except GitCommandError as error:
            raise _failed(error, arguments[0]) from error
    return output if isinstance(output, bytes) else b""


def run_git(root: Path, arguments: Sequence[str], timeout: float = 60.0) -> str:
    """The same for people's commands: text, without the last newline."""
    return call_git(root, arguments, timeout=timeout).decode("utf-8", "replace").rstrip("\n")


def _failed(error: GitCommandError, name: str) -> GitError:
    if error.status == NOT_FOUND:
        return GitError("git is not installed", hint="install git, then run again")
    stdout, stderr = (
        _unquoted(text, label) for text, label in ((error.stdout, "stdout"), (error.stderr, "stderr"))
    )
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not line.startswith("hint:")]
    said = " ".join(lines[-3:]) or f"exit code {error.status}"
    status = error.status if isinstance(error.status, int) else None
    return GitFailed(f"git {name} failed: {said}", said=said, stdout=stdout, stderr=stderr, status=status)


def _unquoted(text: object, label: str) -> str:
    """GitPython wraps what a command printed in a label and quotes."""
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text or "")
    plain = plain.strip()
    if plain.startswith(f"{label}: '") and plain.endswith("'"):
        return plain[len(label) + 3 : -1]
    return plain


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
    """What git is told by variables: no prompt, no lazy fetch, and what it prints in English."""
    added = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }
    if not network:
        return added | {"GIT_CONFIG_NOSYSTEM": "1"}
    ssh = os.environ.get("GIT_SSH_COMMAND") or os.environ.get("GIT_SSH")
    return added if ssh else added | {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}


def _git(root: Path, network: bool) -> list[str]:
    """The start of every command. The wrapper hands our whole environment down, and `env` takes out of it what git
    need not see, by name: so GIT_DIR does not mislead it, and no key gets there, nor any value into an argument list.

    Git gets the folder, too: the wrapper expands `~` and `$` in the one it is given.
    """
    kept = _KEPT | _KEPT_FOR_NETWORK if network else _KEPT
    hidden = [
        name for name in os.environ if name not in kept and not (network and _CONFIG_VALUE.fullmatch(name))
    ]
    unset = [word for name in hidden if name not in _added(network) for word in ("-u", name)]
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
