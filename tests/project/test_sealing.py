"""Names of ledgers: as they always were for ordinary folders, and never one name for two."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.git.refs import tracking_ref
from reconciler.project.sealing import folder_read_from, ledger_ref, older_ledger_ref

_NAMES = st.text("ab03&%_u/.é☃˻😀+", min_size=1, max_size=6)
_FOLDERS = _NAMES.map(Path).filter(
    lambda path: path.parts and not path.is_absolute() and ".." not in path.parts
)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("", "refs/reconcile/production"),
        ("apps/web", "refs/reconcile/production+apps%2Fweb"),
        ("a.b c", "refs/reconcile/production+a%2Eb%20c"),
        ("café", "refs/reconcile/production+caf%E9"),
    ],
)
def test_ordinary_folders_keep_the_names_they_had(folder: str, name: str) -> None:
    assert ledger_ref("production", Path(folder)) == name
    assert older_ledger_ref("production", Path(folder)) is None


@pytest.mark.parametrize(("one", "other"), [("☃", "&03"), ("apps⼠24", "apps/2024")])
def test_names_that_were_one_are_two(one: str, other: str) -> None:
    assert older_ledger_ref("production", Path(one)) == ledger_ref("production", Path(other))
    assert ledger_ref("production", Path(one)) != ledger_ref("production", Path(other))


@given(_FOLDERS, _FOLDERS)
def test_no_two_folders_have_one_ledger(one: Path, other: Path) -> None:
    names = {ledger_ref("production", folder) for folder in (one, other)}
    assert len(names) == len({one, other})
    assert folder_read_from(ledger_ref("production", one)) == one.as_posix()


@pytest.mark.parametrize(
    "folder", ["x" * 255, "/".join(["ö" * 100] * 30), "日本語/" * 40 + "x", "a/" * 60 + "b"]
)
def test_a_long_name_is_one_that_git_can_keep(folder: str, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@localhost"]
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message=x"], check=True)
    ref = ledger_ref("production", Path(folder))
    for name in (ref, tracking_ref(ref)):
        subprocess.run([*git, "update-ref", name, "HEAD"], check=True)
    assert ref != ledger_ref("production", Path(folder + "x"))
