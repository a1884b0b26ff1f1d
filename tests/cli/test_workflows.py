"""What `doctor` says of a project's GitHub workflows."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.app.planning import validate_engines
from reconciler.cli.checks.workflows import check_workflows
from tests.cli.documented import git, write

ROOT = Path(__file__).parents[2]
ENGINE = "name: Acme\nlocales: [de]\nsources:\n  - type: content\n    file: {}\n"
JOBS = "jobs: {plan: {steps: [{run: reconcile plan}]}}\n"
PLAN = 'on: {pull_request: {paths: ["engines/**", "reconcile.yaml"]}}\n' + JOBS


def said(root: Path, engines: str = "engines") -> list[tuple[str, str | None]]:
    valid, findings = validate_engines(EngineFiles(root, engines))
    assert findings == []
    return [(one.said, one.hint) for one in check_workflows(root, engines, valid.values())]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    write(
        tmp_path, {"docs/glossary.md": "Text.\n", "engines/acme.yaml": ENGINE.format("../docs/glossary.md")}
    )
    return tmp_path


def test_a_source_elsewhere_is_named_with_the_filter_it_needs(project: Path) -> None:
    write(project, {".github/workflows/plan.yml": PLAN})
    [(words, hint)] = said(project)
    assert (
        words == ".github/workflows/plan.yml does not start on `pull_request` when docs/glossary.md changes"
    )
    assert hint == 'add to its `paths`: "docs/glossary.md"'
    write(project, {".github/workflows/plan.yml": PLAN.replace('"reconcile.yaml"', '"docs/glossary.md"')})
    assert [words for words, _ in said(project)] == ["it starts when any engine file changes"]


@pytest.mark.parametrize(
    "triggers",
    [
        "on: push\n",
        "on: [push, pull_request]\n",
        "on: {push: {branches: [main]}, pull_request: }\n",
        'on: {push: {paths: ["**", "!*.png"]}}\n',
        "on: {push: {paths-ignore: [README.md]}}\n",
        "on: {schedule: [{cron: '0 0 * * *'}]}\n",
    ],
)
def test_a_workflow_that_starts_on_it_is_well(project: Path, triggers: str) -> None:
    write(project, {".github/workflows/plan.yml": triggers + JOBS})
    assert [words for words, _ in said(project)] == ["it starts when any engine file changes"]


def test_each_event_and_what_is_ignored_count(project: Path) -> None:
    apply = "on: {push: {paths-ignore: ['docs/**']}, pull_request: {paths: ['docs/**']}}\n" + JOBS
    write(project, {".github/workflows/apply.yaml": apply})
    assert said(project) == [
        (
            ".github/workflows/apply.yaml does not start on `push` when docs/glossary.md changes",
            'add to its `paths`: "docs/glossary.md"',
        ),
        (
            ".github/workflows/apply.yaml does not start on `pull_request` when engines/acme.yaml changes",
            'add to its `paths`: "engines/**"',
        ),
    ]


def test_a_project_in_a_folder_and_engines_elsewhere(project: Path) -> None:
    write(project, {".github/workflows/plan.yml": PLAN, "TERMS.md": "Terms.\n"})
    write(project, {"apps/web/l10n/a.yaml": "name: A\n"})
    (project / "apps/web/l10n/b.yaml").symlink_to("../texts/b.yaml")
    write(project, {"apps/web/texts/b.yaml": "name: B\n"})
    [(words, hint)] = said(project / "apps/web", "l10n")
    assert "apps/web/l10n/a.yaml, apps/web/l10n/b.yaml, apps/web/texts/b.yaml changes" in words
    assert hint == 'add to its `paths`: "apps/web/l10n/**", "apps/web/texts/b.yaml"'


def test_what_cannot_be_read_is_said(project: Path) -> None:
    write(project, {".github/workflows/plan.yml": "on: &x {push: {paths: [a]}}\n" + JOBS})
    [(words, hint)] = said(project)
    assert "its `paths` are not checked" in words
    assert hint == 'add to its `paths`: "engines/**", "docs/glossary.md"'


def test_other_workflows_and_no_workflows_are_nobodys_business(project: Path) -> None:
    assert said(project) == []
    write(project, {".github/workflows/test.yml": "on: {push: {paths: [src/**]}}\njobs: {}\n"})
    assert said(project) == []


def test_our_own_workflows_are_read(project: Path) -> None:
    for path in (ROOT / ".github/workflows").glob("engines-*.yml"):
        write(project, {f".github/workflows/{path.name}": path.read_text(encoding="utf-8")})
    words = [words for words, _ in said(project)]
    assert len(words) == 2
    assert all("docs/glossary.md" in one for one in words)
