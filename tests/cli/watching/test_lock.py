"""Two watches in one clone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reconciler.cli.watching.lock import one_watch
from reconciler.core.errors import LeaseHeld
from tests.app.git_repo import new_repo


@pytest.mark.parametrize("deleted", [False, True])
def test_a_second_one_is_refused_whatever_is_deleted_meanwhile(tmp_path: Path, deleted: bool) -> None:
    clone = new_repo(tmp_path / "clone")
    with one_watch(clone):
        if deleted:
            shutil.rmtree(clone / ".git/reconcile")
        with pytest.raises(LeaseHeld, match="another watch uses this clone") as caught, one_watch(clone):
            pass
        assert caught.value.hint == "give every watch a clone of its own"
    with one_watch(clone):
        pass
