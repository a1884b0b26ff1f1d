"""Pages for a browser, as the commands write them: of a plan, of a run's result, and of the status."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.far_ends import KEY, Project
from tests.e2e.test_imports import loaded
from tests.render.html.reading import Page

TEMPLATES = {"minijinja", "importlib.resources"}


def test_a_plan_its_result_and_the_status(project: Project) -> None:
    """`project` has two engines, acme and shop/web."""
    project.engine("shop", running=True)
    plan = Page(project.run("plan", "--format", "html").ended(0).out)
    assert "Plan: 3 to create." in plan.words
    project.commit()
    project.apply("--report-html", "result.html").ended(0)
    result = Page((project.root / "result.html").read_text(encoding="utf-8"))
    assert "Apply: 3 created in" in result.words
    assert "git add engines.lock.json && git commit" in result.words
    shop = dict(result.engine("shop")["about"])
    assert (shop["Engine"], shop["Took"] != "0s") == (project.entry("shop")["engineId"], True)
    assert [row[1:3] for row in result.engine("shop")["history"]] == [["created", shop["Engine"]]]
    project.commit()

    file = project.engine("acme", "name: Acme\nlocales: [de, it]\n")
    edited = Page(project.run("plan", "--format", "html").ended(0).out)
    acme = edited.engine("acme")
    assert {"field": "locales", "old": "fr", "new": "it"} in acme["values"]
    assert acme["history"][0][2] == project.entry("acme")["engineId"]
    assert acme["history"][0][-1] == "Test", "who committed the lockfile"
    file.write_text("name: Acme\nlocale: [de]\n")
    assert "unknown key" in Page(project.run("plan", "--format", "html").ended(3).out).words
    status = Page(project.run("status", "--format", "html").ended(0).out)
    assert "3 engines: 3 serving." in status.words
    assert KEY not in status.source + result.source + edited.source


def test_a_run_that_has_nothing_to_do_writes_its_page_too(project: Project) -> None:
    project.apply().ended(0)
    project.apply("--report-html", "again.html").ended(0)
    project.run("collect", "--report-html", "collected.html").ended(0)
    assert "Apply: 2 unchanged" in Page((project.root / "again.html").read_text()).words
    assert "Localization engines: collect for production" in (project.root / "collected.html").read_text()


def test_a_plan_is_shown_as_asked_and_written_as_a_page(project: Project, tmp_path: Path) -> None:
    ran = project.run("-C", str(project.root), "plan", "--report-html", "plan.html", cwd=tmp_path).ended(0)
    assert "acme will be created" in ran.out
    assert "Plan: 2 to create." in Page((project.root / "plan.html").read_text()).words


def test_each_file_counts_from_the_folder_of_the_command(project: Project, tmp_path: Path) -> None:
    project.apply().ended(0)
    where = ("-C", str(project.root))
    project.run(
        *where, "apply", "--yes", "--report", "r.json", "--report-html", "r.html", cwd=tmp_path
    ).ended(0)
    project.run(*where, "plan", "--out", "p.json", "--report-html", "p.html", cwd=tmp_path).ended(0)
    project.run(*where, "export", "--format=env", "--output", "ids.env", cwd=tmp_path).ended(0)
    assert {"r.json", "r.html", "p.json", "p.html", "ids.env"} <= set(os.listdir(project.root))
    assert not {"r.json", "r.html", "p.json", "p.html", "ids.env"} & set(os.listdir(tmp_path))


def test_a_page_does_not_leave_the_project_through_a_link(project: Project, tmp_path: Path) -> None:
    (project.root / "page.html").symlink_to(tmp_path / "elsewhere.html")
    for words in (("plan",), ("apply", "--yes")):
        project.run(*words, "--report-html", "page.html").ended(
            3, "--report-html", "leads out of the project"
        )
    assert not (tmp_path / "elsewhere.html").exists()
    assert not project.lockfile.exists(), "refused before anything was created"


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("engines.lock.json", 64, "reconcile reads that file itself"),
        ("reconcile.yaml", 64, "reconcile reads that file itself"),
        ("engines/new.yaml", 64, "reconcile reads that file itself"),
        ("missing/report.html", 1, "mkdir -p"),
        ("engines", 1, "is a folder"),
        ("pipe", 1, "is not a regular file"),
        ("circle", 1, "Too many levels of symbolic links"),
        ("x" * 300, 1, "File name too long"),
        ("engines/acme.yaml/report.html", 64, "reconcile reads that file itself"),
        ("README/report.html", 1, "README is not a folder"),
        (".git/config", 64, "git reads that file itself"),
        ("-", 64, "it takes a file"),
    ],
)
def test_a_file_that_cannot_be_is_refused_before_anything_is_done(
    project: Project, name: str, code: int, words: str
) -> None:
    os.mkfifo(project.root / "pipe")
    (project.root / "circle").symlink_to("circle")
    (project.root / "README").write_text("here\n")
    project.git("init", "--quiet")
    before = {path: content for path, (_, content) in project.snapshot().items()}
    for command in (("plan",), ("apply", "--yes"), ("collect",)):
        project.run(*command, "--report-html", name).ended(code, words)
    others: list[tuple[str, tuple[str, ...]]] = [
        ("--report", ("apply", "--yes")),
        ("--out", ("plan",)),
        ("--output", ("export", "--format", "typescript")),
    ]
    for option, words_before in others:
        project.run(*words_before, option, name).ended(code, words)
    assert {path: content for path, (_, content) in project.snapshot().items()} == before


@pytest.mark.parametrize("command", [("plan", "--out"), ("apply", "--yes", "--report")])
def test_two_files_of_one_name_are_refused(project: Project, command: tuple[str, ...]) -> None:
    (project.root / "link").symlink_to("one")
    project.run(*command, "one", "--report-html", "link").ended(64, "name the same file", "report.html")
    assert not (project.root / "one").exists()
    assert not project.lockfile.exists()


@pytest.mark.parametrize("option", ["--report", "--report-html"])
def test_a_report_does_not_replace_the_plan_that_is_applied(project: Project, option: str) -> None:
    project.apply().ended(0)
    project.run("plan", "--out", "plan.json").ended(0)
    before = (project.root / "plan.json").read_bytes()
    project.apply("plan.json", option, "./plan.json").ended(64, f"PLAN and {option} name the same file")
    assert (project.root / "plan.json").read_bytes() == before
    assert project.apply("plan.json").ended(0).out.splitlines() == ["No changes."]


@pytest.mark.parametrize("command", ["apply", "collect"])
def test_what_applies_prints_no_page(project: Project, command: str) -> None:
    words = [command, *(["--yes"] if command == "apply" else [])]
    project.run(*words, "--format", "html").ended(64, "--report-html FILE")


def test_only_a_page_loads_the_template_library(project: Project) -> None:
    assert loaded(project, "plan") & TEMPLATES == set()
    assert loaded(project, "plan", "--format", "markdown") & TEMPLATES == set()
    assert loaded(project, "status") & TEMPLATES == set()
    assert "minijinja" in loaded(project, "plan", "--format", "html")


def test_without_the_library_it_says_what_to_install(project: Project, tmp_path: Path) -> None:
    """As on a system that it is not built for; nothing is created that could not be reported."""
    (tmp_path / "hidden" / "sitecustomize.py").parent.mkdir()
    (tmp_path / "hidden" / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'minijinja' else find(name, *more)\n"
    )
    env = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "hidden"), os.getcwd()])}
    for words in (("plan", "--format", "html"), ("apply", "--yes", "--report-html", "x.html")):
        project.run(*words, env=env).ended(64, "HTML reports need MiniJinja", "pip install minijinja")
    assert not project.lockfile.exists()
