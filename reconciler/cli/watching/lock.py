"""One watch in one clone: two would move the same work tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from reconciler.adapters.project.places import find_git
from reconciler.adapters.storage.lease_file import FileLease
from reconciler.core.commands import git
from reconciler.core.errors import InvalidInput, LeaseHeld


@contextmanager
def one_watch(start: Path) -> Iterator[None]:
    """For the length of a block. Raises `LeaseHeld` where another watch has the clone, `InvalidInput` without one."""
    found = find_git(start)
    if found is None:
        raise InvalidInput(
            f"{start} is not in a clone", hint=f"run `{git('clone', folder='')} <URL>`, and watch there"
        )
    with ExitStack() as stack:
        try:
            stack.enter_context(FileLease(found[1] / "reconcile" / "watch").hold())
        except LeaseHeld as error:
            raise LeaseHeld(
                error.message.replace("another run is applying here", "another watch uses this clone"),
                hint="give every watch a clone of its own",
            ) from error
        yield
