"""Files that git keeps out of the work tree are not gone, in real clones."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.checkout.checked_out import GitCheckout
from reconciler.core.errors import Diagnostic
from tests.app.git_repo import commit_all, git, new_repo

GONE = {"support/help": ["engines/support/help.yaml"]}
HELP = "engines/support/help.yaml"


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = new_repo(tmp_path_factory.mktemp("origin") / "repo", "--template=")
    for name in ("engines/marketing/web.yaml", HELP, "engines/terms.yaml", "texts/more.yaml"):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"name: {file.stem}\n")
    (root / "engines" / "linked").symlink_to("../texts")
    commit_all(root)
    return root


@pytest.fixture
def clone(origin: Path, tmp_path: Path) -> Path:
    git(tmp_path, "clone", "--quiet", str(origin), "clone")
    return tmp_path / "clone"


def found(root: Path, gone: dict[str, list[str]] = GONE, *, at_desk: bool = True) -> Diagnostic | None:
    said = GitCheckout(root, "engines", at_desk=at_desk).not_gone(gone)
    assert len(said) <= 1
    return said[0] if said else None


def sparse_cone(root: Path) -> None:
    git(root, "sparse-checkout", "set", "engines/marketing")


def sparse_patterns(root: Path) -> None:
    git(root, "sparse-checkout", "set", "--no-cone", "/engines/", "!/engines/support/")


def sparse_index(root: Path) -> None:
    git(root, "sparse-checkout", "set", "--sparse-index", "engines/marketing")


def skipped(root: Path) -> None:
    git(root, "update-index", "--skip-worktree", HELP)
    (root / HELP).unlink()


def overlooked(root: Path) -> None:
    git(root, "update-index", "--assume-unchanged", HELP)
    (root / HELP).unlink()


def cut_off(root: Path) -> None:
    shutil.rmtree(root / "engines" / "support")
    (root / ".git" / "index.lock").touch()


def without_index(root: Path) -> None:
    shutil.rmtree(root / "engines" / "support")
    (root / ".git" / "index").unlink()


def blob_left_out(root: Path) -> None:
    blob = git(root, "rev-parse", f"HEAD:{HELP}")
    (root / HELP).unlink()
    (root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()


@pytest.mark.parametrize(
    ("leave_out", "words", "command"),
    [
        (sparse_cone, "sparse", "git sparse-checkout disable"),
        (sparse_patterns, "sparse", "git sparse-checkout disable"),
        (sparse_index, "sparse", "git sparse-checkout disable"),
        (
            skipped,
            "skip-worktree",
            f"git update-index --no-skip-worktree -- {HELP} && git checkout -- {HELP}",
        ),
        (
            overlooked,
            "assume-unchanged",
            f"git update-index --no-assume-unchanged -- {HELP} && git checkout -- ",
        ),
        (cut_off, "index.lock", f"index.lock && git checkout -- {HELP}"),
        (without_index, "nothing is checked out", f"git checkout HEAD -- {HELP}"),
        (blob_left_out, "partial clone", f"git checkout -- {HELP}"),
    ],
)
def test_what_git_leaves_out_is_named_and_its_command_brings_it_back(
    clone: Path,
    origin: Path,
    monkeypatch: pytest.MonkeyPatch,
    leave_out: Callable[[Path], None],
    words: str,
    command: str,
) -> None:
    monkeypatch.chdir(clone)
    leave_out(clone)
    assert not (clone / HELP).exists()
    said = found(clone)
    assert said is not None
    assert said.hint is not None
    assert said.message.startswith("the engine file of support/help is not checked out: ")
    assert (said.file, said.key) == (HELP, "support/help")
    assert words in said.message
    assert command in said.hint
    if leave_out is blob_left_out:
        git(clone, "fetch", "--quiet", "--refetch", str(origin), "HEAD")
    subprocess.run(["sh", "-c", said.hint.split("`")[1]], check=True, capture_output=True)
    assert (clone / HELP).exists()
    assert found(clone) is None


def test_a_deletion_counts_when_it_is_staged_or_made_at_a_desk(clone: Path) -> None:
    (clone / HELP).unlink()
    assert found(clone) is None
    in_ci = found(clone, at_desk=False)
    assert in_ci is not None
    assert in_ci.hint is not None
    assert "but not in the work tree" in in_ci.message
    assert "checkout -- engines/support" in in_ci.hint
    git(clone, "rm", "--quiet", "--cached", HELP)
    assert found(clone, at_desk=False) is None
    commit_all(clone)
    assert found(clone, at_desk=False) is None
    assert found(clone, {"never": []}, at_desk=False) is None
    assert found(clone, {"terms": ["engines/terms.yaml"]}, at_desk=False) is None  # it is there


def test_many_files_are_one_finding_a_cause(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        (clone / f"engines/support/e{number}.yaml").write_text("name: x\n")
    commit_all(clone)
    git(clone, "sparse-checkout", "set", "engines/marketing")
    said = found(clone, {f"support/e{number}": [] for number in range(8)})
    assert said is not None
    assert "support/e4 and 3 more are not checked out" in said.message
    git(clone, "sparse-checkout", "disable")
    shutil.rmtree(clone / "engines" / "support")
    monkeypatch.chdir(clone / "texts")
    said = found(clone, {f"support/e{number}": [] for number in range(8)}, at_desk=False)
    assert said is not None
    assert said.hint == "run `git checkout -- ../engines/support`, then plan again"


def test_a_source_that_is_not_checked_out_is_called_one(clone: Path) -> None:
    (clone / "texts/glossary.md").write_text("Hello\n")
    commit_all(clone)
    git(clone, "sparse-checkout", "set", "engines")
    said = found(clone, {"terms": ["engines/terms.yaml", "texts/glossary.md"]})
    assert said is not None
    assert said.message == "a source of terms is not checked out: the checkout is sparse"
    assert said.file == "texts/glossary.md"


def test_a_merge_that_is_not_decided_deletes_nothing(clone: Path) -> None:
    git(clone, "checkout", "--quiet", "-b", "theirs")
    (clone / HELP).write_text("name: changed\n")
    commit_all(clone)
    git(clone, "checkout", "--quiet", "-")
    git(clone, "rm", "--quiet", HELP)
    commit_all(clone)
    with pytest.raises(subprocess.CalledProcessError):
        git(clone, "merge", "--quiet", "theirs")
    (clone / HELP).unlink()
    said = found(clone)
    assert said is not None
    assert "an unfinished merge has to decide" in said.message


def test_links_that_lead_nowhere_or_are_texts(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    gone = {"linked/more": ["engines/linked/more.yaml"]}
    git(clone, "sparse-checkout", "set", "engines")
    said = found(clone, gone)
    assert said is not None
    assert "sparse" in said.message
    git(clone, "sparse-checkout", "disable")
    (clone / "texts").rename(clone / "other")
    said = found(clone, gone)
    assert said is not None
    assert "engines/linked is a link to ../texts, which does not exist" in said.message
    (clone / "other").rename(clone / "texts")
    assert found(clone, gone) is None
    git(clone, "config", "core.symlinks", "false")
    (clone / "engines" / "linked").unlink()
    git(clone, "checkout", "HEAD", "--", "engines/linked")
    said = found(clone, gone)
    assert said is not None
    assert said.hint is not None
    assert "core.symlinks" in said.message
    subprocess.run(["sh", "-c", said.hint.split("`")[1]], check=True, capture_output=True)
    assert (clone / "engines" / "linked").is_symlink()


@pytest.fixture
def outer(origin: Path, tmp_path: Path) -> Path:
    """A clone whose engines are a submodule."""
    new_repo(tmp_path / "made")
    git(
        tmp_path / "made",
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        str(origin),
        "engines",
    )
    commit_all(tmp_path / "made")
    git(tmp_path, "clone", "--quiet", "made", "outer")
    return tmp_path / "outer"


def test_a_submodule_that_was_not_fetched_or_stands_elsewhere(
    outer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(outer)
    gone = {"engines/terms": ["engines/engines/terms.yaml"]}
    said = found(outer, gone)
    assert said is not None
    assert "the submodule engines is not initialized" in said.message
    assert said.hint == "run `git submodule update --init -- engines`, then plan again"
    folder = GitCheckout(outer, "engines", at_desk=True).folder_not_gone()
    assert folder is not None
    assert folder.hint == said.hint
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init")
    assert found(outer, gone) is None
    git(outer / "engines", "rm", "--quiet", "-r", "engines")
    commit_all(outer / "engines")
    assert found(outer, gone) is None  # work that goes on from what is recorded
    git(outer / "engines", "checkout", "--quiet", "--orphan", "elsewhere")
    commit_all(outer / "engines", "another beginning")
    said = found(outer, gone)
    assert said is not None
    assert "not at its recorded commit" in said.message
    git(outer, "update-index", "--cacheinfo", f"160000,{'1' * 40},engines")
    said = found(outer, gone)
    assert said is not None
    assert "not at its recorded commit" in said.message


def test_an_engines_folder_that_is_not_here(clone: Path, origin: Path, tmp_path: Path) -> None:
    def said(root: Path, engines: str = "engines") -> str:
        finding = GitCheckout(root, engines, at_desk=True).folder_not_gone()
        return "" if finding is None else f"{finding.message} {finding.hint}"

    git(clone, "sparse-checkout", "set", "--no-cone", "/texts/")
    assert "the checkout is sparse" in said(clone)
    git(clone, "sparse-checkout", "disable")
    shutil.rmtree(clone / "engines")
    assert "in git, but not in the work tree" in said(clone)
    assert "checkout -- engines`" in said(clone)
    assert said(clone, "elsewhere") == ""
    git(clone, "rm", "-r", "--quiet", "engines")
    assert said(clone) == ""
    git(tmp_path, "clone", "--quiet", "--no-checkout", str(origin), "bare")
    assert "nothing is checked out" in said(tmp_path / "bare")
    assert said(tmp_path) == ""  # no repository


def test_git_that_refuses_is_no_answer(clone: Path, tmp_path: Path) -> None:
    (clone / HELP).unlink()
    (clone / ".git" / "HEAD").write_text("nonsense\n")
    said = found(clone)
    assert said is not None
    assert "git cannot determine the state of the engine file of support/help" in said.message
    assert GitCheckout(clone, "engines", at_desk=True).folder_not_gone() is None
    outside = tmp_path / "outside"
    os.mkdir(outside)
    assert found(outside) is None
