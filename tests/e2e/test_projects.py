"""`reconcile projects`: which folders of a real repository count, and which of them a branch touches."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.far_ends import Project
from tests.e2e.repository import Repository

TWO = "environments:\n  staging: {lockfile: s.lock.json, api_key_env: LINGO_API_KEY_STAGING}\n  production: {}\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repo")
    made.project("apps/api")
    made.project("apps/web", settings=TWO)
    made.commit()
    return made


def jobs(repository: Repository, *arguments: str, code: int = 0) -> list[tuple[str, str]]:
    ran = repository.run("projects", "--format", "github-matrix", *arguments).ended(code)
    assert ran.out.count("\n") == 1
    assert ran.out.isascii()
    return [(one["project"], one["environment"]) for one in json.loads(ran.out)["include"]]


def test_what_git_ignores_and_what_is_of_others_is_no_project(repository: Repository, tmp_path: Path) -> None:
    for folder in ("ignored", "node_modules/kit", "vendor/x", ".cache/y", "plain"):
        repository.project(folder)
    repository.file(".gitignore", "ignored/\n")
    Repository(repository.root / "nested").project("inner")
    (repository.root / "link").symlink_to("apps/web")
    lent = Repository(tmp_path / "lent")
    lent.project("l10n")
    lent.commit()
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(lent.root), "lent")
    assert list(repository.listed()) == ["apps/api", "apps/web", "plain"]
    skipped = repository.run("projects", "--format", "json").ended(0).json["skipped"]
    assert [one["project"] for one in skipped] == [".cache/y", "node_modules/kit", "vendor/x"]
    assert list(repository.within("apps/web/engines").run("projects", "--format", "json").ended(0).json)
    assert list(repository.listed("--projects", "vendor/x")) == ["vendor/x"]
    assert list(repository.listed("--projects", "apps/*", "--projects", "plain")) == [
        "apps/api",
        "apps/web",
        "plain",
    ]


def test_a_folder_without_settings_is_found_by_name(repository: Repository) -> None:
    repository.file("bare/engines/deep/a.yaml", "name: A\n")
    repository.file("recorded/engines.lock.json", '{"version": 1, "engines": {}}\n')
    assert list(repository.listed()) == ["apps/api", "apps/web"]
    assert list(repository.listed("--projects", "*")) == ["bare", "recorded"]


def test_what_is_not_in_the_work_tree_is_said(repository: Repository) -> None:
    repository.git("sparse-checkout", "set", "apps/web")
    ran = repository.run("projects").ended(
        0, "skipped: apps/api (git has it, and it is not in the work tree)"
    )
    assert "apps/web" in ran.out


def test_a_folder_that_became_a_link_is_no_second_project(repository: Repository) -> None:
    subprocess.run(["rm", "-r", str(repository.root / "apps/api")], check=True)
    (repository.root / "apps/api").symlink_to("web")
    assert list(repository.listed()) == ["apps/web"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives folders away")
def test_a_folder_of_another_user_is_left_alone(repository: Repository) -> None:
    os.chown(repository.root / "apps/api", 12345, 12345)
    assert list(repository.listed()) == ["apps/web"]
    repository.run("plan", "--all-projects").ended(0, "apps/api belongs to another user")


def test_a_shared_folder_is_left_alone(repository: Repository) -> None:
    (repository.root / "apps").chmod(0o1777)
    assert repository.listed() == {}


def test_outside_of_git_the_folders_are_walked(tmp_path: Path) -> None:
    for folder in ("a", "b/c", "node_modules/x"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "reconcile.yaml").write_text("concurrency: 4\n")
    Repository(tmp_path / "other").project("inner")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "circle").symlink_to(".")
    ran = Project(tmp_path).run("projects", "--format", "json").ended(0)
    assert [one["project"] for one in ran.json["projects"]] == ["a", "b/c"]
    Project(tmp_path).run("projects", "--changed-since", "HEAD").ended(64, "needs a git repository")


def test_one_bad_project_hides_no_other(repository: Repository) -> None:
    repository.file("apps/api/reconcile.yaml", "concurrency: [\n")
    assert list(repository.listed(code=3)) == ["apps/api", "apps/web"]
    assert jobs(repository, code=3) == [("apps/web", "staging"), ("apps/web", "production")]
    repository.run("projects").ended(3, "apps/api/reconcile.yaml:2:1: error: not valid YAML")


def test_none_at_all_is_an_error_that_helps(tmp_path: Path) -> None:
    empty = Repository(tmp_path / "empty")
    empty.run("projects").ended(64, "no folder of the repository has a reconcile.yaml")
    empty.run("projects", "--projects", "x").ended(64, "no project matches --projects")
    empty.run("projects", "--projects", "../x").ended(64, "without `..`")
    empty.run("projects", "--config", "x.yaml").ended(64, "--config is about one project")
    empty.run("projects", "--part", "1/2").ended(64, "--part goes with")
    empty.run("projects", "--template", "ci/x.yml").ended(64, "--template goes with")


def test_an_environment_that_no_project_has_is_a_mistake(repository: Repository) -> None:
    for command in ("projects", "plan"):
        options = [] if command == "projects" else ["--all-projects"]
        repository.run(command, *options, "--env", "stagin").ended(
            64, "no project has the environment stagin"
        )


def test_an_empty_ref_is_none(repository: Repository) -> None:
    """As a workflow gives it whose variable is not set."""
    for command in ("projects", "plan", "validate"):
        repository.run(command, "--changed-since", "").ended(1, "is not a commit of this clone")


def test_settings_that_are_deleted_leave_no_project(repository: Repository) -> None:
    (repository.root / "apps/api/reconcile.yaml").unlink()
    assert list(repository.listed()) == ["apps/web"]
    repository.run("projects", "--changed-since", "HEAD").ended(0, "removed: apps/api")


def test_a_matrix_has_a_job_for_each_environment(repository: Repository) -> None:
    assert jobs(repository) == [
        ("apps/api", "production"),
        ("apps/web", "staging"),
        ("apps/web", "production"),
    ]
    ran = repository.run("projects", "--format", "github-matrix", "--env", "staging").ended(0)
    assert json.loads(ran.out)["include"][0]["key_variable"] == "LINGO_API_KEY_STAGING"
    assert jobs(repository, "--env", "staging") == [("apps/web", "staging")]
    assert jobs(repository, "--part", "2/2") == [("apps/web", "staging")]
    assert jobs(repository, "--changed-since", "HEAD") == []


def test_hostile_names_reach_no_workflow(repository: Repository) -> None:
    names = [
        "new\nline",
        "${{ github.token }}",
        "`id`",
        'q"uote',
        "::set-output name=matrix::x",
        "-rf",
        "e\x1b[2Jsc",
    ]
    for name in [*names, "😀", "with space"]:
        repository.project(name)
    ran = repository.run("projects", "--format", "github-matrix").ended(3)
    assert [one["project"] for one in json.loads(ran.out)["include"]] == [
        *("apps/api", "apps/web", "apps/web", "with space", "😀")
    ]
    assert ran.err.count("gets no job: its name") == len(names)
    for text in (
        ran.err,
        repository.run("projects").ended(0).out,
        repository.run("plan", "--all-projects").ended(0).out,
    ):
        assert "\x1b" not in text
        assert not [line for line in text.split("\n") if line.lstrip().startswith("::")]
        assert "new\nline" not in text


def test_a_name_of_many_kilobytes(repository: Repository) -> None:
    repository.project("/".join(["x" * 200] * 12))
    ran = repository.run("projects", "--format", "github-matrix").ended(3, "is longer than 400 bytes")
    assert max(map(len, ran.err.split("\n"))) < 500


def test_gitlab_gets_a_child_pipeline(repository: Repository) -> None:
    ran = repository.run("projects", "--format", "gitlab-pipeline", "--env", "production").ended(0)
    assert json.loads(ran.out) == {
        "include": [{"local": "ci/engines-project.yml"}],
        "engines": {
            "extends": ".engines-project",
            "parallel": {
                "matrix": [
                    {"ENGINES_PROJECT": "apps/api", "ENGINES_ENVIRONMENT": "production"},
                    {"ENGINES_PROJECT": "apps/web", "ENGINES_ENVIRONMENT": "production"},
                ]
            },
        },
    }
    empty = repository.run("projects", "--format", "gitlab-pipeline", "--changed-since", "HEAD").ended(0)
    assert list(json.loads(empty.out)) == ["no-engines"]


# ── what a branch changes ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def branch(repository: Repository) -> Repository:
    """On a branch of `main`, with a source and an output outside of the engines folder."""
    repository.file("apps/api/texts/glossary.md", "Acme\n")
    outputs = "outputs:\n  - file: app.json\n    pointer: /engineId\n"
    source = "sources:\n  - type: content\n    file: ../texts/glossary.md\n"
    repository.file("apps/api/engines/acme.yaml", f"name: Acme\n{source}{outputs}")
    repository.file("apps/api/app.json", '{"engineId": ""}\n')
    repository.file("apps/web/src/main.ts", "export {}\n")
    repository.commit()
    repository.git("switch", "--quiet", "-c", "feature")
    return repository


TOUCHED = {
    "apps/api/engines/new.yaml": ["apps/api"],
    "apps/api/reconcile.yaml": ["apps/api"],
    "apps/api/app.json": ["apps/api"],
    "apps/web/s.lock.json": ["apps/web"],
    "apps/web/engines.lock.json": ["apps/web"],
    "apps/web/engines/acme.staging.yaml": ["apps/web"],
    "apps/api/texts/glossary.md": ["apps/api"],
    "apps/web/src/main.ts": [],
    "apps/api/texts/other.md": [],
    "apps/web/engines-old/x.yaml": [],
}


def test_a_change_touches_who_depends_on_it(branch: Repository) -> None:
    for path, touched in TOUCHED.items():
        branch.file(path, "concurrency: 5\n" if path.endswith("reconcile.yaml") else "{}\n")
        wanted = {folder: [path] for folder in touched}
        assert branch.listed("--changed-since", "main") == wanted, path
        branch.commit()
        assert branch.listed("--changed-since", "main") == wanted, path
        branch.git("reset", "--quiet", "--hard", "main")


def test_a_change_behind_a_link_touches_as_well(branch: Repository) -> None:
    for name, before in {"more/l": "name: L\n", "one/x": "name: X\n", "conf/r": "concurrency: 4\n"}.items():
        branch.file(f"apps/web/{name}.yaml", before)
    (branch.root / "apps/web/engines/more").symlink_to("../more")
    (branch.root / "apps/web/engines/x.yaml").symlink_to("../one/x.yaml")
    (branch.root / "apps/web/reconcile.yaml").unlink()
    (branch.root / "apps/web/reconcile.yaml").symlink_to("conf/r.yaml")
    branch.commit()
    branch.git("branch", "--force", "main")
    for path, text in (("more/l", None), ("one/x", None), ("one/x", "{"), ("conf/r", "concurrency: 5\n")):
        file = branch.root / f"apps/web/{path}.yaml"
        file.unlink() if text is None else file.write_text(text)
        assert branch.listed("--changed-since", "main") == {"apps/web": [f"apps/web/{path}.yaml"]}, path
        branch.git("reset", "--quiet", "--hard", "main")


def test_what_main_changed_meanwhile_is_not_the_branchs(branch: Repository) -> None:
    branch.git("switch", "--quiet", "main")
    branch.file("apps/web/engines/late.yaml", "name: Late\n")
    branch.commit()
    branch.git("switch", "--quiet", "feature")
    branch.file("apps/api/engines/mine.yaml", "name: Mine\n")
    branch.commit()
    assert list(branch.listed("--changed-since", "main")) == ["apps/api"]


def test_a_source_that_is_gone_still_touches(branch: Repository) -> None:
    (branch.root / "apps/api/texts/glossary.md").unlink()
    branch.commit()
    assert branch.listed("--changed-since", "main") == {"apps/api": ["apps/api/texts/glossary.md"]}


def test_both_ends_of_a_rename_count(branch: Repository) -> None:
    branch.git("mv", "apps/web/engines/acme.yaml", "apps/api/engines/web.yaml")
    branch.commit()
    assert list(branch.listed("--changed-since", "main")) == ["apps/api", "apps/web"]


def test_a_project_that_moves_or_goes_is_reported(branch: Repository) -> None:
    branch.git("mv", "apps/web", "apps/site")
    branch.git("rm", "--quiet", "-r", "apps/api")
    branch.commit()
    document = branch.run("projects", "--changed-since", "main", "--format", "json").ended(0).json
    assert [one["project"] for one in document["projects"]] == ["apps/site"]
    assert document["removed"] == ["apps/api", "apps/web"]
    branch.run("plan", "--changed-since", "main").ended(0, "removed: apps/api")
    branch.run("projects", "--changed-since", "main", "--format", "github-matrix").ended(
        0, "apps/api was removed"
    )


def test_a_broken_project_is_touched_by_its_own_folder_alone(branch: Repository) -> None:
    branch.file("apps/api/reconcile.yaml", "nonsense: 1\n")
    branch.commit()
    branch.git("branch", "--force", "main")
    branch.file("apps/web/engines/new.yaml", "name: New\n")
    assert list(branch.listed("--changed-since", "main")) == ["apps/web"]
    branch.file("apps/api/x.txt", "x")
    assert list(branch.listed("--changed-since", "main", code=3)) == ["apps/api", "apps/web"]


@pytest.mark.parametrize("ref", ["0" * 40, "0" * 64])
def test_no_commit_at_all_means_that_everything_is_new(branch: Repository, ref: str) -> None:
    assert list(branch.listed("--changed-since", ref)) == ["apps/api", "apps/web"]


def test_a_ref_that_is_not_here_gets_the_command_that_fetches_it(branch: Repository) -> None:
    other = "name a branch, a tag or a commit"
    hints = {
        "origin/nope": "git fetch origin nope",
        "refs/heads/nope": "git fetch origin nope",
        "1234567890" * 4: f"git fetch origin {'1234567890' * 4}",
        **dict.fromkeys(("--output=/tmp/x", "-x", "a..b", "$(id)", "\n", "^HEAD"), other),
    }
    for ref, hint in hints.items():
        ran = branch.run("projects", f"--changed-since={ref}").ended(1, "is not a commit of this clone", hint)
        assert ran.out == ""


def test_a_shallow_clone_is_told_how_to_get_deeper(branch: Repository, tmp_path: Path) -> None:
    branch.file("apps/api/engines/new.yaml", "name: New\n")
    branch.commit()
    branch.git(
        "clone", "--quiet", "--depth=1", "--no-single-branch", branch.root.as_uri(), str(tmp_path / "shallow")
    )
    shallow = Project(tmp_path / "shallow")
    shallow.run("projects", "--changed-since", "origin/main").ended(
        1, "this clone is shallow", "git fetch --unshallow origin"
    )
    shallow.git("fetch", "--quiet", "--unshallow", "origin")
    ran = shallow.run("projects", "--changed-since", "origin/main").ended(0)
    assert "apps/api" in ran.out
    assert "apps/web" not in ran.out
