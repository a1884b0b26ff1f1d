"""Two branches that change different engines merge cleanly, with git's own line merge and nothing of ours."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler.core.errors import LockfileError
from reconciler.core.lockfile.model import Lockfile, parse, render
from tests.core.build import A, B, current, entry, lockfile, pending

KEYS = ("acme", "blog", "docs", "marketing/website", "shop")
BASE = lockfile({key: entry(current(key, A)) for key in KEYS})


def merged(folder: Path, ours: Lockfile, theirs: Lockfile) -> tuple[int, bytes]:
    """The number of conflicts and the merged content."""
    paths = [folder / name for name in ("ours", "base", "theirs")]
    for path, one in zip(paths, (ours, BASE, theirs), strict=True):
        path.write_bytes(render(one))
    done = subprocess.run(["git", "merge-file", "-p", *map(str, paths)], capture_output=True, check=False)
    return done.returncode, done.stdout


def test_changes_of_different_engines_merge(tmp_path: Path) -> None:
    replaced = entry(current("acme2", B))
    running = entry(current("shop", A), pending("shop2", B))
    conflicts, content = merged(tmp_path, BASE.with_entry("acme", replaced), BASE.with_entry("shop", running))
    assert conflicts == 0
    assert parse(content, "lock") == BASE.with_entries({"acme": replaced, "shop": running})


def test_an_engine_added_and_another_removed_merge(tmp_path: Path) -> None:
    added = entry(current("cms", B))
    conflicts, content = merged(tmp_path, BASE.with_entry("cms", added), BASE.with_entry("shop", None))
    assert conflicts == 0
    assert parse(content, "lock") == BASE.with_entries({"cms": added, "shop": None})


def test_changes_of_the_same_engine_conflict_and_are_refused_in_words(tmp_path: Path) -> None:
    ours, theirs = (BASE.with_entry("acme", entry(current(name, B))) for name in ("x", "y"))
    conflicts, content = merged(tmp_path, ours, theirs)
    assert conflicts > 0
    with pytest.raises(LockfileError, match="conflict markers"):
        parse(content, "lock")
