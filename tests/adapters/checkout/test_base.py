"""The project as it was at a commit, read out of real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.checkout.base import GitBase
from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.core.engine.fingerprint import blob_id
from reconciler.core.engine.spec import Desired
from reconciler.core.errors import GitError
from tests.adapters.git_far_end import clone
from tests.app.git_repo import commit_all, git, new_repo

ENGINE = """\
name: Acme
sources:
  - type: content
    file: ../texts/glossary.md
"""
NAME = "engines/acme.yaml"


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = new_repo(tmp_path / "repo", "--template=")
    write(root, {NAME: ENGINE, "texts/glossary.md": "one\n", "engines.lock.json": "{}\n"})
    commit_all(root)
    return root


def head(root: Path) -> str:
    return git(root, "rev-parse", "HEAD")


def test_blob_ids_and_contents_are_those_of_the_commit(repo: Path) -> None:
    base = GitBase(repo, head(repo))
    write(repo, {NAME: "name: Other\n", "texts/glossary.md": "two\n", "engines/new.yaml": "name: New\n"})
    ids = base.blob_ids(
        [NAME, "texts/glossary.md", "engines/new.yaml", "engines", "no\nsuch", "a\0b", "../x"]
    )
    assert ids == {NAME: blob_id(ENGINE.encode()), "texts/glossary.md": blob_id(b"one\n")}
    assert base.read("engines.lock.json") == b"{}\n"
    assert base.read("engines/new.yaml") is None


def test_a_spec_is_loaded_with_the_texts_of_then(repo: Path) -> None:
    now = EngineFiles(repo).load("acme", NAME)
    base = GitBase(repo, head(repo))
    write(repo, {"texts/glossary.md": "two\n"})
    then = base.load("acme", NAME)
    assert isinstance(now, Desired)
    assert isinstance(then, Desired)
    assert then.fingerprint == now.fingerprint
    later = EngineFiles(repo).load("acme", NAME)
    assert isinstance(later, Desired)
    assert later.fingerprint != now.fingerprint


@pytest.mark.parametrize(
    "content",
    [
        "name: [",
        "nome: Acme\n",
        "",
        "name: A\nsources: [{type: content, file: ../none.md}]\n",
        "a: " * 400_000,
    ],
)
def test_what_was_broken_then_is_told_not_raised(repo: Path, content: str) -> None:
    write(repo, {NAME: content})
    commit_all(repo)
    base = GitBase(repo, head(repo))
    write(repo, {NAME: ENGINE})
    assert isinstance(base.load("acme", NAME), list)


def test_a_project_in_a_subfolder_and_odd_names(tmp_path: Path) -> None:
    root = new_repo(tmp_path / "repo", "--template=")
    odd = ["engines/ä b.yaml", "engines/:(top)x.yaml", "engines/*.yaml", "engines/tab\there.yaml"]
    write(root, {f"apps/web/{name}": "name: A\n" for name in odd} | {"engines/x.yaml": "name: B\n"})
    commit_all(root)
    base = GitBase(root / "apps/web", head(root))
    assert set(base.blob_ids([*odd, "engines/x.yaml"])) == set(odd)


def test_more_paths_than_one_command_takes(repo: Path) -> None:
    names = [f"engines/e{number}.yaml" for number in range(1_200)]
    write(repo, dict.fromkeys(names, "name: A\n"))
    commit_all(repo)
    base = GitBase(repo, head(repo))
    assert len(base.blob_ids([*names, *(f"engines/no{number}.yaml" for number in range(300))])) == 1_200


def test_a_link_is_looked_up_where_it_leads(repo: Path) -> None:
    (repo / "engines/linked.yaml").symlink_to("../shared/linked.yaml")
    (repo / "engines/folder").symlink_to("../shared")
    write(repo, {"shared/linked.yaml": "name: Linked\n"})
    commit_all(repo)
    base = GitBase(repo, head(repo))
    same = blob_id(b"name: Linked\n")
    names = ["engines/linked.yaml", "engines/folder/linked.yaml"]
    assert base.blob_ids(names) == dict.fromkeys(names, same)


def test_a_partial_clone_fetches_what_it_left_out(repo: Path, tmp_path: Path) -> None:
    git(repo, "config", "uploadpack.allowFilter", "true")
    git(repo, "config", "uploadpack.allowAnySHA1InWant", "true")
    for kind in ("blob:none", "tree:0"):
        sparse = clone(repo, f"clone-{kind[:4]}", f"--filter={kind}", "--no-checkout")
        base = GitBase(sparse, head(repo))
        assert base.blob_ids([NAME]) == {NAME: blob_id(ENGINE.encode())}
        assert base.read("texts/glossary.md") == b"one\n"


def test_a_sha256_repository(tmp_path: Path) -> None:
    root = new_repo(tmp_path / "repo", "--template=", "--object-format=sha256")
    write(root, {NAME: "name: Acme\n"})
    commit_all(root)
    base = GitBase(root, head(root), id_length=64)
    assert base.blob_ids([NAME]) == {NAME: blob_id(b"name: Acme\n", 64)}


def test_no_repository_is_said(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="no git repository"):
        GitBase(tmp_path, "0" * 40)
