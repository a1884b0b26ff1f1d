"""A remote's branch and ledger ref: look, fetch, commit without touching index or work tree, push as compare-and-swap.

Commits are made by `git fast-import`, one process for all of them: it takes a parent and the files that change, so
neither an index nor a work tree is involved. Nothing is forced: the branch is pushed plainly, and the ledger with the
value that we saw, which the remote compares.

What was fetched is kept under `refs/reconcile-remote/`, so that the next fetch is small; no other ref is left behind.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.adapters.git.command import UNSET, GitFailed, call_git, read_config
from reconciler.adapters.git.drafts import BIG, Draft, Identity, stream_of
from reconciler.adapters.git.printed import (
    changed_in,
    contents_of,
    entries_in,
    names_in,
    parents_in,
    tips_in,
    versions_in,
)
from reconciler.adapters.git.push import in_the_way, is_locked, push_error
from reconciler.adapters.git.refs import tracking_ref
from reconciler.adapters.git.signing import signed, signs_commits
from reconciler.adapters.project.places import find_git, object_id_length
from reconciler.adapters.storage.durable_files import read_regular
from reconciler.core.engine.fingerprint import blob_id
from reconciler.core.errors import GitError, RefMoved, RemoteUnreachable, StorageError

WORK = "refs/reconcile-work"  # what git fast-import wants a name for, until it ends
FETCH_TRIES = 5
LOCKED_FOR = (0.1, 0.3, 0.6, 1.0)  # seconds until a lock file counts as left over
_PLAIN_DIFF = ("--no-textconv", "--no-ext-diff", "--no-color")  # whatever attributes and configuration name
# A lockfile of many megabytes is packed once, quickly, and not packed again for a folder of its own.
_BIG_IMPORT = ("-c", "fastimport.unpackLimit=1", "-c", "pack.compression=1")
LOG_DEPTH = 1000  # commits of a log that are looked through in a shallow clone


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit in a log: `author` is `name <address>`."""

    id: str
    author: str
    message: str


@dataclass(frozen=True, slots=True)
class Update:
    """A ref to move to `new`, or to delete where that is empty. With `expected` (`None`: must not exist yet) the remote
    compares first.
    """

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
    sign: bool | None = None  # None: as git signs commits
    notice: Callable[[str], object] = lambda text: None
    _until: float = field(default=math.inf, repr=False)  # by the monotonic clock

    def hurry(self, seconds: float) -> None:
        """From now on everything ends within that time, what is under way too; later calls fail at once."""
        self._until = min(self._until, time.monotonic() + seconds)

    def tips(self, refs: Sequence[str]) -> dict[str, str]:
        """What the remote's refs point to now; those that it lacks are left out."""
        output = self._network(["ls-remote", "--quiet", "--end-of-options", self.remote, *refs])
        return {name: tip for name, tip in tips_in(output).items() if name in refs}

    def fetch(self, refs: Iterable[str]) -> dict[str, str]:
        """Bring the remote's refs here (under `refs/reconcile-remote/`), and what they point to.

        All of it is of one moment: a ledger that was emptied when the lockfile came onto the branch must not be seen
        beside the branch from before that.
        """
        for _ in range(FETCH_TRIES):
            wanted = self.tips(list(refs))
            here = self.are_here(wanted.values())
            missing = [ref for ref, there in zip(wanted, here, strict=True) if not there]
            if not missing or self._bring(missing) == {ref: wanted[ref] for ref in missing}:
                return wanted
        raise RefMoved(f"the refs of the remote `{self.remote}` change faster than they can be fetched")

    def _bring(self, refs: Sequence[str]) -> dict[str, str]:
        """Fetches these refs, and returns what they turned out to point to. A shallow repo that has an older state of a
        branch gets what came since, so that a later merge finds the way; where it has none, the tip alone.
        """
        flat = [ref for ref in refs if self._is_shallow() and not self._knows(ref)]
        whole = [ref for ref in refs if ref not in flat]
        if whole:
            self._fetch(whole)
        if flat:
            self._fetch(flat, "--depth=1")
        return {ref: self._text(["rev-parse", "--verify", tracking_ref(ref)]) for ref in refs}

    def _fetch(self, refs: Sequence[str], *more: str) -> None:
        quiet = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-prune")
        options = (*quiet, "--no-recurse-submodules", "--refmap=", *more)
        specs = [f"+{ref}:{tracking_ref(ref)}" for ref in refs]
        self._network(["fetch", *options, "--end-of-options", self.remote, *specs])

    def _knows(self, ref: str) -> bool:
        """Whether some state of it is here."""
        branch = ref.removeprefix("refs/heads/")
        names = [tracking_ref(ref)]
        if branch != ref:
            names += [ref, f"refs/remotes/{self.remote}/{branch}"]
        return bool(self._text(["for-each-ref", "--format=%(refname)", *names]))

    def are_here(self, commits: Collection[str]) -> list[bool]:
        """Which of these commits are here with their trees, without fetching them."""
        asked = "".join(f"{commit}^{{tree}}\n" for commit in commits).encode()
        offline = ["-c", "protocol.allow=never", "cat-file", "--batch-check=%(objectname)"]
        try:
            told = call_git(self.root, offline, stdin=asked) if commits else b""
        except GitFailed:
            return [False] * len(commits)
        return [name is not None for name in names_in(told)]

    def read(self, places: Sequence[tuple[str, str]]) -> list[bytes | None]:
        """The contents of files, each given as a commit and a path in it; None for one that is not there."""
        return self.contents([f"{commit}:{path}" for commit, path in places])

    def contents(self, names: Sequence[str]) -> list[bytes | None]:
        """The contents of blobs, by their names."""
        asked = "\n".join([*names, ""]).encode()
        return contents_of(self._call(["cat-file", "--batch"], asked)) if names else []

    def ids(self, places: Sequence[tuple[str, str]]) -> list[str | None]:
        """The ids of files, each given as a commit and a path in it; None for one that is not there."""
        asked = "".join(f"{commit}:{path}\n" for commit, path in places).encode()
        return names_in(self._call(["cat-file", "--batch-check=%(objectname)"], asked))

    def checked_out(self, name: str, blob: str | None) -> bytes | None:
        """A file of the project, where it is this very blob: git need not unpack megabytes that are here."""
        try:
            content = read_regular(self.root / name, name) or b""
        except StorageError:  # those who need the file tell it
            return None
        same = blob is not None and b"\r" not in content and blob_id(content, len(blob)) == blob
        return content if same else None

    def head(self) -> str | None:
        """The commit that is checked out; None before the first one."""
        return self._answer(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])

    def base_of(self, tip: str) -> str | None:
        """The commit that the checkout and this one have in common; in a shallow clone that does not reach it, HEAD
        where the remote is known to have it. None where that cannot be told.
        """
        head = self.head()
        if head is None or head == tip:
            return head
        common = self._answer(["merge-base", "HEAD", tip])
        if common is not None or not self._is_shallow():
            return common
        return head if self._answer(["for-each-ref", "--contains", head, "refs/remotes"]) else None

    def changed(self, since: str, until: str, folder: str) -> dict[str, str | None]:
        """The files in a folder that differ between two commits, with their blob ids in the later; None: gone there."""
        tree = ["diff-tree", "-r", "-z", "--no-renames", "--no-ext-diff", "--full-index", since, until]
        inside = ["--", f":(top,literal){folder}"] if folder else []
        return changed_in(self._call([*tree, *inside]))

    def blob_at(self, commit: str, path: str) -> str | None:
        """The id of a file in a commit."""
        return self._answer(["rev-parse", "--verify", "--quiet", f"{commit}:{path}"])

    def blobs_in_log(self, ref: str, commit: str, path: str) -> list[str]:
        """Every version of a file up to a commit of a ref, by its id, newest first."""
        versions = self._versions(ref, commit, path)
        return list(dict.fromkeys(version for version in versions if version.strip("0")))

    def _versions(self, ref: str, commit: str, path: str) -> list[str]:
        self.fetch_more(ref, LOG_DEPTH)
        log = ["log", *_PLAIN_DIFF, "--raw", "--no-abbrev", "--no-renames", "--format=", commit, "--", path]
        return versions_in(self._text(log))

    def log_of(self, ref: str, commit: str, path: str, text: str) -> list[str]:
        """The commits that lead up to one of a ref and put this text into a file or took it out, newest first."""
        self.fetch_more(ref, LOG_DEPTH)
        return self._text(["log", "--format=%H", f"-S{text}", commit, "--", path]).split()

    def modes(self, commit: str, paths: Sequence[str]) -> dict[str, str]:
        """What these paths are in a commit: `100644`, `100755`, `120000` (a link); those not there are left out."""
        literal = ["--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--", *paths]
        entries = self._call(literal).decode("utf-8", "replace").split("\0") if paths else []
        return {entry.partition("\t")[2]: entry.partition(" ")[0] for entry in entries if entry}

    def files_with(self, commit: str, text: str, folder: str) -> list[str]:
        """The files of a folder in a commit that have this text somewhere."""
        asked = ["grep", "-l", "-z", "--full-name", "--no-color", "-I", "-F", "-e", text, commit, "--"]
        try:
            found = self._call([*asked, f":(top,literal){folder}"])
        except GitFailed as error:
            if error.status == UNSET:  # as `git grep` ends where nothing has it
                return []
            raise
        names = found.decode("utf-8", "surrogateescape").split("\0")
        return [name.removeprefix(f"{commit}:") for name in names if name]

    def seen_last(self, branch: str) -> str | None:
        """The commit that a branch of the remote was at when it was seen last; None where it never was."""
        for ref in (tracking_ref(f"refs/heads/{branch}"), f"refs/remotes/{self.remote}/{branch}"):
            if (tip := self._answer(["rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"])) is not None:
                return tip
        return None

    def commit(self, drafts: Sequence[Draft]) -> list[str]:
        """Make these commits and return their ids. Touches neither index nor work tree nor any branch."""
        names = [f"{WORK}/{os.urandom(8).hex()}/{number}" for number in range(1, len(drafts) + 1)]
        nothing = "0" * object_id_length(self.root)
        big = any(len(content) >= BIG for draft in drafts for content in draft.files.values())
        output = self._call(
            [
                *(_BIG_IMPORT if big else ()),
                "fast-import",
                *(("--depth=0",) if big else ()),
                "--quiet",
                "--done",
                "--force",
                "--cat-blob-fd=1",
                "--date-format=now",
            ],
            stream_of(drafts, names, self.identity, nothing),
        )
        made = output.decode("ascii").split()
        return [
            self._signed(one) if draft.for_branch else one for draft, one in zip(drafts, made, strict=True)
        ]

    def _signed(self, commit: str) -> str:
        """Signed where that is asked for. A key that only a desk has is no reason to end a run: a branch that takes
        signed commits alone says so.
        """
        if self.sign is False or (self.sign is None and not signs_commits(self.root)):
            return commit
        try:
            return signed(self.root, commit, self.timeout)
        except GitError as error:
            if self.sign:
                raise
            self.notice(f"{error.message}; committing without a signature")
            return commit

    def push(self, updates: Sequence[Update]) -> None:
        """Move these refs on the remote, all or none.

        Raises `RefMoved` when one of them has moved meanwhile, `PushRefused` when the remote will not have it, with its
        own words, `RemoteUnreachable` when nothing is known to have happened.
        """
        leases = [f"--force-with-lease={u.ref}:{u.expected or ''}" for u in updates if u.compared]
        atomic = ["--atomic"] if len(updates) > 1 else []
        only = ["--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no"]
        specs = [f"{update.new}:{update.ref}" for update in updates]
        command = ["push", "--porcelain", *only, *atomic, *leases, "--end-of-options", self.remote, *specs]
        for pause in (*LOCKED_FOR, None):
            try:
                self._call(command)
                break
            except GitFailed as error:
                if pause is None or not is_locked(error):
                    raise push_error(error, self.remote) from error
            time.sleep(pause)  # another push holds the lock; one that was left over stays
        self._keep(updates)

    def _keep(self, updates: Sequence[Update]) -> None:
        """Note what the remote has now, so that no clean-up takes it for garbage; the push is done in any case."""
        moved = "".join(f"update {tracking_ref(update.ref)} {update.new}\n" for update in updates)
        with suppress(GitError):
            self._call(["update-ref", "--stdin"], moved.encode())

    def configured_identity(self) -> Identity | None:
        """Who git says commits here, or None where nobody told it."""
        config = read_config(self.root, self.timeout)
        name, email = (config.last(f"user.{what}").strip() for what in ("name", "email"))
        return Identity(name, email) if name and email else None

    def current_branch(self) -> str | None:
        """The branch that is checked out, or None with a detached HEAD."""
        head = self._answer(["symbolic-ref", "--quiet", "HEAD"])  # a short name depends on what else has it
        return None if head is None else head.removeprefix("refs/heads/")

    def exists(self) -> bool:
        """Whether the repo knows this remote."""
        return self.url() != ""

    def url(self) -> str:
        """The remote's address, as configured; empty where there is none. It may hold a password."""
        return read_config(self.root, self.timeout).last(f"remote.{self.remote}.url").strip()

    def parents(self, commit: str) -> list[str]:
        """As the commit itself says; in a shallow clone they may not be here."""
        return parents_in(self._text(["cat-file", "commit", commit]))

    def is_ancestor(self, commit: str, of: str) -> bool:
        """As far as the history here tells."""
        try:
            self._call(["merge-base", "--is-ancestor", commit, of])
        except GitFailed:
            return False
        return True

    def fetch_more(self, ref: str, commits: int) -> None:
        """Bring so many commits of a ref here where the clone is shallow; elsewhere they are here."""
        if self._is_shallow():
            self._fetch([ref], f"--depth={commits}")

    def history(self, commit: str, limit: int) -> list[Commit]:
        """The commits up to this one, newest first."""
        options = ["-z", f"--max-count={limit}", "--format=%H%x09%an <%ae>%x09%B"]
        entries = entries_in(self._text(["log", *options, "--end-of-options", commit]), 3)
        return [Commit(*entry) for entry in entries]

    def _is_shallow(self) -> bool:
        return self._text(["rev-parse", "--is-shallow-repository"]) == "true"

    def _answer(self, arguments: Sequence[str]) -> str | None:
        """What git says, or None where it says no."""
        try:
            return self._text(arguments) or None
        except GitFailed:
            return None

    def _text(self, arguments: Sequence[str]) -> str:
        return self._call(arguments).decode("utf-8", "replace").strip()

    def _call(self, arguments: Sequence[str], stdin: bytes = b"") -> bytes:
        """As with the network, since a partial clone may have to fetch what is read, and for one configuration."""
        if time.monotonic() >= self._until:
            raise RemoteUnreachable(f"ran out of time before reaching the remote `{self.remote}`")
        return call_git(
            self.root, arguments, stdin=stdin, network=True, timeout=self.timeout, until=lambda: self._until
        )

    def _network(self, arguments: Sequence[str]) -> bytes:
        try:
            return self._call(arguments)
        except GitFailed as error:
            if (found := in_the_way(error, "the clone")) is not None:
                raise found from error
            raise RemoteUnreachable(
                f"the remote `{self.remote}` cannot be read: {error.said}",
                hint="check the remote's URL, the network and git's credentials",
            ) from error


def has_remote(root: Path, remote: str) -> bool:
    """Whether the project is in a repo that knows the remote."""
    return find_git(root) is not None and GitRemote(root, remote, Identity("", "")).exists()
