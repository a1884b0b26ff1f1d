"""What git would never commit, by any of its rules, and what is to be added after an apply; against real git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler.adapters.checkout.ignored import refuse_if_ignored, to_add
from reconciler.core.errors import InvalidInput


def git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "repo")
    root = tmp_path / "repo/web"
    root.mkdir()
    return root


def refusal(root: Path, name: str = "engines.lock.json") -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        refuse_if_ignored(root, name)
    return caught.value


@pytest.mark.parametrize(
    ("rules", "line"), [("*.lock.json\n", 1), ("x\n\nengines.lock.json\n", 3), ("web/*.json\n", 1)]
)
def test_a_rule_of_the_repository_and_the_exception_that_helps(project: Path, rules: str, line: int) -> None:
    (project.parent / ".gitignore").write_text(rules)
    error = refusal(project)
    assert f"(.gitignore:{line}: " in error.message
    assert "`!engines.lock.json` to the end of " in (error.hint or "")
    with (project / ".gitignore").open("a") as file:
        file.write("!engines.lock.json\n")
    refuse_if_ignored(project, "engines.lock.json")


def test_a_rule_of_the_clone_and_of_the_person(project: Path, tmp_path: Path) -> None:
    (project.parent / ".git/info/exclude").write_text("*.lock.json\n")
    assert ".git/info/exclude:1" in refusal(project).message
    (project.parent / ".git/info/exclude").write_text("")
    (tmp_path / "mine").write_text("*.json\n")
    git(project, "config", "core.excludesFile", str(tmp_path / "mine"))
    assert f"{tmp_path}/mine:1" in refusal(project).message


@pytest.mark.parametrize("rule", ["/web/", "web", "we*/", "/web/gen/"])
def test_a_folder_above_takes_no_exception(project: Path, rule: str) -> None:
    (project / "gen").mkdir()
    (project.parent / ".gitignore").write_text(rule + "\n")
    hint = refusal(project, "gen/engines.lock.json").hint or ""
    assert "which ignores the folder web" in hint
    assert "setting `lockfile`" in hint


def test_what_git_has_is_not_ignored(project: Path) -> None:
    (project / "engines.lock.json").write_text("{}")
    git(project, "add", "engines.lock.json")
    (project.parent / ".gitignore").write_text("*.lock.json\n")
    refuse_if_ignored(project, "engines.lock.json")


def test_a_link_to_the_lockfile_counts_where_it_leads(project: Path) -> None:
    (project / "real.json").write_text("{}")
    (project / "engines.lock.json").symlink_to("real.json")
    (project.parent / ".gitignore").write_text("real.json\n")
    assert "engines.lock.json is ignored" in refusal(project).message


def test_outside_of_git_nothing_is_ignored(tmp_path: Path) -> None:
    refuse_if_ignored(tmp_path, "engines.lock.json")
    assert to_add(tmp_path, ["i18n.json"]) == []


def test_to_add_is_what_changed_and_is_not_ignored(project: Path) -> None:
    names = ["new.json", "same.json", "changed.json", ".env", "odd [x]*.json", "not there.json"]
    for name in names[:-1]:
        (project / name).write_text("1")
    git(project, "add", "same.json", "changed.json")
    who = ["-c", "user.name=T", "-c", "user.email=t@localhost"]
    git(project, *who, "commit", "--quiet", "-m", "x")
    (project / "changed.json").write_text("2")
    (project / ".gitignore").write_text(".env\n")
    assert to_add(project, names) == ["new.json", "changed.json", "odd [x]*.json"]
