"""Which files differ from where a branch began: what `--changed-since` asks git, and nothing is fetched for it."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.adapters.git.command import GitFailed, call_git
from reconciler.core.commands import git
from reconciler.core.errors import GitError
from reconciler.core.patterns import lazy_pattern

_ID = lazy_pattern(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_NOTHING = lazy_pattern(r"0{40}(?:0{24})?")  # what a push event names as the commit before a new branch
_BRANCH = lazy_pattern(r"(?![-./])[A-Za-z0-9._/+#@-]{1,200}(?<![./])")
_WHOLE = "or clone with the full history: `fetch-depth: 0` for actions/checkout, `GIT_DEPTH: 0` on GitLab"


def changed_since(top: Path, ref: str, remote: str = "origin") -> list[str] | None:
    """The paths, from `top`, that differ between the work tree and the commit where HEAD left `ref`; both names of a
    file that moved. None where `ref` is the absence of a commit, so that everything is new. Raises `GitError`.
    """
    if _NOTHING.fullmatch(ref):
        return None
    base = _base(top, ref, remote)
    told = [
        "--name-only",
        "-z",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        "--ignore-submodules=dirty",
    ]
    changed = call_git(top, ["diff", *told, base, "--"])
    new = call_git(top, ["ls-files", "-z", "--others", "--exclude-standard", "--full-name"])
    return sorted({*os.fsdecode(changed).split("\0"), *os.fsdecode(new).split("\0")} - {""})


def _base(top: Path, ref: str, remote: str) -> str:
    then, head = _commit(top, ref), _commit(top, "HEAD")
    if head is None:
        raise GitError("no commit yet, so nothing to compare with", hint="make a first commit")
    if then is None:
        raise GitError(
            f"--changed-since: `{ref}` is not a commit of this clone", hint=_how_to_get(top, ref, remote)
        )
    try:
        met = call_git(top, ["merge-base", head, then]).split()
    except GitFailed as error:
        if error.status != 1:
            raise
        met = []
    if met:
        return os.fsdecode(met[0])
    if _is_shallow(top):
        whole = git("fetch", "--unshallow", remote)
        raise GitError(
            f"--changed-since: this clone is shallow, and has no commit that HEAD and `{ref}` have in common",
            hint=f"{_WHOLE.removeprefix('or ')}, or run\n{whole}",
        )
    raise GitError(
        f"--changed-since: HEAD and `{ref}` have no commit in common",
        hint="name a branch that HEAD came from",
    )


def _how_to_get(top: Path, ref: str, remote: str) -> str:
    name = ref.removeprefix("refs/remotes/").removeprefix(f"{remote}/").removeprefix("refs/heads/")
    if _ID.fullmatch(ref) or (_BRANCH.fullmatch(name) and ".." not in name and "@{" not in name):
        return f"fetch it, {_WHOLE}\n{git('fetch', remote, name)}"
    if _is_shallow(top):
        return f"fetch the history, {_WHOLE}\n{git('fetch', '--unshallow', remote)}"
    return "name a branch, a tag or a commit, such as `origin/main`"


def _commit(top: Path, name: str) -> str | None:
    try:
        found = call_git(top, ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"])
    except (GitFailed, ValueError):  # no such commit, or no name at all
        return None
    commit = os.fsdecode(found).strip()
    return commit if _ID.fullmatch(commit) else None  # `^HEAD` stands for all but a commit


def _is_shallow(top: Path) -> bool:
    return call_git(top, ["rev-parse", "--is-shallow-repository"]).strip() == b"true"
