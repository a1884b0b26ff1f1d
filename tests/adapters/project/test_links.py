"""Links out of the project: what stands in it may be planted, what lies elsewhere was chosen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.adapters.project.nested import project_inside
from reconciler.adapters.project.places import private_folder, refuse_link_out
from reconciler.adapters.project.safe_read import FileRefused, SafeFiles
from reconciler.core.errors import InvalidInput


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project in the folder of a git repository, and a folder outside."""
    (tmp_path / "repo/.git").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "repo/project/reports").mkdir(parents=True)
    return tmp_path / "repo/project"


def test_a_place_in_the_project_is_fine_whether_it_is_there_or_not(root: Path) -> None:
    (root / "here.json").symlink_to("reports/real.json")
    for name in ("plan.json", "new/folder/plan.json", "here.json", "./reports/../plan.json"):
        refuse_link_out(root, root / name, name)


@pytest.mark.parametrize(
    "target", ["../../outside/x", "../../outside/missing/x", "/etc/passwd", "../.git/config"]
)
@pytest.mark.parametrize("depth", [0, 1])
def test_a_link_out_is_refused_at_any_depth_and_dangling(root: Path, target: str, depth: int) -> None:
    place = root / "plan.json"
    for number in range(depth):
        place.symlink_to(f"link{number}")
        place = root / f"link{number}"
    place.symlink_to(target)
    with pytest.raises(InvalidInput, match=r"plan\.json leads out of the project") as caught:
        refuse_link_out(root, root / "plan.json", "plan.json")
    assert caught.value.hint


def test_a_folder_that_is_a_link_out_is_refused(root: Path) -> None:
    (root / "out").symlink_to("../../outside")
    with pytest.raises(InvalidInput):
        refuse_link_out(root, root / "out/report.json", "report")


def test_around_the_project_the_repository_counts(root: Path) -> None:
    (root.parent / "report.json").symlink_to("../outside/report.json")
    with pytest.raises(InvalidInput):
        refuse_link_out(root, root / "../report.json", "report")
    (root.parent / "fine.json").symlink_to("project/report.json")
    refuse_link_out(root, root / "../fine.json", "fine")


def test_a_place_elsewhere_is_the_persons_own(root: Path) -> None:
    outside = root.parent.parent / "outside"
    (outside / "link.json").symlink_to("/etc/passwd")
    for file in (outside / "link.json", Path("/dev/stdout"), root.parent / ".git/report.json"):
        refuse_link_out(root, file, "own")


def test_a_project_that_is_reached_by_a_link_is_the_project(root: Path) -> None:
    (root.parent.parent / "alias").symlink_to("repo/project")
    alias = root.parent.parent / "alias"
    refuse_link_out(alias, alias / "plan.json", "plan")
    refuse_link_out(alias, root / "plan.json", "plan")
    (root / "plan.json").symlink_to("/etc/passwd")
    for file in (alias / "plan.json", root / "plan.json"):
        with pytest.raises(InvalidInput):
            refuse_link_out(alias, file, "plan")


def test_outside_of_git_the_state_may_be_no_link_out(tmp_path: Path) -> None:
    root = tmp_path / "project"
    (tmp_path / "outside").mkdir()
    (root / ".reconcile").mkdir(parents=True)
    assert private_folder(root, "production") == root / ".reconcile"
    (root / ".reconcile/journal.jsonl").symlink_to("../../outside/journal")
    with pytest.raises(InvalidInput, match=r"\.reconcile/journal\.jsonl leads out"):
        private_folder(root, "production")
    (root / ".reconcile/environments").symlink_to("../../outside")
    with pytest.raises(InvalidInput):
        private_folder(root, "staging")


def test_a_link_that_the_system_does_not_tell_of_leads_out(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as `/proc/1/cwd`: Python's own `realpath` raises for it up to 3.12."""
    read = os.readlink

    def refused(path: str) -> str:
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return read(path)

    (root.parent.parent / "outside/secret").symlink_to("/")
    (root / "plan.json").symlink_to("../../outside/secret")
    monkeypatch.setattr(os, "readlink", refused)
    with pytest.raises(InvalidInput, match=r"plan\.json leads out of the project"):
        refuse_link_out(root, root / "plan.json", "plan.json")
    files = SafeFiles(str(root))
    assert not files.inside("plan.json")
    with pytest.raises(FileRefused):
        files.read("plan.json")
    assert project_inside(root, "plan.json") is None
