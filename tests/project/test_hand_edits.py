"""Edits of the lockfile by hand, in real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.checkout.last_written import last_written
from reconciler.adapters.project.places import private_folder
from reconciler.core.lockfile import model
from reconciler.core.lockfile.model import digest_of
from reconciler.core.settings.model import Settings
from reconciler.project.hand_edits import hand_edits
from reconciler.project.opened import WRITTEN, Project
from tests.app.git_repo import commit_all, git, new_repo
from tests.core.build import A, B, current, entry, lockfile

NAME = "engines.lock.json"
WRITTEN_BY_RUN = lockfile({"acme": entry(current("a", A)), "blog": entry(current("b", B))})


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = new_repo(tmp_path / "repo", "--template=")
    (root / NAME).write_bytes(model.render(WRITTEN_BY_RUN))
    commit_all(root, "Record 2 engines\n\nacme: eng_a")
    return root


def edit(root: Path, old: str = "eng_a", new: str = "eng_x") -> None:
    text = (root / NAME).read_text()
    (root / NAME).write_text(text.replace(old, new))


def said(root: Path) -> list[str]:
    project = Project(root, Settings())
    return [one.message.partition(": ")[2] for one in hand_edits(project, project.lockfile.read()[0])]


def test_an_edit_is_found_before_and_after_it_is_committed(repo: Path) -> None:
    assert said(repo) == []
    edit(repo)
    assert said(repo) == ["`acme`: engineId eng_a → eng_x"]
    commit_all(repo, "Mend an ID")
    assert said(repo) == ["`acme`: engineId eng_a → eng_x"]
    edit(repo, '"Acme"', '"Other"')
    commit_all(repo)
    assert said(repo) == ["`acme`: engineId eng_a → eng_x, its spec", "`blog`: its spec"]
    commit_all_by_run(repo)
    assert said(repo) == []


def commit_all_by_run(repo: Path) -> None:
    edit(repo, '"chars": 1', '"chars": 1')
    git(repo, "commit", "--quiet", "--allow-empty", "--message", "x")
    (repo / NAME).write_bytes((repo / NAME).read_bytes() + b"\n")
    commit_all(repo, "Record acme (#12)")


def test_where_nobody_publishes_an_older_version_is_the_measure(repo: Path, tmp_path: Path) -> None:
    other = new_repo(tmp_path / "other", "--template=")
    for content in (WRITTEN_BY_RUN, WRITTEN_BY_RUN.with_entry("shop", entry(current("s", B)))):
        (other / NAME).write_bytes(model.render(content))
        commit_all(other, "Apply")
    assert said(other) == []
    edit(other)
    commit_all(other, "Mend")
    assert said(other) == ["`acme`: engineId eng_a → eng_x"]


def test_what_a_run_on_this_machine_wrote_is_not_looked_into(repo: Path) -> None:
    project = Project(repo, Settings())
    project.private.mkdir(parents=True)
    project.lockfile.write(WRITTEN_BY_RUN)
    note = private_folder(repo, "production") / WRITTEN
    assert note.read_text() == digest_of((repo / NAME).read_bytes())
    (repo / ".git" / "HEAD").write_text("nonsense\n")  # git is not asked
    assert said(repo) == []


def test_what_the_ledger_had_counts_where_the_branch_here_has_no_lockfile(repo: Path) -> None:
    git(repo, "mv", NAME, "published.lock.json")
    git(repo, "update-ref", "refs/reconcile-remote/reconcile%2Fproduction", commit_all(repo))
    git(repo, "checkout", "--quiet", "--orphan", "new")
    git(repo, "rm", "--quiet", "--cached", "published.lock.json")
    (repo / "published.lock.json").rename(repo / NAME)
    assert said(repo) == []
    edit(repo)
    assert said(repo) == ["`acme`: engineId eng_a → eng_x"]
    (repo / NAME).write_bytes(model.render(WRITTEN_BY_RUN.with_entry("blog", None)))
    assert said(repo) == []  # it may be older than what is on the remote


def test_outside_of_git_and_without_a_commit_nothing_is_claimed(repo: Path, tmp_path: Path) -> None:
    edit(repo)
    for folder in (tmp_path / "outside", new_repo(tmp_path / "new", "--template=")):
        folder.mkdir(exist_ok=True)
        (folder / NAME).write_bytes((repo / NAME).read_bytes())
        assert said(folder) == []
    assert last_written(repo, "nothing.json") is None
    (repo / ".git" / "HEAD").write_text("nonsense\n")
    assert last_written(repo, NAME) is None
