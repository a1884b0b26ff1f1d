"""Wires the look for a lockfile that is not here: where git may know one, beside the checkout."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reconciler.adapters.checkout.lost_lockfile import refuse_if_in_head, refuse_if_known
from reconciler.adapters.git.refs import PUBLISHED_FILE, tracking_ref
from reconciler.adapters.project.places import find_git
from reconciler.app.recorded import RecordedState
from reconciler.core.settings.model import Settings
from reconciler.project.sealing import ledger_ref


def refuse_if_lost(
    root: Path, settings: Settings, recorded: RecordedState, branch: str | None = None
) -> None:
    """For a project in which nothing is recorded: raises `LockfileError` where git knows better. `branch` is that of a
    CI run.
    """
    found = find_git(root)
    if found is None:
        return
    name, seen = settings.lockfile, recorded.shared
    if (root / name).exists():
        if not recorded.on_disk.retired:
            refuse_if_in_head(root, name, engines=True)
        return
    if seen is not None:  # what is on the remote was looked at, and there is none
        refuse_if_known(root, name, (), seen.branch_tip or "HEAD")
        return
    refs = [(ref, f"./{name}") for ref in _branches(settings, branch)]
    ledger = tracking_ref(ledger_ref(settings.environment, root.resolve().relative_to(found[0])))
    refuse_if_known(root, name, [*refs, (ledger, PUBLISHED_FILE)])


def _branches(settings: Settings, of_run: str | None) -> Iterator[str]:
    """The branch that is published to, as this clone has seen it last."""
    branch = settings.branch or of_run
    for name in (branch,) if branch is not None else ("HEAD", "main", "master"):
        yield f"refs/remotes/{settings.remote}/{name}"
    if branch is not None:
        yield tracking_ref(f"refs/heads/{branch}")
