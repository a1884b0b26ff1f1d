"""`reconcile import`: an engine that exists becomes the one of a file, and nothing is created."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox.server import SandboxServer
from tests import plain_http
from tests.e2e.far_ends import KEY, Project


@pytest.fixture
def project(tmp_path: Path, platform: SandboxServer) -> Project:
    made = Project(tmp_path / "work", platform.url)
    made.git("init", "--quiet", "--initial-branch=main", "--template=")
    return made


def call(project: Project, method: str, path: str, body: Any = None) -> Any:
    answer = plain_http.request(method, f"{project.url}{path}", headers={"X-API-Key": KEY}, json=body)
    return answer.raise_for_status().json()


def made_elsewhere(project: Project, name: str = 'Old: "quoted" #1', **more: Any) -> str:
    """An engine that nobody recorded."""
    body = {
        "engine": {"name": name, "description": "Made in the dashboard"},
        "locales": ["de", "pt-BR"],
    } | more
    return str(call(project, "POST", "/jobs/provisioning", body)["engineId"])


def creates(project: Project) -> int:
    return int(call(project, "GET", "/sandbox")["createCalls"])


def test_a_starter_file_is_written_and_nothing_is_to_do(project: Project) -> None:
    engine = made_elsewhere(project)
    before = creates(project)
    ran = project.run("import", "shop/web", engine).ended(0, "created  engines/shop/web.yaml", "imported")
    assert "git add engines.lock.json engines/shop/web.yaml && git commit" in ran.err
    text = (project.root / "engines/shop/web.yaml").read_text()
    assert "sources" in text
    project.run("validate").ended(0)
    assert project.entry("shop/web")["spec"] == {
        "name": 'Old: "quoted" #1',
        "description": "Made in the dashboard",
        "locales": ["de", "pt-BR"],
    }
    project.run("plan", "--detailed-exitcode").ended(0)
    project.apply().ended(0)
    project.run("get", "shop/web").ended(0, engine)
    assert creates(project) == before
    project.engine("shop/web", text + "sources: [{type: content, payload: Formal.}]\n")
    project.run("plan").ended(0, "will be replaced", engine)


def test_a_file_that_says_the_same_is_taken(project: Project) -> None:
    engine = made_elsewhere(project, "Acme")
    project.engine("acme", "name: Acme\ndescription: Made in the dashboard\nlocales: [pt-BR, de]\n")
    before = (project.root / "engines/acme.yaml").read_bytes()
    project.run("import", "acme", engine).ended(0)
    assert (project.root / "engines/acme.yaml").read_bytes() == before
    project.run("plan", "--detailed-exitcode").ended(0)


def test_a_file_that_says_something_else_is_shown_and_taken_only_as_is(project: Project) -> None:
    engine = made_elsewhere(project, "Acme")
    project.engine("acme", "name: Other\nlocales: [de]\n")
    ran = project.run("import", "acme", engine).ended(64, 'name: "Acme" on the platform, "Other" in the file')
    assert f"reconcile import acme {engine} --as-is" in ran.err or f"--as-is acme {engine}" in ran.err
    assert not project.lockfile.exists()
    project.run("import", "acme", engine, "--as-is").ended(0)
    project.run("plan", "--detailed-exitcode").ended(0)
    assert project.entry("acme")["engineId"] == engine


@pytest.mark.parametrize("name", ["i18n.json", ".lingo/config.json"])
def test_from_the_configuration_of_lingos_own_tools(project: Project, name: str) -> None:
    engine = made_elsewhere(project, "Acme")
    file = project.root / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"engineId": engine, "version": 1}))
    project.run("import", "acme", "--from", name).ended(0, f"{engine} imported")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no file i18n.json"),
        ("{", "i18n.json cannot be read: not valid JSON"),
        ("{}", "has no `engineId`"),
        ("[]", "has no `engineId`"),
        ('{"engineId": 7}', "is not an ID"),
        ('{"engineId": "../x"}', "is not an ID"),
        ('{"engineId": null}', "has no `engineId`"),
    ],
)
def test_a_configuration_without_an_id(project: Project, content: str | None, said: str) -> None:
    if content is not None:
        (project.root / "i18n.json").write_text(content)
    project.run("import", "acme", "--from", "i18n.json").ended(3, said)
    assert not project.lockfile.exists()


def test_an_engine_is_imported_once(project: Project) -> None:
    engine, other = made_elsewhere(project, "Acme"), made_elsewhere(project, "Blog")
    project.run("import", "acme", engine).ended(0)
    project.run("import", "blog", engine).ended(64, f"`{engine}` is already recorded for `acme`")
    project.run("import", "acme", other).ended(64, "has an engine already")
    assert not (project.root / "engines/blog.yaml").exists()


def test_an_engine_of_another_environment(project: Project) -> None:
    (project.root / "reconcile.yaml").write_text(
        "environments:\n  production: {}\n  staging:\n    lockfile: engines.staging.lock.json\n"
    )
    engine = made_elsewhere(project, "Acme")
    project.run("import", "acme", engine, "--env", "staging").ended(0)
    project.run("import", "acme", engine).ended(64, "engines.staging.lock.json", "`staging`")


@pytest.mark.parametrize("key", [None, KEY])
def test_without_a_look_at_the_platform_a_file_must_be_there(project: Project, key: str | None) -> None:
    mine = Project(project.root, project.url, key)
    mine.run("import", "acme", "eng_unknown").ended(64, "write engines/acme.yaml yourself")
    assert not (project.root / "engines").exists() or not list((project.root / "engines").iterdir())
    project.engine("acme", "name: Acme\n")
    mine.run("import", "acme", "eng_unknown").ended(0)
    mine.run("plan", "--detailed-exitcode").ended(0)


def test_a_key_may_be_given_as_the_file_to_write(project: Project) -> None:
    project.run("import", "engines/shop/web.yaml", made_elsewhere(project)).ended(0, "shop/web: ")
    assert list(project.lock["engines"]) == ["shop/web"]
    assert (project.root / "engines/shop/web.yaml").is_file()


@pytest.mark.parametrize(
    ("in_git", "said"), [(True, "outside.yaml, which does not exist"), (False, "is not an engine file")]
)
def test_nothing_is_written_through_a_link(project: Project, in_git: bool, said: str) -> None:
    if not in_git:
        shutil.rmtree(project.root / ".git")
    outside = project.root.parent / "outside.yaml"
    (project.root / "engines").mkdir()
    (project.root / "engines/acme.yaml").symlink_to(outside)
    project.run("import", "acme", made_elsewhere(project)).ended(3, said)
    assert not outside.exists()
    assert not project.lockfile.exists()


@pytest.mark.parametrize(("in_the_way", "key"), [("engines", "acme"), ("engines/shop", "shop/web")])
def test_a_file_where_a_folder_should_be(project: Project, in_the_way: str, key: str) -> None:
    file = project.root / in_the_way
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")
    project.run("import", key, made_elsewhere(project)).ended(1, in_the_way)
    assert file.read_text() == "mine"
    assert not project.lockfile.exists()


def test_the_starter_file_goes_again_where_the_engine_is_not_recorded(project: Project) -> None:
    """It would be an engine file without an engine: the next run would make a second one."""
    project.lockfile.mkdir()
    engine = made_elsewhere(project)
    ran = project.run("import", "acme", engine)
    assert ran.code != 0
    assert "created" not in ran.out
    assert not list((project.root / "engines").glob("*"))


def test_an_engine_file_that_is_not_checked_out_is_not_written_anew(project: Project) -> None:
    project.engine("acme", "name: Ours\n")
    (project.root / "README").write_text("x")
    project.commit()
    project.git("sparse-checkout", "set", "docs")
    assert not (project.root / "engines").exists()
    project.run("import", "acme", made_elsewhere(project)).ended(3, "engines/acme.yaml", "sparse")
    assert not (project.root / "engines").exists()
    assert not project.lockfile.exists()


def test_a_lockfile_that_git_ignores_records_no_engine(project: Project) -> None:
    (project.root / ".gitignore").write_text("*.lock.json\n")
    project.run("import", "acme", made_elsewhere(project)).ended(3, "engines.lock.json", ".gitignore")
    assert not (project.root / "engines").exists()
    assert not project.lockfile.exists()


def test_what_the_platform_says_is_no_engine_file(project: Project) -> None:
    engine = made_elsewhere(project, engine={"name": "Acme", "description": "\ufffe"})
    ran = project.run("import", "acme", engine).ended(3, "engines/acme.yaml is not valid", "U+FFFE")
    assert "created" not in ran.out
    assert not list((project.root / "engines").glob("*"))


def test_what_no_engine_file_can_have_is_named_and_left_out(project: Project) -> None:
    told = {"name": "Acme", "description": "Made here \n\n"}
    engine = made_elsewhere(project, engine=told, locales=["de", "pt-br"])
    ran = project.run("import", "acme", engine).ended(0, f"no engine file can have this of {engine}", "pt-br")
    assert "description" not in ran.err
    assert project.entry("acme")["spec"]["locales"] == ["de"]
    again = made_elsewhere(project, engine=told, locales=["de"])
    project.engine("same", "name: Acme\ndescription: Made here\nlocales: [de]\n")
    project.run("import", "same", again).ended(0)  # blanks at the end make no difference


def test_why_an_engine_cannot_be_looked_up_is_said(project: Project) -> None:
    ran = project.run("import", "acme", "eng_typo").ended(64, "no engine `eng_typo` (404)")
    assert "set LINGO_API_KEY" not in ran.err
    project.engine("acme", "name: Acme\n")
    project.run("import", "acme", "eng_typo", env={"LINGO_API_KEY": "lk_wrong"}).ended(0, "refused (401)")


@pytest.mark.parametrize(
    "words",
    [
        ["acme"],
        ["engines/", "eng_1"],
        ["acme", "eng_1", "--from", "i18n.json"],
        ["../x", "eng_1"],
        ["/acme", "eng_1"],
        ["a\nb", "eng_1"],
        ["acme", "<ENGINE_ID>"],
        ["acme", "https://lingo.dev/engines/eng_1"],
        ["acme", ""],
        ["", "eng_1"],
        [".git/x", "eng_1"],
    ],
)
def test_what_is_no_key_or_id_writes_nothing(project: Project, words: list[str]) -> None:
    project.run("import", *words).ended(64)
    assert not project.lockfile.exists()
    assert not (project.root / "engines").exists()


def test_two_people_import_and_make_the_same_key(project: Project) -> None:
    """The other's engine serves where it came first; the imported one is kept in reserve."""
    engine = made_elsewhere(project, "Acme")
    project.engine("acme", "name: Acme\n")
    project.commit()
    project.run("import", "acme", engine, "--as-is").ended(0)
    ours = project.lockfile.read_bytes()
    project.lockfile.unlink()
    for file in (project.root / ".git/reconcile").glob("*"):
        if file.is_file():
            file.unlink()
    project.apply().ended(0)
    (project.root / "ours.json").write_bytes(ours)
    (project.root / "base.json").write_text('{"engines": {}, "version": 1}\n')
    project.run("lockfile", "merge", "base.json", "ours.json", "engines.lock.json")
    names = (project.root / "ours.json").read_text() + project.lockfile.read_text()
    assert engine in names
