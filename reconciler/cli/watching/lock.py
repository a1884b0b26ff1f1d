"""One watch in one clone: two would move the same work tree.

The git directory itself is locked besides the file that says who it is: somebody may delete that, with all that stands
beside it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from reconciler.adapters.project.places import find_git
from reconciler.adapters.storage.lease_file import FileLease
from reconciler.core.commands import git
from reconciler.core.errors import InvalidInput, LeaseHeld

_HINT = "give every watch a clone of its own"


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
            message = error.message.replace("another run is applying here", "another watch uses this clone")
            raise LeaseHeld(message, hint=_HINT) from error
        descriptor = os.open(found[1], os.O_RDONLY | os.O_CLOEXEC)
        stack.callback(os.close, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LeaseHeld("another watch uses this clone", hint=_HINT) from error
        except OSError:  # a file system that cannot lock folders
            pass
        yield
