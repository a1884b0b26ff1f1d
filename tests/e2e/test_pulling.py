"""After a run at a desk that published, the command that people are shown brings the commit into their checkout."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.far_ends import Project, Ran


@pytest.fixture
def desk(with_origin: Project) -> Project:
    """A clone that follows `main` of its bare origin."""
    with_origin.engine("acme")
    with_origin.commit()
    with_origin.git("push", "--quiet", "--set-upstream", "origin", "main")
    return with_origin


def update(ran: Ran) -> str:
    found = re.search(r"update this checkout: `(.*)`", ran.out)
    assert found is not None, ran.out
    return found[1]


def carry_out(project: Project, command: str) -> subprocess.CompletedProcess[str]:
    who = {"GIT_AUTHOR_NAME": "T", "GIT_AUTHOR_EMAIL": "t@localhost"}
    who |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in who.items()}
    env = project.environment(**who, GIT_MERGE_AUTOEDIT="no", GIT_CONFIG_GLOBAL="/dev/null")
    words = command.replace(
        "git pull", "git pull --no-rebase"
    )  # git asks for one or the other where they diverge
    return subprocess.run(
        ["sh", "-c", words], cwd=project.root, env=env, capture_output=True, text=True, check=False
    )


def is_in_step(project: Project) -> bool:
    project.git("fetch", "--quiet")
    behind = project.git("rev-list", "--count", "HEAD..origin/main").strip()
    return behind == "0" and project.git("status", "--porcelain") == ""


def test_a_first_lockfile_and_then_a_change(desk: Project) -> None:
    said = update(desk.apply("--publish").ended(0))
    assert said == "git add engines.lock.json && git pull"
    done = carry_out(desk, said)
    assert done.returncode == 0, done.stderr
    assert is_in_step(desk)

    desk.engine("acme", "name: Another\n")
    desk.commit()
    desk.git("push", "--quiet", "origin", "main")
    done = carry_out(desk, update(desk.apply("--publish").ended(0)))
    assert done.returncode == 0, done.stderr
    assert is_in_step(desk)
    assert desk.run("plan", "--detailed-exitcode").ended(0)


def test_what_runs_before_have_published_comes_with_it(desk: Project) -> None:
    """Another environment's lockfile is in the way of the same pull."""
    (desk.root / "reconcile.yaml").write_text(
        "environments: {production: {}, staging: {lockfile: s.lock.json}}\n"
    )
    desk.commit()
    desk.git("push", "--quiet", "origin", "main")
    desk.apply("--publish").ended(0)
    (desk.root / "engines" / "note.txt").write_text("not published\n")
    said = update(desk.run("--env", "staging", "apply", "--yes", "--publish").ended(0))
    assert said == "git add s.lock.json engines.lock.json && git pull"
    done = carry_out(desk, said)
    assert done.returncode == 0, done.stderr
    (desk.root / "engines" / "note.txt").unlink()
    assert is_in_step(desk)


def test_another_projects_file_is_named_only_as_it_was_published(desk: Project) -> None:
    team, last = (Project(desk.root / name, desk.url) for name in ("team", "team2"))
    for project in (team, last):
        (project.root / "reconcile.yaml").write_text("concurrency: 8\n")
        project.engine("blog")
    desk.commit()
    desk.git("push", "--quiet", "origin", "main")
    team.apply("--publish").ended(0)
    published = team.lockfile.read_text()
    team.lockfile.write_text(published + "\n")
    assert update(desk.apply("--publish").ended(0)) == "git add engines.lock.json && git pull"
    team.lockfile.write_text(published)
    said = update(last.apply("--publish").ended(0))
    assert said == "git add engines.lock.json ../engines.lock.json ../team/engines.lock.json && git pull"
    done = carry_out(last, said)
    assert done.returncode == 0, done.stderr
    assert is_in_step(desk)


def test_a_branch_that_follows_none_is_named(desk: Project) -> None:
    desk.git("branch", "--unset-upstream")
    said = update(desk.apply("--publish").ended(0))
    assert said == "git add engines.lock.json && git pull origin main"
    done = carry_out(desk, said)
    assert done.returncode == 0, done.stderr
    assert is_in_step(desk)


def test_outputs_come_with_it(desk: Project) -> None:
    (desk.root / "i18n.json").write_text('{"engineId": null}\n')
    desk.engine("acme", "name: Acme\noutputs: [{file: i18n.json, pointer: /engineId}]\n")
    desk.commit()
    desk.git("push", "--quiet", "origin", "main")
    done = carry_out(desk, update(desk.apply("--publish").ended(0)))
    assert done.returncode == 0, done.stderr
    assert is_in_step(desk)


def test_a_desk_with_a_commit_of_its_own(desk: Project) -> None:
    carry_out(desk, update(desk.apply("--publish").ended(0)))
    desk.engine("acme", "name: Another\n")
    desk.commit("not pushed yet")
    said = update(desk.apply("--publish").ended(0))
    assert said == "git checkout HEAD -- engines.lock.json && git pull"
    done = carry_out(desk, said)
    assert done.returncode == 0, done.stderr
    assert is_in_step(desk)
    desk.run("plan", "--detailed-exitcode").ended(0)


def test_what_is_not_what_was_published_stays(desk: Project) -> None:
    said = update(desk.apply("--publish").ended(0))
    edited = desk.lockfile.read_text().replace("eng_", "eng_edited_")
    desk.lockfile.write_text(edited)
    assert carry_out(desk, said).returncode != 0
    assert desk.lockfile.read_text() == edited


def test_from_another_folder(desk: Project, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    here = Project(tmp_path / "elsewhere", desk.url)
    said = update(here.run("apply", "--yes", "--publish", "-C", "../work").ended(0))
    done = carry_out(here, said)
    assert done.returncode == 0, done.stderr
    assert is_in_step(desk)


@pytest.mark.parametrize("where", ["ci", "another branch", "detached"])
def test_where_nobody_goes_on_from_that_branch(desk: Project, where: str) -> None:
    env = {"CI": "true"} if where == "ci" else {"RECONCILE_BRANCH": "main"}
    if where == "another branch":
        desk.git("switch", "--quiet", "-c", "topic")
    elif where == "detached":
        desk.git("switch", "--quiet", "--detach")
    assert "update this checkout" not in desk.run("apply", "--yes", "--publish", env=env).ended(0).out
