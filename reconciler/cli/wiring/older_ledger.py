"""A ledger under the name that it had before 0.3.0: looked for where that name could be another project's as well."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.commands import git
from reconciler.core.errors import GitError
from reconciler.core.values import shown
from reconciler.project.sealing import folder_read_from, ledger_ref, older_ledger_ref

if TYPE_CHECKING:
    from reconciler.adapters.git.remote import GitRemote


def refuse_older_ledger(remote: GitRemote, top: Path, environment: str, inside: Path) -> None:
    """Raises `GitError` where the remote has a ledger under the older name and none under this one: it may hold
    operations of this project, and is not to be taken for none. Most projects have one name, and nothing is asked.
    """
    older = older_ledger_ref(environment, inside)
    if older is None:
        return
    now = ledger_ref(environment, inside)
    tips = remote.tips([older, now])
    if older not in tips or now in tips:
        return
    other = folder_read_from(older)
    name = shown(inside.as_posix())
    said = f"the ledger of {name} has a new name, and the remote has one under the older name, {older}"
    if os.path.isdir(top / other):
        raise GitError(said, hint=f"{shown(other)} has that name, too, so rename one of the two folders")
    moved = [
        git("fetch", remote.remote, older),
        git("push", "--atomic", remote.remote, f"FETCH_HEAD:{now}", f":{older}"),
    ]
    raise GitError(said, hint="\n".join(["rename it, while no run is in progress:", *moved]))
