"""Which commit is the base of what is checked out: where its branch left the one it is compared with.

A CI runner often has one commit and no history. So what is missing is fetched: the other branch's tip, then history in
growing steps, up to a bound, until the two meet. Where everything is here nothing is fetched. No ref that people see
is touched; what was fetched stays under `refs/reconcile-remote/`, and a shallow clone stays one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reconciler.adapters.git.command import GitFailed, call_git
from reconciler.adapters.git.drafts import Identity
from reconciler.adapters.git.printed import parents_in
from reconciler.adapters.git.refs import tracking_ref
from reconciler.adapters.git.remote import GitRemote
from reconciler.core.errors import GitError
from reconciler.core.frozen import dataclass
from reconciler.core.patterns import lazy_pattern

STEPS = (50, 200, 1_000, 5_000)  # commits by which a shallow clone's history is deepened, one after another
_WHOLE = "clone with the full history: `fetch-depth: 0` for actions/checkout, `GIT_DEPTH: 0` on GitLab"
_LEDGERS = ("reconcile/", "reconcile-remote/", "reconcile-work/")  # git reads these as refs of ours first
_ID = lazy_pattern(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# What cannot be in a branch's name (git check-ref-format), or would mean something else in a refspec.
_NO_NAME = lazy_pattern(r"^[-+/.]|[\x00-\x20~^:?*\[\\\x7f]|\.\.|@\{|//|\.lock$|[/.]$")


@dataclass(frozen=True, slots=True)
class Aim:
    """What the base is looked for with. `names` are branches or commits, the best first, of which one is enough.

    `merged` names ids that the second parent, or HEAD itself, has when HEAD is what the CI system merged to try a pull
    request: then the base is the first parent.
    """

    names: tuple[str, ...]
    merged: frozenset[str] = frozenset()


class MergeBase:
    """Looks in the repo around `root`; what is missing comes from `remote`. `timeout` is for one git command."""

    def __init__(self, root: Path, remote: str, timeout: float = 120.0) -> None:
        self._root = root
        self._remote = remote
        self._timeout = timeout

    def find(self, aim: Aim) -> str:
        """The base's full commit id. Raises `GitError`, with a hint at what to do, where it cannot be told."""
        head = self._commit("HEAD")
        if head is None:
            raise GitError("no commit yet, so no base to compare with", hint="make a first commit")
        parents = self._parents(head)
        if len(parents) > 1 and aim.merged & {head, parents[1]}:
            return self._present(parents[0])
        other, name = self._first_of(aim.names)
        return self._meeting(head, other, name)

    def check(self, aim: Aim) -> None:
        """Raises `GitError` as `find` does where none of the names is known; where the two meet is not asked."""
        self._first_of(aim.names)

    def _first_of(self, names: Sequence[str]) -> tuple[str, str]:
        for name in names:
            found = self._commit(name) or self._commit(f"refs/remotes/{self._remote}/{name}")
            if found is not None:
                return found, name
        trouble: GitError | None = None
        for name in names:
            try:
                return self._fetched(name), name
            except GitError as error:
                trouble = trouble or error
        shown = " or ".join(f"`{name}`" for name in names) or "no branch"
        raise GitError(
            f"the base cannot be determined: {shown} is not here"
            + (f", {trouble.message}" if trouble else ""),
            hint=f"name a branch or commit that exists with --base, or {_WHOLE}",
        ) from trouble

    def _fetched(self, name: str) -> str:
        """A commit, or a branch's tip, that the clone does not have yet."""
        if _ID.fullmatch(name):
            self._fetch(self._no_deeper(), name)
            return self._present(name)
        branch = name.removeprefix(f"refs/remotes/{self._remote}/").removeprefix(f"{self._remote}/")
        branch = branch.removeprefix("refs/heads/")
        if _NO_NAME.search(branch):
            raise GitError("it is not a branch name")
        kept = tracking_ref(f"refs/heads/{branch}")
        self._fetch(self._no_deeper(), f"+refs/heads/{branch}:{kept}")
        found = self._answer(kept)
        if found is None:
            raise GitError(f"the remote `{self._remote}` does not have that commit")
        return found

    def _present(self, commit: str) -> str:
        """The commit, fetched where it is not here."""
        if self._commit(commit) is None:
            try:
                self._fetch(self._no_deeper(), commit)
            except GitError as error:
                raise GitError(f"the base {commit[:12]} is not here: {error.message}", hint=_WHOLE) from error
        return commit

    def _meeting(self, head: str, other: str, name: str) -> str:
        """Where the two histories meet, deepening a shallow clone step by step."""
        for deeper in (*STEPS, 0):
            found = self._merge_base(head, other)
            if found is not None:
                return found
            if deeper == 0 or not self._is_shallow():
                break
            self._deepen(deeper, head, other)
        if not self._is_shallow():
            raise GitError(
                f"HEAD and `{name}` have no commit in common", hint="name another branch with --base"
            )
        raise GitError(
            f"HEAD and `{name}` have no common commit within {sum(STEPS):,} commits of this shallow clone",
            hint=_WHOLE,
        )

    def _deepen(self, by: int, head: str, other: str) -> None:
        """HEAD may be a commit that only this clone has; then the other side's history has to do."""
        options = [f"--deepen={by}"]
        for wanted in ((head, other), (other,)):
            try:
                return self._fetch(options, *wanted)
            except GitError:
                continue  # the server has no such commit, or hands out only what its refs name
        try:
            self._fetch(options)
        except GitError as error:
            raise GitError(f"the history cannot be fetched: {error.message}", hint=_WHOLE) from error

    def _no_deeper(self) -> list[str]:
        """In a shallow clone a new tip comes alone; in any other a depth would make it one."""
        return ["--depth=1"] if self._is_shallow() else []

    def _fetch(self, options: Sequence[str], *specs: str) -> None:
        if not GitRemote(
            self._root, self._remote, Identity("", "")
        ).exists():  # git takes it for a folder's name
            raise GitError(f"the repository has no remote `{self._remote}`")
        quiet = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-prune")
        own = ["--refmap="] if specs else []
        command = ["fetch", *quiet, "--no-recurse-submodules", *own, *options, "--end-of-options"]
        try:
            call_git(self._root, [*command, self._remote, *specs], network=True, timeout=self._timeout)
        except GitFailed as error:
            raise GitError(f"the remote `{self._remote}` does not serve it: {error.said}") from error

    def _merge_base(self, head: str, other: str) -> str | None:
        found = self._try(["merge-base", head, other])
        return found.split()[0] if found else None

    def _commit(self, name: str) -> str | None:
        """The commit of that name, if it is here. A branch is never mistaken for the ledger, `refs/reconcile/…`."""
        if not name.startswith(_LEDGERS):
            return self._answer(name)
        return self._answer(f"refs/heads/{name}") or self._answer(f"refs/remotes/{self._remote}/{name}")

    def _answer(self, name: str) -> str | None:
        return self._try(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"])

    def _parents(self, commit: str) -> list[str]:
        """As the commit itself says: a shallow clone leaves out parents that it does not have."""
        return parents_in(self._try(["cat-file", "commit", commit]) or "")

    def _is_shallow(self) -> bool:
        return self._try(["rev-parse", "--is-shallow-repository"]) == "true"

    def _try(self, arguments: Sequence[str]) -> str | None:
        """What git prints without the network, or None where it refuses."""
        try:
            printed = call_git(self._root, arguments, timeout=self._timeout)
        except GitFailed:
            return None
        return printed.decode("utf-8", "replace").strip() or None
