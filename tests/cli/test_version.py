from __future__ import annotations

import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

from reconciler import __version__
from reconciler.cli.main import main
from reconciler.cli.version import version_text
from tests.cli.documented import git, write


def test_a_clone_names_the_commit_that_is_checked_out(tmp_path: Path) -> None:
    write(tmp_path, {"reconciler/__init__.py": ""})
    assert version_text(tmp_path / "reconciler") == __version__
    git(tmp_path, "init", "--quiet")
    assert version_text(tmp_path / "reconciler") == __version__  # no commit yet
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message=First")
    head = subprocess.check_output(["git", "-C", str(tmp_path), "rev-parse", "HEAD"], text=True).strip()
    assert version_text(tmp_path / "reconciler") == f"{__version__} (commit {head})"
    assert version_text(tmp_path / "reconciler", ask_git=False) == __version__


def test_a_package_says_what_it_was_built_from(tmp_path: Path) -> None:
    write(tmp_path, {"reconciler/commit.txt": "a" * 40 + "\n"})
    assert version_text(tmp_path / "reconciler") == f"{__version__} (commit {'a' * 40})"


def test_a_folder_of_packages_in_somebodys_repository_names_no_commit(tmp_path: Path) -> None:
    write(tmp_path, {"lib/site-packages/reconciler/__init__.py": ""})
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=Theirs")
    assert version_text(tmp_path / "lib/site-packages/reconciler") == __version__


def test_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith(f"reconcile {__version__}")


def built(root: Path) -> str | None:
    """What a wheel of this project says of its commit."""
    [wheel] = WheelBuilder(str(root)).build(directory=str(root / "dist"), versions=["standard"])
    with ZipFile(wheel) as files:
        named = "reconciler/commit.txt"
        return files.read(named).decode() if named in files.namelist() else None


def test_a_wheel_is_built_with_its_commit(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    hook = (root / "tools/commit_hook.py").read_text(encoding="utf-8")
    project = (
        '[project]\nname = "x"\nversion = "1"\n[tool.hatch.build.targets.wheel]\npackages = ["reconciler"]\n'
    )
    project += '[tool.hatch.build.targets.wheel.hooks.custom]\npath = "tools/commit_hook.py"\n'
    write(tmp_path, {"pyproject.toml": project, "tools/commit_hook.py": hook, "reconciler/__init__.py": ""})
    write(tmp_path, {".github/workflows/engines-plan.yml": "", "docs/ci/gitlab-ci.yml": ""})
    assert built(tmp_path) is None
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=First")
    head = subprocess.check_output(["git", "-C", str(tmp_path), "rev-parse", "HEAD"], text=True)
    assert built(tmp_path) == head
