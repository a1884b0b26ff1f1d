"""How a repo's git is told to merge lockfiles: `.gitattributes` names the driver, the repo's configuration has it."""

from __future__ import annotations

from pathlib import Path

from reconciler.adapters.git import GitFailed, run_git
from reconciler.adapters.places import find_git
from reconciler.adapters.scaffold import ScaffoldResult

NAME = "reconcile-lockfile"
COMMAND = "reconcile lockfile merge %O %A %B %P"


def set_up_merge_driver(root: Path) -> ScaffoldResult | None:
    """Adds the driver unless there is one; None outside of git. Raises `GitError` when git refuses."""
    if find_git(root) is None:
        return None
    setting = f"merge.{NAME}.driver"
    try:
        there = run_git(root, ["config", "--get", setting])
    except GitFailed:
        there = ""
    if there:
        note = None if there == COMMAND else f"another command than `{COMMAND}` is set"
        return ScaffoldResult(f"git config {setting}", "kept", note)
    run_git(root, ["config", f"merge.{NAME}.name", "merge engines.lock.json entry by entry"])
    run_git(root, ["config", setting, COMMAND])
    return ScaffoldResult(f"git config {setting}", "created", "each clone needs it: run init there, too")
