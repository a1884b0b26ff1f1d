from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from reconciler.adapters.project.places import find_git, object_id_length, private_folder
from reconciler.core.errors import StorageError
from tests.app.git_repo import commit_all, git, new_repo


def git_dir(folder: Path) -> Path:
    """The git directory as git itself sees it."""
    return Path(git(folder, "rev-parse", "--absolute-git-dir")).resolve()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = new_repo(tmp_path / "repo")
    (folder / "README.md").write_text("hello\n")
    commit_all(folder)
    return folder


def test_in_a_repo_it_is_in_the_git_directory(repo: Path) -> None:
    assert private_folder(repo, "production") == repo / ".git/reconcile"
    assert find_git(repo) == (repo, git_dir(repo))


def test_outside_of_git_it_is_in_the_project(tmp_path: Path) -> None:
    assert find_git(tmp_path) is None
    assert private_folder(tmp_path, "production") == tmp_path / ".reconcile"
    assert private_folder(tmp_path, "staging") == tmp_path / ".reconcile/environments/staging"
    assert object_id_length(tmp_path) == 40


def test_looking_makes_nothing(repo: Path) -> None:
    before = sorted(repo.rglob("*"))
    private_folder(repo / "README.md", "staging")
    assert sorted(repo.rglob("*")) == before


def test_every_project_and_environment_has_its_own(repo: Path) -> None:
    roots = ["", "a", "b", "a/b", "a%2Fb", "a%252Fb", "environments/x", "projects/a", "ä", "A b"]
    for root in roots:
        (repo / root).mkdir(parents=True, exist_ok=True)
    places = [private_folder(repo / root, name) for root in roots for name in ("production", "staging", "x")]
    assert len(set(places)) == len(places)
    for place in places:
        assert place.is_relative_to(repo / ".git/reconcile")


def test_the_place_of_one_project_is_not_inside_that_of_another_as_one_of_its_files(repo: Path) -> None:
    """A journal's name is a file's: no folder of another project may be called so."""
    top = private_folder(repo, "production")
    nested = private_folder(repo / "journal.jsonl", "production")
    assert nested.relative_to(top).parts == ("projects", "journal.jsonl")


def test_a_project_deep_down_still_has_a_name_that_file_systems_take(repo: Path) -> None:
    deep = repo.joinpath(*(f"folder-{number}-ä" for number in range(40)))
    other = deep.with_name("another")
    for root in (deep, other):
        root.mkdir(parents=True)
        place = private_folder(root, "production")
        place.mkdir(parents=True)
        assert len(os.fsencode(place.name)) <= 255
    assert private_folder(deep, "production") != private_folder(other, "production")


def test_a_worktree_has_its_own(repo: Path) -> None:
    other = repo.parent / "other"
    git(repo, "worktree", "add", "--quiet", str(other))
    (other / "sub").mkdir()
    assert find_git(other / "sub") == (other, git_dir(other))
    assert private_folder(other, "production") == repo / ".git/worktrees/other/reconcile"
    assert private_folder(other / "sub", "production") == repo / ".git/worktrees/other/reconcile/projects/sub"
    assert object_id_length(other) == 40


def test_a_submodule_has_its_own(repo: Path, tmp_path: Path) -> None:
    outer = new_repo(tmp_path / "outer")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repo), "libs/inner")
    inner = outer / "libs/inner"
    assert (inner / ".git").is_file()
    assert find_git(inner) == (inner, git_dir(inner))
    assert private_folder(inner, "production") == outer / ".git/modules/libs/inner/reconcile"


def test_a_git_directory_kept_apart_is_found(tmp_path: Path) -> None:
    work, store = tmp_path / "work", tmp_path / "store.git"
    new_repo(work, f"--separate-git-dir={store}")
    assert find_git(work) == (work, store)
    (work / ".git").write_text("gitdir: ../store.git\n")
    assert find_git(work) == (work, store)
    assert private_folder(work, "production") == store / "reconcile"


def test_a_git_file_that_is_none_is_passed_over(repo: Path) -> None:
    inner = repo / "inner"
    inner.mkdir()
    (inner / ".git").write_text("not what git writes\n")
    assert find_git(inner) == (repo, repo / ".git")


def test_a_link_to_a_project_leads_to_the_same_place(repo: Path, tmp_path: Path) -> None:
    (repo / "sub").mkdir()
    link = tmp_path / "link"
    link.symlink_to(repo / "sub")
    assert private_folder(link, "production") == private_folder(repo / "sub", "production")


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_the_length_of_ids_is_that_of_the_repo(tmp_path: Path, object_format: str) -> None:
    try:
        repo = new_repo(tmp_path / "repo", f"--object-format={object_format}")
    except subprocess.CalledProcessError:
        pytest.skip("this git knows no sha256 repos")
    (repo / "a.txt").write_text("a")
    commit_all(repo)
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "other"))
    length = len(git(repo, "rev-parse", "HEAD:a.txt"))
    (repo / "sub").mkdir()
    for folder in (repo, repo / "sub", tmp_path / "other"):
        assert object_id_length(folder) == length


def test_a_config_that_only_mentions_sha256_does_not_count(repo: Path) -> None:
    with (repo / ".git/config").open("a") as config:
        config.write("# objectformat = sha256\n[alias]\n\tx = objectformat=sha256\n")
    assert object_id_length(repo) == 40


def test_a_git_file_that_may_not_be_read_is_one_clear_error() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / ".git").write_text("gitdir: elsewhere\n")
        (folder / ".git").chmod(0o600)
        os.seteuid(65534)
        try:
            with pytest.raises(StorageError, match="Permission denied") as caught:
                private_folder(folder, "production")
        finally:
            os.seteuid(0)
    assert caught.value.hint
