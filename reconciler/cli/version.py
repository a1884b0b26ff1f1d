"""Which reconcile this is: its version, and the commit that it was built from or runs from."""

from __future__ import annotations

from pathlib import Path

from reconciler import __version__
from reconciler.core.errors import GitError

_PACKAGE = Path(__file__).parents[1]


def version_text(package: Path = _PACKAGE, *, ask_git: bool = True) -> str:
    """`0.1.0`, with the commit where it is known. In a clone only git knows it."""
    commit = commit_of(package, ask_git=ask_git)
    return f"{__version__} (commit {commit})" if commit else __version__


def commit_of(package: Path = _PACKAGE, *, ask_git: bool = True) -> str | None:
    """The commit of this program's code, where it is known."""
    return _built_from(package) or (_checked_out(package.parent) if ask_git else None)


def _built_from(package: Path) -> str | None:
    """What tools/commit_hook.py wrote."""
    try:
        return (package / "commit.txt").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None


def _checked_out(root: Path) -> str | None:
    if not (root / ".git").exists():
        return None
    from reconciler.adapters.git.command import run_git

    try:
        return run_git(root, ["rev-parse", "--verify", "HEAD"], timeout=5.0)
    except GitError:
        return None
