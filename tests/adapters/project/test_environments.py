from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.adapters.project.environments import check_apart
from reconciler.core.errors import InvalidInput

TWO = {"production": "engines.lock.json", "staging": "staging.lock.json"}


def test_lockfiles_that_are_one_file_are_refused(tmp_path: Path) -> None:
    one, other = (tmp_path / name for name in TWO.values())
    check_apart(tmp_path, TWO)
    other.symlink_to(one.name)  # also while there is no file yet
    with pytest.raises(InvalidInput, match="`production` and `staging` share one lockfile"):
        check_apart(tmp_path, TWO)
    one.write_text("{}")
    other.unlink()
    os.link(one, other)
    with pytest.raises(InvalidInput, match="`production` and `staging` share one lockfile"):
        check_apart(tmp_path, TWO)
    other.unlink()
    other.write_text("{}")
    check_apart(tmp_path, TWO)


def test_folders_that_are_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(InvalidInput, match=r"b/x\.json is a/x\.json"):
        check_apart(tmp_path, {"production": "a/x.json", "staging": "b/x.json"})
