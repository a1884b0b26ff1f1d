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

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # no git at all is an answer, not a failed import

from git.cmd import Git
from git.exc import GitCommandError, GitCommandNotFound

from reconciler.core.errors import GitError  # noqa: E402

MAX_BLOB = 2 * 1024 * 1024  # bytes; engine files and their texts are capped at half of that
_BLOB_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_CLEANED = ("env", "-i")  # the wrapper itself can only add variables, and ours hold GIT_DIR and keys
_KEPT = (
    "PATH",
    "HOME",
    "USERPROFILE",
    "SYSTEMROOT",
    "TMPDIR",
    "TEMP",
    "LANG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)


def run_git(root: Path, arguments: Sequence[str], timeout: float = 60.0) -> str:
    """One git command in `root`, and what it printed. Raises `GitError` with git's own words."""
    try:
        output = Git(str(root)).execute(
            [*_CLEANED, *_assignments(), "git", "--no-pager", "-c", "core.hooksPath=/dev/null", *arguments],
            kill_after_timeout=timeout,
        )
    except GitCommandNotFound as error:
        raise GitError("git is not installed", hint="install git, then run again") from error
    except GitCommandError as error:
        said = str(error.stderr).strip().removeprefix("stderr:").strip(" \n'") or f"exit code {error.status}"
        raise GitError(f"git {arguments[0]} failed: {said}") from error
    return output if isinstance(output, str) else ""


class GitTexts:
    """Old file contents out of the object store of the repo around `root`."""

    def __init__(self, root: Path, timeout: float = 20.0) -> None:
        self._root = root
        self._timeout = timeout

    def read_blobs(self, blob_ids: Sequence[str]) -> Mapping[str, bytes]:
        """See the port. What is not a blob id, not there, or larger than 2 MiB is left out."""
        wanted = [blob_id for blob_id in blob_ids if _BLOB_ID.fullmatch(blob_id)]
        sizes = self._cat_file("--batch-check", wanted)
        small = [name for name in wanted if _is_small_blob(sizes, name)]
        return dict(_split_batch(self._cat_file("--batch", small)))

    def _cat_file(self, mode: str, names: Sequence[str]) -> bytes:
        if not names:
            return b""
        with tempfile.TemporaryFile() as asked:
            asked.write("".join(f"{name}\n" for name in names).encode())
            asked.seek(0)
            try:
                output = Git(str(self._root)).execute(
                    [
                        *_CLEANED,
                        *_assignments(),
                        "git",
                        "--no-pager",
                        "-c",
                        "protocol.allow=never",
                        "cat-file",
                        mode,
                    ],
                    istream=asked,
                    kill_after_timeout=self._timeout,
                    stdout_as_string=False,
                    strip_newline_in_stdout=False,
                )
            except (GitCommandError, GitCommandNotFound, OSError):
                return b""  # no repo, no git: the plan shows digests instead of texts
        return output if isinstance(output, bytes) else b""


def clean_environment() -> dict[str, str]:
    """What git gets to see: the few variables it needs, and no prompt, no system-wide configuration, no lazy fetch."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }


def _assignments() -> list[str]:
    return [f"{name}={value}" for name, value in clean_environment().items()]


def _is_small_blob(sizes: bytes, name: str) -> bool:
    found = re.search(rb"^%s blob (\d+)$" % name.encode(), sizes, re.MULTILINE)
    return found is not None and int(found[1]) <= MAX_BLOB


def _split_batch(output: bytes) -> Iterator[tuple[str, bytes]]:
    """`cat-file --batch`: a header line `<id> <type> <size>`, the content, a newline, and so on."""
    at = 0
    while (end := output.find(b"\n", at)) >= 0:
        name, _, size = output[at:end].decode("ascii", "replace").rpartition(" ")
        if not size.isdigit():
            return
        yield name.partition(" ")[0], output[end + 1 : end + 1 + int(size)]
        at = end + 2 + int(size)
