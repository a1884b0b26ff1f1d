"""A clone that follows a branch of its remote: looked at, fetched, and moved, without losing anything that is in it.

The work tree goes forward only. What is dirty in it and is what the branch has now came from our own runs, which write
the lockfile and its outputs last; it is taken into the index first, so that git moves on over it. What is dirty
otherwise belongs to somebody, and stops the move. A branch that was forced is followed where HEAD is a commit that the
branch had before; a commit that is only here is somebody's.

A move may be killed, or fail in the middle: the disk is full, a filter does not work. It is announced in a file first,
so that the next one knows what was left by it: a lock, and files that have the new content, or a part of it.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from reconciler.adapters.checkout.move_troubles import had_not_begun, in_the_way, why_not
from reconciler.adapters.git.command import GitFailed, call_git, forget_configuration
from reconciler.adapters.git.drafts import Identity
from reconciler.adapters.git.refs import tracking_ref
from reconciler.adapters.git.remote import GitRemote
from reconciler.adapters.project.places import find_git, merge_under_way
from reconciler.adapters.storage.durable_files import read_regular, replace_file
from reconciler.core.commands import git
from reconciler.core.digests import sha256
from reconciler.core.errors import GitError, StorageError
from reconciler.core.patterns import lazy_pattern
from reconciler.core.watch.machine import Trouble

MOVING = "watch.moving.json"  # what a move that is under way goes from and to
PARTLY = "watch.moved-partly.json"  # the same of one that ended by itself, and so left no lock
_QUIET = ("-c", "maintenance.auto=false", "-c", "gc.auto=0", "-c", "submodule.recurse=false")
_TO = lazy_pattern(rb'"to": "([0-9a-f]{40}(?:[0-9a-f]{24})?)"')
_ORPHAN = 10.0  # seconds after which a git that outlived a killed move is surely gone
_FETCH_END = 1.0  # seconds for what reads, once all is to end


class Moved(NamedTuple):
    """`before` and `now` are commits, the same where nothing was to be done. `forced`: the branch was rewritten."""

    before: str
    now: str
    forced: bool = False


class Follower:
    """The clone around `root`. `lockfile` is its path in the repository, `note` the file with the digest of what a run
    here wrote last; `written` gives all paths that runs write, `inputs` are those from which plans read files that git
    may not know yet. With `keeps`, what runs write is nowhere but here. `notice` is told what was put back.
    """

    def __init__(
        self,
        root: Path,
        remote: str,
        branch: str,
        *,
        private: Path,
        lockfile: str,
        note: Path,
        written: Callable[[], Sequence[str]],
        inputs: Sequence[str],
        keeps: bool = False,
        notice: Callable[[str], object] = lambda text: None,
    ) -> None:
        self.branch = branch
        self.notice = notice
        self._lockfile = lockfile
        self._written = written
        self._keeps = keeps
        self._root = root
        self._top, self._git_dir = find_git(root) or (root, root / ".git")
        self._remote = GitRemote(root, remote, Identity("reconcile", "reconcile@localhost"))
        self._private = private
        self._note = note
        self._inputs = tuple(inputs)
        self._until = math.inf

    @property
    def ref(self) -> str:
        return f"refs/heads/{self.branch}"

    @property
    def _followed(self) -> str:
        """Keeps the commit that the clone was brought to last."""
        return f"refs/reconcile-watch/{tracking_ref(self.ref).rpartition('/')[2]}"

    def hurry(self, seconds: float) -> None:
        """From now on everything ends within that time, what another thread is at as well. Only moving the clone may
        take all of it: to cut off a fetch costs nothing.
        """
        self._until = min(self._until, time.monotonic() + seconds)
        self._remote.hurry(min(seconds, _FETCH_END))

    def fetch(self, ledger: str | None) -> dict[str, str]:
        """What branch and ledger are at on the remote, all of it fetched. Raises `GitError`."""
        forget_configuration()  # the clone's, which its owner may have changed since
        refs = [self.ref] if ledger is None else [self.ref, ledger]
        tips = self._remote.fetch(refs)
        if self.ref not in tips:
            raise GitError(
                f"the remote `{self._remote.remote}` has no branch `{self.branch}`",
                hint="push it first, or choose another branch with the setting `branch`",
            )
        return tips

    def read(self, commit: str, path: str) -> bytes | None:
        """A file of a commit that was fetched."""
        return self._remote.read([(commit, path)])[0]

    # ── the work tree ──────────────────────────────────────────────────────────────────────────────────────────────

    def move_to(self, tip: str) -> Moved | Trouble:
        """Bring the work tree to this commit, or say what is in the way. Raises `GitError`, `StorageError`."""
        head = self._remote.head()
        if (trouble := self._not_here(head)) is not None or head is None:
            return trouble or Trouble("clone", "the clone has no commit", needs_person=True)
        if (trouble := self._tidy(head, tip)) is not None:
            return trouble
        forced = False
        if head != tip:
            forced = not self._remote.is_ancestor(head, tip)
            if forced and not self._was_there(head):
                return Trouble(
                    "local_commits",
                    f"the clone has commits that `{self.branch}` on `{self._remote.remote}` lacks",
                    f"run `{git('log', f'{tip[:12]}..HEAD')}` to see them; push them, or move the branch here back",
                    True,
                )
            if (trouble := self._move(head, tip, forced)) is not None:
                return trouble
        for left in (MOVING, PARTLY):
            (self._private / left).unlink(missing_ok=True)
        self._call(["update-ref", self._followed, tip])
        forget_configuration()  # it may include a file that this commit brought
        return Moved(head, tip, forced)

    def _not_here(self, head: str | None) -> Trouble | None:
        """Another branch is checked out, or somebody is in the middle of something. A detached HEAD is moved along."""
        current = self._remote.current_branch()
        if current is not None and current != self.branch:
            return Trouble(
                "other_branch",
                f"the clone is on branch `{current}`, but `{self.branch}` is followed",
                f"run `{git('switch', self.branch)}`",
                True,
            )
        if merge_under_way(self._root):
            return Trouble(
                "merge", "a merge or rebase is in progress in the clone", f"run `{git('status')}`", True
            )
        return None

    def _was_there(self, head: str) -> bool:
        """Whether the remote's branch is known to have had this commit."""
        known = (self._followed, f"refs/remotes/{self._remote.remote}/{self.branch}")
        return any(self._remote.is_ancestor(head, ref) for ref in known)

    def _tidy(self, head: str, tip: str) -> Trouble | None:
        """Takes in what is dirty and the branch has; the rest of it is in the way."""
        killed = (self._private / MOVING).exists()
        if killed and (trouble := self._unlock()) is not None:
            return trouble
        left = self._left_over(tip)
        dirty, untracked = self._status()
        hidden, blocking = self._in_the_way(head, tip)
        if blocking:
            return in_the_way(blocking, self.branch)
        untracked += [path for path in hidden if path not in {*dirty, *untracked}]
        if not dirty and not untracked:
            return None
        ours, named = set(self._written()), [*dirty, *untracked]
        wanted, here = self._blobs_at(tip, named), self._blobs_here(named)
        meant = [self._blobs_at(commit, named) for commit in left]
        same, theirs = [], []
        for path in named:
            if wanted[path] is not None and here.get(path) == wanted[path]:
                same.append(path)
            elif any(self._is_part(path, blobs[path]) for blobs in meant):
                self._restore(head, path, wanted[path])
            elif path in ours and self._is_known(path, tip):
                if head != tip and self._remote.blob_at(head, path) != wanted[path]:
                    self._restore(head, path, wanted[path])
            elif path in dirty or wanted[path] is not None or self._is_input(path):
                theirs.append(path)
        if theirs:
            return in_the_way(theirs, self.branch)
        if head != tip and same:
            paths = "\0".join(f":(top,literal){path}" for path in same)
            self._call(
                ["add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul"], stdin=os.fsencode(paths)
            )
        return None

    def _status(self) -> tuple[list[str], list[str]]:
        """Changed files that git knows, and files that it does not; each from the top."""
        asked = [
            "status",
            "--porcelain",
            "-z",
            "--untracked-files=all",
            "--no-renames",
            "--ignore-submodules=all",
        ]
        entries = os.fsdecode(self._call(asked)).split("\0")
        found = [(entry[:2], entry[3:]) for entry in entries if entry]
        return [path for code, path in found if code != "??"], [path for code, path in found if code == "??"]

    def _in_the_way(self, head: str, tip: str) -> tuple[list[str], list[str]]:
        """What git would overwrite without a word, since it is ignored or in a submodule: files where the move adds
        files, and what stands where it needs a folder, or a file instead of a folder.
        """
        asked = ["diff-tree", "-r", "--no-renames", "--diff-filter=ADT", "--name-status", "-z", head, tip]
        words = os.fsdecode(self._call(asked)).split("\0") if head != tip else []
        named = list(zip(words[::2], words[1::2], strict=False))
        gone = {path for code, path in named if code == "D" and not self._is_folder(path)}
        files: list[str] = []
        blocking = [one for code, path in named if code == "T" for one in self._files_in(path)]
        folders: set[str] = set()
        for path in (path for code, path in named if code == "A"):
            above = {str(folder) for folder in PurePosixPath(path).parents[:-1]}
            folders |= above
            if above & gone:  # a file, or a link that leads elsewhere, which git takes away first
                continue
            if self._is_folder(path):
                blocking += [found for found in self._files_in(path) if found not in gone]
            elif os.path.lexists(self._top / path):
                files.append(path)
        for folder in folders - gone:
            if os.path.lexists(self._top / folder) and not self._is_folder(folder):
                blocking.append(folder)
        return files, sorted(blocking)

    def _is_folder(self, path: str) -> bool:
        return (self._top / path).is_dir() and not (self._top / path).is_symlink()

    def _files_in(self, folder: str) -> list[str]:
        """None of a link, or a file."""
        found: list[str] = []
        if not self._is_folder(folder):
            return found
        for above, folders, names in os.walk(self._top / folder):
            links = [name for name in folders if os.path.islink(os.path.join(above, name))]
            found += [os.path.relpath(os.path.join(above, name), self._top) for name in [*links, *names]]
        return found

    def _is_input(self, path: str) -> bool:
        return any(path == one or path.startswith(f"{one}/") for one in self._inputs)

    def _blobs_at(self, commit: str, paths: Sequence[str]) -> dict[str, str | None]:
        """The ids of files in a commit; None for one that is not there."""
        plain = [path for path in paths if _is_plain(path)]
        found = dict(zip(plain, self._remote.ids([(commit, path) for path in plain]), strict=True))
        return {path: found[path] if path in found else self._remote.blob_at(commit, path) for path in paths}

    def _blobs_here(self, paths: Sequence[str]) -> dict[str, str]:
        """The ids that files have as they are here; those that are none are left out."""
        plain = [path for path in paths if _is_plain(path) and self._content(path) is not None]
        asked = "".join(f"{self._top / path}\n" for path in plain)
        if not plain:
            return {}
        told = self._call(["hash-object", "--stdin-paths"], stdin=os.fsencode(asked)).decode("ascii").split()
        return dict(zip(plain, told, strict=True))

    def _is_known(self, path: str, tip: str) -> bool:
        """Whether what is in a file that runs write is sure to be elsewhere, too. The lockfile is where a run here
        wrote it, or the branch had it; outputs are made of it.
        """
        if self._keeps:
            return self._remote.blob_at(tip, path) == self._remote.blob_at("HEAD", path)
        if path != self._lockfile:
            return True
        content = self._content(path)
        if content is None:
            return False
        if self._noted() == sha256(content):
            return True
        return self._blobs_here([path]).get(path) in self._remote.blobs_in_log(self.ref, tip, path)

    def _restore(self, head: str, path: str, wanted: str | None) -> None:
        """Put a file back as the checked out commit has it. What was in it stays with git's objects for a while. One
        that is gone, and gone in the commit that is `wanted`, need not come back.
        """
        file, spec = self._top / path, f":(top,literal){path}"
        if wanted is None and not os.path.lexists(file):
            return
        if self._content(path) is not None:
            kept = self._call(["hash-object", "-w", "--", str(file)]).decode("ascii").strip()
            self.notice(f"{path} was put back; what a run wrote there is kept as {kept[:12]}")
        if self._remote.blob_at(head, path) is None:
            file.unlink(missing_ok=True)
            self._call(["rm", "--cached", "--force", "--quiet", "--ignore-unmatch", "--", spec])
        else:
            self._call(["checkout", "--quiet", head, "--", spec])

    def _is_part(self, path: str, wanted: str | None) -> bool:
        """Whether a move that did not end left this: a part of what it wrote there, or nothing where it took a file
        away."""
        content = self._content(path)
        if content is None:
            return not os.path.lexists(self._top / path)
        texts = self._remote.contents([wanted]) if wanted is not None else []
        return bool(texts) and (texts[0] or b"").startswith(content)

    def _content(self, path: str) -> bytes | None:
        """A plain file's; None for anything else."""
        file = self._top / path
        return read_regular(file, path) if file.is_file() and not file.is_symlink() else None

    def _noted(self) -> str:
        try:
            return (read_regular(self._note, self._note.name) or b"").decode("ascii", "replace").strip()
        except StorageError:
            return ""

    # ── moving ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _move(self, head: str, tip: str, forced: bool) -> Trouble | None:
        file = self._private / MOVING
        self._private.mkdir(parents=True, exist_ok=True)
        replace_file(file, json.dumps({"from": head, "to": tip}).encode(), MOVING)
        go = ["reset", "--keep", "--quiet"] if forced else ["merge", "--ff-only", "--no-autostash", "--quiet"]
        try:
            self._call([*_QUIET, *go, tip])
        except GitFailed as error:
            if had_not_begun(error):
                file.unlink(missing_ok=True)
            elif error.status is not None and error.status >= 0:
                file.replace(self._private / PARTLY)
            return why_not(error)
        file.unlink(missing_ok=True)
        return None

    def _left_over(self, tip: str) -> list[str]:
        """The commits whose files a move may have left that did not end: `tip`, and the one that it went to then."""
        notes = [read_regular(self._private / name, name) for name in (MOVING, PARTLY)]
        told = [to.decode("ascii") for note in notes if note is not None for to in _TO.findall(note)]
        then = [to for to, here in zip(told, self._remote.are_here(told), strict=True) if here and to != tip]
        return [tip, *then] if any(note is not None for note in notes) else []

    def _unlock(self) -> Trouble | None:
        """Takes away the locks of a move that was killed, once no git can be at it any more."""
        branch = self._git_dir / "refs" / "heads" / f"{self.branch}.lock"
        for lock in (self._git_dir / "index.lock", self._git_dir / "HEAD.lock", branch):
            with suppress(FileNotFoundError):
                if abs(time.time() - lock.stat().st_mtime) < _ORPHAN:
                    return Trouble("locked", f"waiting for a killed git to be gone: {lock}")
                lock.unlink()
        return None

    def clean_up(self) -> None:
        """Let git pack what has piled up, where that is much. Raises `GitError`."""
        self._call(["-c", "gc.autoDetach=false", "gc", "--auto", "--quiet"], timeout=600.0)

    def _call(self, arguments: Sequence[str], timeout: float = 60.0, stdin: bytes = b"") -> bytes:
        """As with the network: a partial clone fetches what is checked out, and filters may be somebody's programs."""
        until: Callable[[], float] = lambda: self._until  # noqa: E731 - read again and again
        return call_git(self._root, arguments, stdin=stdin, network=True, timeout=timeout, until=until)


def _is_plain(path: str) -> bool:
    """Whether git can be told of it in a line; any other name is somebody's, and in the way."""
    return "\n" not in path and path == path.encode("utf-8", "replace").decode()
