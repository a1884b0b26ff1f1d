"""`reconcile init --ci`: what it writes for a project, what it leaves alone, and what it says is left to do."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.yaml.reader import read_yaml
from tests.e2e.far_ends import Project

TOOLS = Path(sys.executable).parent
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SOURCE = f"--source=acme/reconcile@{COMMIT}"
NAMES = {f"engines-{name}.yml" for name in ("apply", "collect", "drift", "plan", "resolve", "sources")}


@pytest.fixture
def repo(tmp_path: Path) -> Project:
    made = Project(tmp_path / "web")
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("remote", "add", "origin", "https://user:s3cret@github.com/acme/web.git")
    return made


def workflows(root: Path) -> dict[str, Any]:
    folder = root / ".github/workflows"
    return {file.name: read_yaml(file.read_bytes(), file.name).value for file in sorted(folder.iterdir())}


def checked(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_new_project_gets_workflows_that_linters_take(repo: Project) -> None:
    ran = repo.run("init", "--ci", "github", SOURCE).ended(0, "Left to do:", "LINGO_API_KEY")
    assert set(workflows(repo.root)) >= NAMES
    assert "https://github.com/acme/web/settings/environments/new" in ran.out
    assert "s3cret" not in ran.out + ran.err
    assert "OWNER" not in ran.out
    checked(repo.root, str(TOOLS / "zizmor"), "--offline", "--no-progress", "--quiet", ".github")
    files = [str(file) for file in (repo.root / ".github/workflows").iterdir()]
    checked(repo.root, str(TOOLS / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows", *files)
    assert repo.run("doctor", "--offline").out.count("starts when any engine file changes") == 1


def test_the_pipeline_is_one_that_gitlab_takes(repo: Project) -> None:
    repo.git("remote", "set-url", "origin", "git@gitlab.example:group/sub/web.git")
    ran = repo.run("init", "--ci", "gitlab", f"--source=https://git.example/reconcile@{COMMIT}")
    ran.ended(0, "https://gitlab.example/group/sub/web/-/pipeline_schedules/new", "ENGINES_IMAGE")
    assert "ENGINES_SOURCE" not in ran.out
    files = [str(repo.root / name) for name in ("ci/engines.yml", ".gitlab-ci.yml")]
    checked(repo.root, str(TOOLS / "check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci", *files)


def test_a_second_run_changes_nothing(repo: Project) -> None:
    repo.run("init", "--ci", "github", SOURCE).ended(0)
    before = repo.snapshot()
    ran = repo.run("init", "--ci", "github", SOURCE).ended(0)
    assert repo.snapshot() == before
    assert "created" not in ran.out
    assert "updated" not in ran.out
    assert repo.run("init", "--ci", "github", SOURCE, "--diff").ended(0).out == ""


def test_a_source_elsewhere_is_added_to_what_it_wrote(repo: Project) -> None:
    repo.run("init", "--ci", "github", SOURCE).ended(0)
    (repo.root / "texts").mkdir()
    (repo.root / "texts/glossary.md").write_text("Text.\n")
    repo.engine("acme", "name: A\nlocales: [de]\nsources: [{type: content, file: ../texts/glossary.md}]\n")
    shown = repo.run("init", "--ci", "github", SOURCE, "--diff").ended(0)
    assert '+      - "texts/glossary.md"' in shown.out
    assert "texts" not in str(workflows(repo.root))
    repo.run("init", "--ci", "github", SOURCE).ended(0, "updated  .github/workflows/engines-plan.yml")
    made = workflows(repo.root)
    assert "texts/glossary.md" in made["engines-plan.yml"]["on"]["pull_request"]["paths"]
    assert "texts/glossary.md" in made["engines-apply.yml"]["on"]["push"]["paths"]


def test_a_project_in_a_subfolder(repo: Project) -> None:
    folder = repo.root / "apps/l10n"
    folder.mkdir(parents=True)
    ran = repo.run("-C", "apps/l10n", "init", "--ci", "github", SOURCE).ended(0)
    assert not (folder / ".github").exists()
    made = workflows(repo.root)
    assert made["engines-plan.yml"]["jobs"]["plan"]["steps"][1]["with"]["working-directory"] == "apps/l10n"
    assert "apps/l10n/engines/**" in made["engines-plan.yml"]["on"]["pull_request"]["paths"]
    (line,) = [line.strip() for line in ran.out.splitlines() if line.strip().startswith("git add")]
    subprocess.run(line, shell=True, cwd=repo.root, check=True)  # noqa: S602 # as it is to be pasted
    assert "apps/l10n/engines/example.yaml" in repo.git("status", "--porcelain")


def test_files_of_others_and_edited_ones_are_left_alone(repo: Project) -> None:
    repo.run("init", "--ci", "github", SOURCE).ended(0)
    folder = repo.root / ".github/workflows"
    edited = (folder / "engines-plan.yml").read_text().replace("ubuntu-latest", "self-hosted")
    (folder / "engines-plan.yml").write_text(edited)
    (folder / "engines-apply.yml").write_text("on: push\n")
    ran = repo.run("init", "--ci", "github", "--source=fork/reconcile").ended(0)
    assert "engines-plan.yml  (skipped: edited since init wrote it)" in ran.out
    assert "engines-apply.yml  (skipped: not written by init)" in ran.out
    assert "updated  .github/workflows/engines-collect.yml" in ran.out
    assert (folder / "engines-plan.yml").read_text() == edited
    assert (folder / "engines-apply.yml").read_text() == "on: push\n"
    assert "reconcile init --ci github --source fork/reconcile --diff" in ran.out
    shown = repo.run("init", "--ci", "github", "--source=fork/reconcile", "--diff").ended(0)
    assert "-    runs-on: self-hosted" in shown.out
    assert (folder / "engines-plan.yml").read_text() == edited


def test_a_workflow_that_runs_reconcile_already_is_named(repo: Project) -> None:
    own = repo.root / ".github/workflows/own.yml"
    own.parent.mkdir(parents=True)
    own.write_text("on: push\njobs: {a: {steps: [{run: reconcile apply --yes}]}}\n")
    repo.run("init", "--ci", "github", SOURCE).ended(0, "note: .github/workflows/own.yml runs reconcile, too")
    repo.run("--env=production", "init", "--ci", "github", SOURCE).ended(0)
    own.unlink()
    assert "too; check" not in repo.run("init", "--ci", "github", SOURCE).ended(0).out


def test_an_own_gitlab_pipeline_stays_and_is_told_of(repo: Project) -> None:
    (repo.root / ".gitlab-ci.yml").write_text("stages: [test]\n")
    repo.run("init", "--ci", "gitlab").ended(0, "include: {local: 'ci/engines*.yml'}")
    assert (repo.root / ".gitlab-ci.yml").read_text() == "stages: [test]\n"


@pytest.mark.parametrize("link", [".github", ".github/workflows", ".github/workflows/engines-plan.yml"])
def test_nothing_is_written_through_a_link(repo: Project, tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (repo.root / link).parent.mkdir(parents=True, exist_ok=True)
    (repo.root / link).symlink_to(outside if not link.endswith(".yml") else outside / "file.yml")
    repo.run("init", "--ci", "github", SOURCE).ended(1, f"{link} is a link")
    assert list(outside.iterdir()) == []
    assert not (repo.root / "reconcile.yaml").exists()
    assert (repo.root / link).is_symlink()
    assert not (repo.root / ".github/workflows/engines-apply.yml").exists()


@pytest.mark.parametrize("place", [".github/workflows/engines-plan.yml/", ".github/workflows", ".github"])
def test_what_is_in_the_way_is_said(repo: Project, place: str) -> None:
    target = repo.root / place
    if place.endswith("/"):
        target.mkdir(parents=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("a file\n")
    before = sorted(os.listdir(repo.root))
    repo.run("init", "--ci", "github", SOURCE).ended(1, place.rstrip("/"), "out of the way")
    assert sorted(os.listdir(repo.root)) == before, "looked at before anything is written"


def test_an_ignored_workflow_is_said_to_be(repo: Project) -> None:
    (repo.root / ".gitignore").write_text("engines-p*\n.gitignore\n")
    ran = repo.run("init", "--ci", "github", SOURCE).ended(
        0, "engines-plan.yml  (git ignores it: .gitignore:1: engines-p*)"
    )
    (line,) = [line.strip() for line in ran.out.splitlines() if line.strip().startswith("git add")]
    assert "engines-plan.yml" not in line


def test_without_knowing_where_the_action_is_that_is_left_to_do(repo: Project) -> None:
    ran = repo.run("init", "--ci", "github").ended(0, "Name the repository and commit of the action")
    assert "--source 'acme/reconcile@<COMMIT>'" in ran.out
    repo.run("init", "--ci", "github", "--source", "acme/reconcile@<COMMIT>").ended(64)


@pytest.mark.parametrize(
    "line",
    [
        ("--diff",),
        ("--source=acme/reconcile",),
        ("--ci=github", "--source=https://x.example/y"),
        ("--ci=github", "--source=acme/reconcile@main"),
        ("--ci=github", "--source=acme/re\nconcile"),
        ("--ci=github", "--source=../.."),
        ("--ci=github", f"--source=acme/..@{COMMIT}"),
        ("--ci=github", f"--source=-x/y@{COMMIT}"),
        ("--ci=gitlab", "--source=https://git.example/.."),
        ("--ci=gitlab", f"--source=https://git.example/../x@{COMMIT}"),
        ("--ci=gitlab", "--source=https://user:s3cret@git.example/x"),
        ("--ci=gitlab", "--source=acme/reconcile"),
        ("--ci=jenkins",),
        ("--ci=github", "--config=reconcile.yaml"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_written(repo: Project, line: tuple[str, ...]) -> None:
    ran = repo.run("init", *line).ended(64)
    assert os.listdir(repo.root) == [".git"]
    assert len(ran.err.splitlines()) <= 2, "one message and one hint, whatever is in a value"


def test_settings_decide_environment_branch_and_way(repo: Project) -> None:
    settings = "publish: pr\nbranch: trunk\nengines: specs\nenvironment: live\n"
    (repo.root / "reconcile.yaml").write_text(settings)
    ran = repo.run("init", "--ci", "github", SOURCE).ended(0, "environment `live`", "`trunk`")
    assert "create pull requests" in ran.out
    apply = workflows(repo.root)["engines-apply.yml"]
    assert apply["on"]["push"]["branches"] == ["trunk"]
    assert "specs/**" in apply["on"]["push"]["paths"]
    assert apply["jobs"]["apply"]["environment"] == "live"
    assert apply["jobs"]["apply"]["steps"][1]["with"]["publish"] == "pr"


def test_each_environment_has_workflows_of_its_own(repo: Project) -> None:
    (repo.root / "reconcile.yaml").write_text(
        "environments: {production: {}, staging: {lockfile: s.lock.json, api_key_env: LINGO_API_KEY_STAGING}}\n"
    )
    repo.run("init", "--ci", "github", SOURCE).ended(0)
    first = {name: text for name, text in workflows(repo.root).items() if "staging" not in name}
    assert all("api-key-env" not in str(text) for text in first.values())
    named = "Add the secret LINGO_API_KEY_STAGING"
    repo.run("--env", "staging", "init", "--ci", "github", SOURCE).ended(0, "environment `staging`", named)
    made = workflows(repo.root)
    assert {name: made[name] for name in first} == first
    for name, workflow in first.items():
        other = made[name.replace(".yml", "-staging.yml")]
        assert other["name"] == f"{workflow['name']} (staging)"
        groups = [one.get("concurrency", {}).get("group", name) for one in (workflow, other)]
        assert groups[0] != groups[1] or groups[0] == name
        (own,) = [s["with"] for job in other["jobs"].values() for s in job["steps"] if "acme" in s["uses"]]
        assert own["environment"] == "staging"
        if "api-key" in own:
            assert own["api-key"] == "${{ secrets.LINGO_API_KEY_STAGING }}"
            assert own["api-key-env"] == "LINGO_API_KEY_STAGING"
    paths = made["engines-plan-staging.yml"]["on"]["pull_request"]["paths"]
    assert {"s.lock.json", ".github/workflows/engines-plan-staging.yml"} <= set(paths)
    assert ".github/workflows/engines-plan.yml" not in paths
    checked(repo.root, str(TOOLS / "zizmor"), "--offline", "--no-progress", "--quiet", ".github")


def test_each_environment_has_jobs_of_its_own_on_gitlab(repo: Project) -> None:
    (repo.root / "reconcile.yaml").write_text(
        "environments: {production: {}, staging: {lockfile: s.lock.json, api_key_env: LINGO_API_KEY_STAGING}}\n"
    )
    repo.run("init", "--ci", "gitlab").ended(0)
    repo.run("--env", "staging", "init", "--ci", "gitlab").ended(0, "ci/engines-staging.yml")
    first, other = (
        read_yaml((repo.root / f"ci/engines{name}.yml").read_bytes(), name).value for name in ("", "-staging")
    )
    assert first.keys() & other.keys() == {"variables"}
    assert first["variables"] == other["variables"]
    assert other["engines-apply-staging"]["extends"] == ".engines-staging-publishing"
    assert other[".engines-staging-publishing"]["extends"] == ".engines-staging"
    assert other[".engines-staging"]["variables"]["RECONCILE_ENVIRONMENT"] == "staging"
    assert other[".engines-staging-publishing"]["resource_group"] == "engines-staging"
    assert "-u LINGO_API_KEY_STAGING " in str(other[".engines-staging"]["before_script"])
    assert "s.lock.json" in other["engines-plan-staging"]["rules"][0]["changes"]
    files = [str(file) for file in [*(repo.root / "ci").iterdir(), repo.root / ".gitlab-ci.yml"]]
    checked(repo.root, str(TOOLS / "check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci", *files)


def test_an_engine_of_lingos_own_configuration_is_proposed(repo: Project) -> None:
    (repo.root / "i18n.json").write_text('{"engineId": "eng_one"}')
    (repo.root / ".lingo").mkdir()
    (repo.root / ".lingo/config.json").write_text('{"engineId": "eng_two"}')
    ran = repo.run("init").ended(0)
    assert "reconcile import '<KEY>' --from i18n.json" in ran.out
    assert "reconcile import '<KEY>' --from .lingo/config.json" in ran.out
    repo.lockfile.write_text('{"version": 1, "engines": {"a": {"engineId": "eng_one"}}}')
    again = repo.run("init").ended(0)
    assert "i18n.json" not in again.out
    assert "eng_two" in again.out


@pytest.mark.parametrize("content", ["{", "[]", '{"engineId": 1}', '{"engineId": "a b"}', "{}"])
def test_a_configuration_without_an_engine_proposes_nothing(repo: Project, content: str) -> None:
    (repo.root / "i18n.json").write_text(content)
    assert "import" not in repo.run("init").ended(0).out


def test_a_configuration_outside_the_project_is_not_read(repo: Project, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_text('{"engineId": "eng_one"}')
    (repo.root / "i18n.json").symlink_to(tmp_path / "elsewhere.json")
    assert "eng_one" not in repo.run("init").ended(0).out


def test_outside_of_git_the_project_is_the_root(tmp_path: Path) -> None:
    made = Project(tmp_path / "plain")
    made.run("init", "--ci", "github", SOURCE).ended(0)
    assert set(os.listdir(made.root / ".github/workflows")) >= NAMES


@pytest.mark.parametrize("place", [".git", ".git/hooks", "bare.git", "bare.git/objects"])
def test_nothing_is_set_up_inside_of_gits_own_folder(repo: Project, place: str) -> None:
    repo.git("init", "--quiet", "--bare", "bare.git")
    before = repo.snapshot()
    for ci in ((), ("--ci", "github")):
        repo.run("-C", place, "init", *ci).ended(64, "is in git's own folder", "work tree")
    assert repo.snapshot() == before


def test_a_worktree_is_no_folder_of_gits(repo: Project) -> None:
    repo.git("commit", "--quiet", "--allow-empty", "--message", "First")
    repo.git("worktree", "add", "--quiet", ".git/there")
    repo.run("-C", ".git/there", "init", "--ci", "github", SOURCE).ended(0)
    assert set(os.listdir(repo.root / ".git/there/.github/workflows")) >= NAMES
    assert not (repo.root / ".github").exists()


def test_an_address_of_this_machine_is_nothing_for_ci(repo: Project) -> None:
    """Whoever tried things out with the sandbox has it in the environment still."""
    for address in ("http://127.0.0.1:8787", "http://localhost:8787", "http://[::1]:8787"):
        ran = repo.run("init", "--ci", "github", SOURCE, env={"LINGO_API_URL": address}).ended(0)
        assert "LINGO_API_URL" not in ran.out
    ran = repo.run("init", "--ci", "github", SOURCE, env={"LINGO_API_URL": "https://eu.lingo.dev"})
    assert "Set the variable LINGO_API_URL to https://eu.lingo.dev." in ran.ended(0).out


def test_only_an_example_that_was_written_is_to_be_edited(repo: Project) -> None:
    assert "next: edit the example" in repo.run("init").ended(0).out
    assert "edit the example" not in repo.run("init").ended(0).out


def test_what_is_to_be_committed_can_be_added_after_the_example_was_renamed(repo: Project) -> None:
    ran = repo.run("init", "--ci", "github", SOURCE).ended(0)
    (line,) = [line.strip() for line in ran.out.splitlines() if line.strip().startswith("git add")]
    (repo.root / "engines/example.yaml").rename(repo.root / "engines/website.yaml")
    repo.git(*shlex.split(line)[1:])
    assert "engines/website.yaml" in repo.git("diff", "--cached", "--name-only").splitlines()
    assert repo.git("status", "--porcelain", "--untracked-files").count("??") == 0


def test_engine_files_that_are_not_checked_out_are_no_new_project(repo: Project, tmp_path: Path) -> None:
    """An example beside them would be an engine more, which the platform bills."""
    repo.engine("acme")
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "--message", "First")
    repo.git("sparse-checkout", "set", "--no-cone", "/docs/")
    repo.run("init", "--ci", "github", SOURCE).ended(3, "engine files are", "sparse-checkout")
    assert os.listdir(repo.root) == [".git"]
    repo.git("sparse-checkout", "disable")
    (repo.root / "engines/acme.yaml").unlink()
    repo.run("init").ended(0, "created  engines/example.yaml")


@pytest.mark.parametrize(("system", "engines"), [("github", ".github"), ("gitlab", "ci")])
def test_workflows_are_not_written_among_engines(repo: Project, system: str, engines: str) -> None:
    (repo.root / "reconcile.yaml").write_text(f"engines: {engines}\n")
    repo.run("init", "--ci", system).ended(64, f"would be in the engines folder {engines}/", "`engines`")
    assert sorted(os.listdir(repo.root)) == [".git", "reconcile.yaml"]


@pytest.mark.parametrize("version", ["v" + "9" * 6_000, "v1" + ".1" * 3_000, "v1..2", "v."])
def test_a_pin_with_a_strange_version_is_an_edit(repo: Project, version: str) -> None:
    repo.run("init", "--ci", "github", SOURCE).ended(0)
    plan = repo.root / ".github/workflows/engines-plan.yml"
    edited = re.sub(r"(uses: actions/checkout@\w+ # )v[0-9.]+", rf"\g<1>{version}", plan.read_text())
    plan.write_text(edited)
    repo.run("init", "--ci", "github", SOURCE).ended(0, "(skipped: edited since init wrote it)")
    assert plan.read_text() == edited
