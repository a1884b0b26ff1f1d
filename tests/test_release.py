"""Releases: what tools/release.py cuts and refuses, what a build holds, and what the workflow may do."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import reconciler
from reconciler.adapters.yaml.reader import read_yaml

ROOT = Path(__file__).resolve().parent.parent
WORKFLOW: Any = read_yaml((ROOT / ".github/workflows/release.yml").read_bytes(), "release.yml").value
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CHANGELOG = """# Changelog

## [Unreleased]

### Added

- A thing.

## [0.1.0] - 2026-01-02

- The first.
"""
PACKAGE = '"""Words."""\n\n__version__ = "0.1.0"\n'
HOME = "https://github.com/acme/reconcile"


def _release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / "tools/release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


release = _release()


def test_a_cut_leaves_an_empty_section_above_what_is_released() -> None:
    changelog, package = release.cut(CHANGELOG, PACKAGE, "0.2.0", "2026-11-29")
    assert changelog == CHANGELOG.replace("## [Unreleased]\n", "## [Unreleased]\n\n## [0.2.0] - 2026-11-29\n")
    assert '__version__ = "0.2.0"' in package
    assert list(release.sections(changelog)) == ["Unreleased", "0.2.0", "0.1.0"]
    assert release.notes(changelog, "v0.2.0") == "### Added\n\n- A thing.\n"


@pytest.mark.parametrize(
    ("version", "date", "said"),
    [
        ("0.1.0", "2026-11-29", "does not follow 0.1.0"),
        ("0.0.9", "2026-11-29", "does not follow 0.1.0"),
        ("v0.2.0", "2026-11-29", "is not a version"),
        ("0.2", "2026-11-29", "is not a version"),
        ("0.2.0", "29.11.2026", "is not a date"),
        ("0.2.0", "2026-02-30", "is not a date"),
        ("0.2.0", "20261129", "is not a date"),
        ("0.2.0", "2026-W48-7", "is not a date"),
        ("0.1\N{ARABIC-INDIC DIGIT TWO}.0", "2026-11-29", "is not a version"),
    ],
)
def test_a_cut_that_cannot_be_is_refused(version: str, date: str, said: str) -> None:
    with pytest.raises(release.Wrong, match=re.escape(said)):
        release.cut(CHANGELOG, PACKAGE, version, date)


def test_a_version_never_goes_back_behind_the_program() -> None:
    later = PACKAGE.replace("0.1.0", "0.3.0")
    with pytest.raises(release.Wrong, match=re.escape("0.2.0 is older than 0.3.0 in reconciler/__init__.py")):
        release.cut(CHANGELOG, later, "0.2.0", "2026-11-29")
    assert '__version__ = "0.3.0"' in release.cut(CHANGELOG, later, "0.3.0", "2026-11-29")[1]
    with pytest.raises(release.Wrong, match="has no line `__version__"):
        release.cut(CHANGELOG, "", "0.2.0", "2026-11-29")


def test_sections_that_are_no_releases_do_not_count() -> None:
    changelog = CHANGELOG + "\n## [0.0.9-rc1] - 2025-12-01\n\n- A try.\n\n## [Before]\n\n- Prehistory.\n"
    assert "## [0.2.0] - 2026-11-29\n" in release.cut(changelog, PACKAGE, "0.2.0", "2026-11-29")[0]


def test_nothing_is_cut_twice() -> None:
    changelog, package = release.cut(CHANGELOG, PACKAGE, "0.2.0", "2026-11-29")
    with pytest.raises(release.Wrong, match="nothing under"):
        release.cut(changelog, package, "0.3.0", "2026-11-30")


def project(root: Path, changelog: str, version: str, home: str = HOME) -> Path:
    (root / "reconciler").mkdir()
    (root / "reconciler/__init__.py").write_text(PACKAGE.replace("0.1.0", version))
    (root / "CHANGELOG.md").write_text(changelog)
    urls = f'Issues = "{home}/issues"\nRepository = "{home}"\nDocumentation = "https://docs.example"\n'
    (root / "pyproject.toml").write_text(f"[project.urls]\n{urls}")
    return root


def test_a_tag_that_agrees_with_everything_passes(tmp_path: Path) -> None:
    changelog, _ = release.cut(CHANGELOG, PACKAGE, "0.2.0", "2026-11-29")
    assert release.check(project(tmp_path, changelog, "0.2.0"), "v0.2.0", "acme/reconcile") == []


@pytest.mark.parametrize(
    ("tag", "version", "home", "said"),
    [
        ("v0.2.0", "0.1.0", HOME, "says 0.1.0, the tag 0.2.0"),
        ("v0.3.0", "0.3.0", HOME, "no section [0.3.0]"),
        ("v0.1.0", "0.1.0", HOME, "the newest section of CHANGELOG.md is [0.2.0]"),
        ("v0.2.0", "0.2.0", "https://github.com/OWNER/reconcile", "Issues, Repository in [project.urls]"),
        ("v0.2.0", "0.2.0", HOME + "-evil", "Issues, Repository in [project.urls]"),
    ],
)
def test_what_does_not_agree_is_named(tmp_path: Path, tag: str, version: str, home: str, said: str) -> None:
    changelog, _ = release.cut(CHANGELOG, PACKAGE, "0.2.0", "2026-11-29")
    wrong = release.check(project(tmp_path, changelog, version, home), tag, "acme/reconcile")
    assert said in "\n".join(wrong)


@pytest.mark.parametrize(
    "tag", ["0.2.0", "v0.2", "v0.2.0-rc1", "v00.2.0", "main", "v0.2.0\n", "v0.1\N{ARABIC-INDIC DIGIT TWO}.0"]
)
def test_other_tags_are_no_releases(tag: str) -> None:
    with pytest.raises(release.Wrong):
        release.version_of(tag)


@pytest.mark.parametrize(
    ("tag", "tags", "moved"),
    [
        ("v0.2.0", ["v0.1.0", "v0.2.0", "v0"], "v0"),
        ("v0.10.0", ["v0.9.0", "v0.10.0"], "v0"),
        ("v0.1.1", ["v0.1.0", "v0.2.0", "v0.1.1"], ""),
        ("v0.2.1", ["v0.2.0", "v1.0.0", "v0.2.1"], "v0"),
        ("v1.0.0", ["v0.2.0", "v1.0.0", "v1.0.0-rc1"], "v1"),
    ],
)
def test_the_moving_tag_never_moves_back(tag: str, tags: list[str], moved: str) -> None:
    assert release.moving(tag, tags) == moved


def test_the_changelog_here_has_its_sections_in_order() -> None:
    found = release.sections((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    names = list(found)
    assert names[0] == "Unreleased"
    assert names[1:] == sorted(names[1:], key=release._ordered, reverse=True)
    if names[1:]:
        assert names[1] == reconciler.__version__
    for name in names[1:]:
        release._check_date(found[name][0])


def test_what_a_registry_shows_is_complete() -> None:
    assert PROJECT["urls"].keys() >= {
        "Homepage",
        "Documentation",
        "Repository",
        "Changelog",
        "Issues",
        "Security",
    }
    minors = [f"Programming Language :: Python :: 3.{minor}" for minor in range(11, 15)]
    assert set(minors) <= set(PROJECT["classifiers"])


# ── the build ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist of a clone of what is committed, and the wheel that is built from the unpacked sdist."""
    root = tmp_path_factory.mktemp("release")
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{ROOT}", root / "clone"], check=True)
    # These as they are now, so that a change can be tested before it is committed.
    shutil.copy(ROOT / "pyproject.toml", root / "clone")
    shutil.copy(ROOT / "reconciler/__init__.py", root / "clone/reconciler")
    shutil.copytree(ROOT / "tools", root / "clone/tools", dirs_exist_ok=True)
    _build(root / "clone", root / "dist", "sdist")
    (archive,) = (root / "dist").iterdir()
    with tarfile.open(archive) as tar:
        tar.extractall(root / "sdist", filter="data")
    _build(next((root / "sdist").iterdir()), root / "dist", "wheel")
    return root / "dist"


def _build(source: Path, dist: Path, target: str) -> None:
    """As the workflow does it."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(dist), "--target", target]
    subprocess.run(command, cwd=source, check=True, capture_output=True)


def names_in(dist: Path, suffix: str) -> set[str]:
    (file,) = dist.glob(f"*{suffix}")
    if suffix == ".whl":
        return set(zipfile.ZipFile(file).namelist())
    with tarfile.open(file) as tar:
        return {member.name.partition("/")[2] for member in tar if member.isfile() or member.issym()}


def test_the_wheel_holds_the_program_and_nothing_else(dist: Path) -> None:
    names = names_in(dist, ".whl")
    assert "reconciler/py.typed" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"reconciler", "lingo_reconcile"}
    here = {file.name for file in (ROOT / ".github/workflows").glob("engines-*.yml")}
    assert {name for name in names if "ci_templates/github" in name} == {
        f"reconciler/ci_templates/github/{name}" for name in here
    }


def test_the_sdist_holds_what_builds_and_explains_it(dist: Path) -> None:
    names = names_in(dist, ".tar.gz")
    assert {"CHANGELOG.md", "LICENSE", "README.md", "tools/build_backend.py", "requirements/run.txt"} <= names
    assert "docs/engine-files.md" in names
    assert "action.yml" in names
    assert not [name for name in names if name.endswith(".pyc")]


def test_the_wheel_runs_from_an_environment_of_its_own(dist: Path, tmp_path: Path) -> None:
    """Its dependencies are those of the tests; the program is the wheel's."""
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")  # noqa: S202 # it was made above
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / "site"), "HOME": str(tmp_path)}
    run = "import reconciler; print(reconciler.__file__, flush=True); from reconciler.cli.start import entry; entry()"
    for words, said in (
        (["--version"], reconciler.__version__),
        (["init", "--ci", "gitlab"], "ci/engines.yml"),
    ):
        command = [sys.executable, "-c", run, *words]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
        assert str(tmp_path / "site") in done.stdout
        assert said in done.stdout


# ── the workflow ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_published_before_the_tests_and_an_approval() -> None:
    jobs = WORKFLOW["jobs"]
    assert WORKFLOW["permissions"] == {}
    for name in ("pypi", "images", "github"):
        assert jobs[name]["environment"]["name" if isinstance(jobs[name]["environment"], dict) else 0]
        assert _all_needs(name) >= {"check", "build"}
    assert set(jobs) - {"pypi", "images", "github"} == {"check", "build"}


def _all_needs(name: str) -> set[str]:
    needs = WORKFLOW["jobs"][name].get("needs", [])
    direct = set([needs] if isinstance(needs, str) else needs)
    return direct.union(*map(_all_needs, direct))


def test_each_job_may_do_only_its_own() -> None:
    assert {name: job["permissions"] for name, job in WORKFLOW["jobs"].items()} == {
        "check": {"contents": "read"},
        "build": {"contents": "read"},
        "pypi": {"id-token": "write"},
        "images": {"contents": "read", "packages": "write", "id-token": "write"},
        "github": {"contents": "write"},
    }


def test_what_runs_in_the_workflow_exists() -> None:
    text = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"tools/release\.py (\w+)", text)) == {"check", "notes", "moving"}
    for name in ("check", "notes", "moving"):
        assert f'["{name}", tag' in (ROOT / "tools/release.py").read_text(encoding="utf-8")
    targets = WORKFLOW["jobs"]["images"]["strategy"]["matrix"]["include"]
    container = (ROOT / "deploy/Containerfile").read_text(encoding="utf-8")
    assert {one["target"] for one in targets} == set(
        re.findall(r"^FROM \S+ AS (?!build)(\w+)$", container, re.MULTILINE)
    )


@pytest.mark.parametrize("name", ["check", "build", "pypi", "images", "github"])
def test_no_expression_becomes_part_of_a_script(name: str) -> None:
    scripts = [step["run"] for step in WORKFLOW["jobs"][name]["steps"] if "run" in step]
    assert [script for script in scripts if "${{" in script] == []
