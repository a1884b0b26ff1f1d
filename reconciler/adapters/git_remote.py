"""A remote's branch and ledger ref: look, fetch, commit without touching index or work tree, push as compare-and-swap.

Commits are made by `git fast-import`, one process for all of them: it takes a parent and the files that change, so
neither an index nor a work tree is involved. Nothing is forced: the branch is pushed plainly, and the ledger with the
value that we saw, which the remote compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.git import GitFailed, call_git
from reconciler.core.errors import GitError, Outrun, PushRefused, RemoteUnreachable

TRACKING = "refs/reconcile-remote"
WORK = "refs/reconcile-work"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who authors commits."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit in a log: `author` is `name <address>`."""

    id: str
    author: str
    message: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A commit to be made: these files put onto the parent's tree, or, with `alone`, being the whole tree.

    `:1` as a parent is the first draft that goes along with it.
    """

    parent: str | None
    files: Mapping[str, bytes]
    message: str
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    """A ref to move to `new`. With `expected` (`None`: must not exist yet) the remote compares first."""

    ref: str
    new: str
    compared: bool = False
    expected: str | None = None


@dataclass(slots=True)
class GitRemote:
    """One remote of the repo around `root`. Every method may raise `GitError`; those of the network
    `RemoteUnreachable`.
    """

    root: Path
    remote: str
    identity: Identity
    timeout: float = 60.0

    def tips(self, refs: Sequence[str]) -> dict[str, str]:
        """What the remote's refs point to now; those that it lacks are left out."""
        output = self._network(["ls-remote", "--quiet", "--end-of-options", self.remote, *refs])
        found = (
            line.split("\t", 1) for line in output.decode("utf-8", "replace").splitlines() if "\t" in line
        )
        return {name: tip for tip, name in found if name in refs}

    def fetch(self, refs: Iterable[str]) -> dict[str, str]:
        """Bring the remote's refs here (under `refs/reconcile-remote/`), and what they point to."""
        wanted = self.tips(list(refs))
        missing = [ref for ref, tip in wanted.items() if not self.has(tip)]
        if not missing:
            return wanted
        specs = [f"+{ref}:{TRACKING}/{ref.removeprefix('refs/')}" for ref in missing]
        depth = ["--depth=1"] if self._is_shallow() else []
        options = [
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--refmap=",
            *depth,
        ]
        self._network(["fetch", *options, "--end-of-options", self.remote, *specs])
        for ref in missing:
            wanted[ref] = self._text(["rev-parse", "--verify", f"{TRACKING}/{ref.removeprefix('refs/')}"])
        return wanted

    def has(self, commit: str) -> bool:
        """Whether the object is here, without fetching it."""
        try:
            self._call(["cat-file", "-e", "--end-of-options", f"{commit}^{{tree}}"])
        except GitFailed:
            return False
        return True

    def read(self, commit: str, path: str) -> bytes | None:
        """A file's content in a commit, or None when it is not there."""
        listed = self._call(["ls-tree", "-z", "--full-tree", "--end-of-options", commit, path])
        if not listed:
            return None
        blob = listed.split(b"\t", 1)[0].split()[2].decode()
        return self._call(["cat-file", "blob", blob])

    def commit(self, drafts: Sequence[Draft]) -> list[str]:
        """Make these commits and return their ids. Touches neither index nor work tree nor any branch."""
        stream = bytearray()
        for number, draft in enumerate(drafts, start=1):
            stream += _commit_stream(draft, number, self.identity)
        for number in range(1, len(drafts) + 1):
            stream += b"get-mark :%d\n" % number
        stream += b"done\n"
        output = self._call(
            ["fast-import", "--quiet", "--done", "--force", "--cat-blob-fd=1", "--date-format=now"],
            bytes(stream),
        )
        return output.decode("ascii").split()

    def push(self, updates: Sequence[Update]) -> None:
        """Move these refs on the remote, all or none.

        Raises `Outrun` when one of them has moved meanwhile, `PushRefused` when the remote will not have it, with its
        own words, `RemoteUnreachable` when nothing is known to have happened.
        """
        leases = [f"--force-with-lease={u.ref}:{u.expected or ''}" for u in updates if u.compared]
        atomic = ["--atomic"] if len(updates) > 1 else []
        specs = [f"{update.new}:{update.ref}" for update in updates]
        command = [
            "push",
            "--porcelain",
            "--no-verify",
            *atomic,
            *leases,
            "--end-of-options",
            self.remote,
            *specs,
        ]
        try:
            self._call(command, network=True)
        except GitFailed as error:
            raise _push_error(error, self.remote) from error

    def configured_identity(self) -> Identity | None:
        """Who git says commits here, or None where nobody told it."""
        name, email = (self._config(f"user.{what}") for what in ("name", "email"))
        return Identity(name, email) if name and email else None

    def current_branch(self) -> str | None:
        """The branch that is checked out, or None with a detached HEAD."""
        try:
            return self._text(["symbolic-ref", "--quiet", "--short", "HEAD"])
        except GitFailed:
            return None

    def exists(self) -> bool:
        """Whether the repo knows this remote."""
        return self._config(f"remote.{self.remote}.url") is not None

    def history(self, commit: str, limit: int) -> list[Commit]:
        """The commits up to this one, newest first."""
        options = ["-z", f"--max-count={limit}", "--format=%H%x09%an <%ae>%x09%B"]
        entries = self._text(["log", *options, "--end-of-options", commit]).split("\0")
        return [Commit(*entry.split("\t", 2)) for entry in entries if entry.strip()]

    def read_many(self, commits: Sequence[str], path: str) -> list[bytes]:
        """A file's content in each of these commits; empty where it is not there."""
        asked = "".join(f"{commit}:{path}\n" for commit in commits).encode()
        return _batch(self._call(["cat-file", "--batch"], asked))

    def _config(self, name: str) -> str | None:
        try:
            return self._text(["config", "--get", "--end-of-options", name]) or None
        except GitFailed:
            return None

    def _is_shallow(self) -> bool:
        return self._text(["rev-parse", "--is-shallow-repository"]) == "true"

    def _text(self, arguments: Sequence[str]) -> str:
        return self._call(arguments).decode("utf-8", "replace").strip()

    def _call(self, arguments: Sequence[str], stdin: bytes = b"", *, network: bool = False) -> bytes:
        return call_git(self.root, arguments, stdin=stdin, network=network, timeout=self.timeout)

    def _network(self, arguments: Sequence[str]) -> bytes:
        try:
            return self._call(arguments, network=True)
        except GitFailed as error:
            raise RemoteUnreachable(
                f"the remote `{self.remote}` cannot be read: {error.said}",
                hint="check the remote's URL, the network and the credentials that git has",
            ) from error


def _commit_stream(draft: Draft, number: int, identity: Identity) -> bytes:
    """One commit in the format of `git fast-import`."""
    message = draft.message.encode("utf-8", "replace")
    who = f"{_plain(identity.name)} <{_plain(identity.email)}> now"
    stream = f"commit {WORK}/{number}\nmark :{number}\nauthor {who}\ncommitter {who}\n".encode()
    stream += b"data %d\n%s\n" % (len(message), message)
    if draft.parent is not None:
        stream += f"from {draft.parent}\n".encode()
    if draft.alone:
        stream += b"deleteall\n"
    for path, content in draft.files.items():
        stream += b"M 100644 inline %s\ndata %d\n%s\n" % (_quoted(path), len(content), content)
    return stream + b"\n"


def _plain(text: str) -> str:
    return re.sub(r"[<>\x00-\x1f]", "", text).strip() or "reconcile"


def _quoted(path: str) -> bytes:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'.encode()


_MOVED = (
    "stale info",
    "non-fast-forward",
    "fetch first",
    "incorrect old value",
    "failed to lock",
    "cannot lock ref",
)
_LINE = re.compile(r"^!\t[^\t]*\t(.*)$", re.MULTILINE)


def _push_error(error: GitFailed, remote: str) -> GitError:
    """What a failed push means, from what git prints for machines, and what the remote said for people."""
    reasons = [reason for reason in _LINE.findall(error.stdout) if "atomic push failed" not in reason]
    told = "; ".join(dict.fromkeys(_remote_words(error.stderr))) or "; ".join(dict.fromkeys(reasons))
    refused = [reason for reason in reasons if not any(word in reason for word in _MOVED)]
    if refused:
        return PushRefused(
            f"the remote `{remote}` refused the push: {told or error.said}",
            hint="allow this push (branch protection, hook, permission), or publish by other means; "
            "nothing is lost: the next run that may push publishes it",
        )
    if reasons:
        return Outrun(f"the remote `{remote}` has moved: {'; '.join(reasons)}")
    if _is_about_rights(error.stderr):
        return PushRefused(
            f"the remote `{remote}` refused the push: {error.said}",
            hint="give the token or key the right to push; nothing is lost: the next run that may push publishes it",
        )
    return RemoteUnreachable(
        f"the remote `{remote}` cannot be reached: {error.said}",
        hint="nothing is lost; run again when it is back",
    )


def _remote_words(stderr: str) -> list[str]:
    lines = (
        line.strip().removeprefix("remote:").strip() for line in stderr.splitlines() if "remote:" in line
    )
    return [line for line in lines if line]


def _is_about_rights(stderr: str) -> bool:
    words = (
        "Permission denied",
        "Authentication failed",
        "could not read Username",
        "403",
        "401",
        "not permitted",
    )
    return any(word in stderr for word in words)


def _batch(output: bytes) -> list[bytes]:
    """The contents in what `cat-file --batch` prints: `<id> <type> <size>`, or `<name> missing`, line by line."""
    contents: list[bytes] = []
    at = 0
    while (end := output.find(b"\n", at)) >= 0:
        size = output[at:end].rpartition(b" ")[2]
        if not size.isdigit():
            contents.append(b"")
            at = end + 1
            continue
        contents.append(output[end + 1 : end + 1 + int(size)])
        at = end + 2 + int(size)
    return contents
