"""`plan --base`: whose change it is, in clones as people and CI systems have them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from tests.e2e.far_ends import KEY, Project

PULL = "refs/pull/7/merge"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repo with `kept` applied, `merged` merged and not applied, and a pull request for `topic` open."""
    folder = tmp_path_factory.mktemp("attribution")
    with SandboxServer(SandboxSettings(api_keys=(KEY,))) as platform:
        project = Project(folder / "origin", platform.url)
        project.git("init", "--quiet", "--initial-branch=main", "--template=")
        project.engine("kept")
        project.engine("gone")
        project.apply().ended(0)
        project.commit("Applied")
        project.git("branch", "topic")
        project.engine("merged")
        project.commit("Merged, not applied yet")
        project.git("checkout", "--quiet", "topic")
        project.engine("mine")
        project.engine("kept", "{name: kept, locales: [fr, de]}  # only written differently\n")
        (project.root / "engines/gone.yaml").unlink()
        project.commit("The pull request")
        project.git("checkout", "--quiet", "--detach", "main")
        project.git("merge", "--quiet", "--no-ff", "-m", "Merge", "topic")
        project.git("update-ref", PULL, "HEAD")
        project.git("checkout", "--quiet", "main")
    return folder


@pytest.fixture
def origin(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template / "origin", tmp_path / "origin")
    return tmp_path / "origin"


def checked_out(origin: Path, ref: str = PULL, *depth: str) -> Project:
    """As actions/checkout leaves it."""
    project = Project(origin.parent / "work", "http://127.0.0.1:9", None)
    project.git("init", "--quiet", "--template=")
    project.git("remote", "add", "origin", f"file://{origin}")
    project.git("fetch", "--quiet", "--no-tags", *depth, "origin", f"+{ref}:refs/remotes/{ref[5:]}")
    project.git("checkout", "--quiet", "--detach", f"refs/remotes/{ref[5:]}")
    return project


def in_github(project: Project, origin: Path) -> dict[str, str | None]:
    event = origin.parent / "event.json"
    sides = {"head": {"sha": project.git("--git-dir", f"{origin}/.git", "rev-parse", "topic").strip()}}
    event.write_text(json.dumps({"pull_request": sides}))
    head = project.git("rev-parse", "HEAD").strip()
    names = {
        "GITHUB_BASE_REF": "main",
        "GITHUB_REF": PULL,
        "GITHUB_SHA": head,
        "GITHUB_EVENT_PATH": str(event),
    }
    return {"CI": "true", **names}


def origins(out: str) -> dict[str, str | None]:
    return {action["key"]: action.get("origin") for action in json.loads(out)["actions"]}


OURS = {"gone": "branch", "mine": "branch", "merged": "merged"}


@pytest.mark.parametrize("depth", [["--depth=1"], []])
def test_a_pull_requests_run_finds_its_base_by_itself(origin: Path, depth: list[str]) -> None:
    project = checked_out(origin, PULL, *depth)
    env = in_github(project, origin)
    ran = project.run("plan", "--format", "json", env=env).ended(0)
    assert origins(ran.out) == OURS
    refused = project.run("plan", "--fail-on-foreign", "--format", "json", env=env).ended(
        6, "merged (merged, not"
    )
    assert refused.json["exitCode"] == 6
    assert refused.json["digest"] == ran.json["digest"]


def test_every_view_shows_this_branchs_changes_first(origin: Path) -> None:
    project = checked_out(origin)
    for view in ("text", "markdown", "github"):
        shown = project.run("plan", "--base", "origin/main", "--format", view).ended(0).out
        assert shown.index("mine") < shown.lower().rindex("merged, not applied yet")
        assert "Of these, 2 come from this branch, 1 was merged earlier but not applied yet." in shown
    text = project.run("plan", "--base", "origin/main").out
    assert text.index("This branch:") < text.index("+ mine") < text.index("Merged, not applied yet:")
    assert text.index("Merged, not applied yet:") < text.index("+ merged")


def test_a_shallow_checkout_of_the_branch_itself(origin: Path) -> None:
    project = checked_out(origin, "refs/heads/topic", "--depth=1")
    ran = project.run("plan", "--base", "main", "--fail-on-foreign", "--format", "json").ended(0)
    assert origins(ran.out) == {"gone": "branch", "mine": "branch"}
    assert "All changes come from this branch." in project.run("plan", "--base", "auto").ended(0).out


def test_without_a_base_nothing_is_marked_and_no_git_is_asked(origin: Path) -> None:
    project = checked_out(origin)
    for words in ([], ["--base", "none"], ["--base", ""]):
        assert set(origins(project.run("plan", "--format", "json", *words).ended(0).out).values()) == {None}
    (project.root / ".git/HEAD").write_text("broken\n")
    project.run("plan").ended(3, "git cannot determine the state of the engine file of gone")
    project.engine("gone")
    project.run("plan").ended(0)


def test_a_run_that_another_one_began(origin: Path) -> None:
    """The journal has a begin without an answer for exactly what this branch asks for."""
    with SandboxServer(SandboxSettings(api_keys=(KEY,))) as platform:
        project = checked_out(origin, "refs/heads/topic")
        project.url, project.key = platform.url, KEY
        crash = {"RECONCILE_TEST_KILL_AFTER_STEP": "create call about to leave#1"}
        project.finish(
            project.start("apply", "--yes", "--only", "mine", "--no-publish", env=crash), killed=True
        )
        ran = project.run("plan", "--base", "origin/main", "--only", "mine", "--fail-on-foreign").ended(6)
        assert "Another run is working on it:" in ran.out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--base", "nowhere"], 1, "--base"),
        (["--base", "-x"], 1, "the base cannot be determined"),
        (["--base", "a..b"], 1, "the base cannot be determined"),
        (["--base", "x" * 5000], 1, "the base cannot be determined"),
        (["--base", "none", "--fail-on-foreign"], 64, "needs a base"),
        (["--base"], 64, "requires an argument"),
    ],
)
def test_bases_that_make_no_sense(origin: Path, words: list[str], code: int, said: str) -> None:
    checked_out(origin).run("plan", *words).ended(code, said)


def test_a_base_that_does_not_exist_is_told_also_when_nothing_changes(origin: Path) -> None:
    project = checked_out(origin)
    unchanged = ("plan", "--only", "kept")
    with_changes = project.run("plan", "--base", "nowhere").ended(1, "hint:")
    assert project.run(*unchanged, "--base", "nowhere").ended(1).err == with_changes.err
    assert project.run(*unchanged, "--base", "nowhere", "--format", "json").ended(1).json["exitCode"] == 1
    for known in ("main", "origin/main", "HEAD", "auto", "none", ""):  # `main` comes from the remote
        project.run(*unchanged, "--base", known).ended(0, "No changes")


def test_a_base_that_does_not_exist_does_not_hide_what_is_wrong_in_a_file(origin: Path) -> None:
    project = checked_out(origin)
    project.engine("mine", "name: [\n")
    ran = project.run("plan", "--base", "nowhere").ended(3, "engines/mine.yaml")
    assert "error: the base cannot be determined: `nowhere` is not here" in ran.err


def test_unasked_a_missing_base_is_a_note_and_asked_for_an_error(origin: Path) -> None:
    project = checked_out(origin, PULL, "--depth=1")
    env = in_github(project, origin)
    shutil.rmtree(origin)
    ran = project.run("plan", "--format", "json", env=env).ended(
        0, "note: cannot tell whose changes these are"
    )
    assert set(origins(ran.out).values()) == {None}
    project.run("plan", "--base", "auto", env=env).ended(1, "fetch-depth: 0")
    project.run("plan", "--fail-on-foreign", env=env).ended(1, "fetch-depth: 0")


@pytest.mark.parametrize(
    "event", ["", "[]", "{", '{"pull_request": 5}', '{"pull_request": {"head": {"sha": "--x"}}}']
)
def test_an_event_that_is_none_only_helps_less(origin: Path, event: str) -> None:
    project = checked_out(origin)
    env = in_github(project, origin)
    Path(str(env["GITHUB_EVENT_PATH"])).write_text(event)
    assert origins(project.run("plan", "--format", "json", env=env).ended(0).out) == OURS
    env["GITHUB_EVENT_PATH"] = str(origin / "none")
    assert origins(project.run("plan", "--format", "json", env=env).ended(0).out) == OURS


def test_outside_of_git_it_says_so(bare: Project) -> None:
    bare.run("plan", "--base", "main").ended(3, "needs a git repository")


def test_a_plan_that_was_saved_with_its_origins_is_applied(origin: Path) -> None:
    with SandboxServer(SandboxSettings(api_keys=(KEY,))) as platform:
        project = checked_out(origin, "refs/heads/topic")
        project.url, project.key = platform.url, KEY
        plan = str(project.root.parent / "plan.json")
        project.run("plan", "--base", "origin/main", "--only", "mine", "--out", plan).ended(0, "This branch:")
        project.run("apply", plan, "--yes", "--no-publish").ended(0)
        assert "mine" in project.lock["engines"]
