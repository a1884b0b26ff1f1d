"""`reconcile rollback` and `release`: at once, for everyone, until the file changes."""

from __future__ import annotations

import pytest

from tests import plain_http
from tests.e2e.far_ends import KEY, Project


@pytest.fixture
def desk(replaced_once: Project) -> Project:
    return replaced_once


def in_step(project: Project) -> None:
    """As the run's last line says."""
    project.git("add", "engines.lock.json")
    project.git("pull", "--quiet", "--ff-only")


def colleague(project: Project) -> Project:
    root = project.root.parent / "colleague"
    project.git("clone", "--quiet", "--template=", str(project.root.parent / "origin.git"), str(root))
    return Project(root, project.url)


def ids(project: Project) -> tuple[str, str]:
    """What serves, and the one before."""
    entry = project.entry("acme")
    return entry["engineId"], entry["superseded"][-1]["engineId"]


def jobs(project: Project) -> int:
    return int(plain_http.get(f"{project.url}/sandbox").json()["createCalls"])


def test_the_engine_before_serves_for_everyone_until_the_file_changes(desk: Project) -> None:
    two, one = ids(desk)
    before = jobs(desk)
    ran = desk.run("rollback", "acme", "--yes", "--publish")
    ran.ended(0, f"{two} → {one}", "recorded and published", "Next: git add engines.lock.json && git pull\n")
    in_step(desk)  # as that line says
    assert not desk.git("status", "--porcelain")
    other = colleague(desk)
    assert ids(other) == (one, two)
    assert other.entry("acme")["hold"]["by"]
    held = other.run("plan", "--detailed-exitcode").ended(0, "rolled back by", "reconcile release acme")
    assert "1 engine needs attention" in held.out
    other.run("apply", "--yes", "--publish").ended(0, "rolled back by")
    other.run("status").ended(0, "serving, rolled back by")
    assert ids(other) == (one, two)
    assert jobs(desk) == before

    other.engine("acme", "name: Three\n")
    other.commit()
    other.git("push", "--quiet", "origin", "main")
    other.run("apply", "--yes", "--publish").ended(0)
    assert "hold" not in other.entry("acme")
    assert other.entry("acme")["spec"]["name"] == "Three"
    other.run("history").ended(0, "rolled back")


def test_going_back_to_what_the_file_asks_for_holds_nothing_back(desk: Project) -> None:
    two, one = ids(desk)
    desk.run("rollback", "acme", "--yes", "--no-publish").ended(0)
    desk.run("rollback", "acme", "--yes", "--no-publish").ended(64, "no earlier engine", two)
    again = desk.run("rollback", "acme", "--to", two, "--yes", "--no-publish")
    again.ended(0, f"{one} → {two}", "nothing is held back")
    assert "hold" not in desk.entry("acme")
    desk.run("plan", "--detailed-exitcode").ended(0)


def test_a_key_may_be_given_as_its_file(desk: Project) -> None:
    desk.run("rollback", "engines/acme.yaml", "--yes", "--no-publish").ended(0, "acme: ")
    desk.run("release", "engines/acme.yaml", "--no-publish").ended(0, "acme: released")


def test_a_release_lets_the_next_apply_switch_forward(desk: Project) -> None:
    two, one = ids(desk)
    desk.run("rollback", "acme", "--yes", "--publish").ended(0)
    in_step(desk)
    desk.run("release", "acme", "--publish").ended(0, "released", "reconcile apply --publish --only acme")
    in_step(desk)
    desk.run("plan").ended(0, "1 to restore")
    before = jobs(desk)
    desk.apply("--publish").ended(0)
    assert ids(desk) == (two, one)
    assert jobs(desk) == before
    desk.run("release", "acme").ended(64, "`acme` is not held", "no engine is held")


def test_one_rolls_back_while_another_merges_a_change(desk: Project) -> None:
    other = colleague(desk)
    other.engine("blog", "name: Blog\n")
    other.commit()
    other.git("push", "--quiet", "origin", "main")
    two, one = ids(desk)
    desk.run("rollback", "acme", "--yes", "--publish").ended(0)  # from a checkout without that change
    other.run("apply", "--yes", "--publish").ended(0, "rolled back by")
    fresh = colleague_again(desk)
    assert ids(fresh) == (one, two)
    assert fresh.entry("blog")["engineId"]
    assert fresh.entry("acme")["hold"]


def colleague_again(project: Project) -> Project:
    root = project.root.parent / "fresh"
    project.git("clone", "--quiet", "--template=", str(project.root.parent / "origin.git"), str(root))
    return Project(root, project.url)


def test_a_checkout_whose_file_is_not_the_branchs_is_refused(desk: Project) -> None:
    other = colleague(desk)
    other.engine("acme", "name: Three\n")
    other.commit()
    other.git("push", "--quiet", "origin", "main")
    desk.run("rollback", "acme", "--yes", "--publish").ended(
        6, "has another version of engines/acme.yaml", "git pull"
    )
    assert "hold" not in desk.entry("acme")
    desk.git("pull", "--quiet")
    desk.engine("acme", "name: Mine\n")  # not committed
    desk.run("rollback", "acme", "--yes", "--publish").ended(6, "has another version")


def test_a_clone_that_is_behind_names_what_serves_for_everyone(desk: Project) -> None:
    """The engine that it would name from its own lockfile serves nobody any more."""
    behind = colleague(desk)
    two, _ = ids(desk)
    desk.engine("acme", "name: Three\n")
    desk.commit()
    desk.git("push", "--quiet")
    desk.apply("--publish").ended(0)
    three = desk.entry("acme")["engineId"]
    behind.git("fetch", "--quiet")
    behind.git("checkout", "--quiet", "origin/main", "--", "engines")  # the file, not the lockfile
    assert behind.entry("acme")["engineId"] == two
    behind.run("rollback", "acme", "--yes", "--publish").ended(0, f"{three} → {two}")


def test_an_engine_that_the_platform_has_no_more(desk: Project) -> None:
    _, one = ids(desk)
    plain_http.delete(f"{desk.url}/engines/{one}", headers={"X-API-Key": KEY}).raise_for_status()
    desk.run("rollback", "acme", "--yes").ended(64, f"no engine `{one}`", "--force")
    assert "hold" not in desk.entry("acme")


def test_a_broken_file_does_not_keep_anyone_from_rolling_back(desk: Project) -> None:
    two, one = ids(desk)
    desk.engine("acme", "nmae: Two\n")
    ran = desk.run("rollback", "acme", "--yes", "--no-publish").ended(0, "is not valid", "serves again")
    assert "Next: git add engines.lock.json && git commit\n" in ran.err
    assert ids(desk) == (one, two)
    desk.engine("acme", "name: Two\n")  # mended: still what was rolled back
    desk.run("plan").ended(0, "rolled back by")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["acme"], 64, "--yes"),
        (["acm", "--yes"], 64, "did you mean `acme`?"),
        (["acme", "--yes", "--to", "eng_nobody"], 64, "is not an earlier engine of `acme`"),
        (["acme", "--yes", "--to", "<ENGINE_ID>"], 64, "ENGINE_ID"),
        (["acme", "--yes", "--to", ""], 64, "is not an engine ID"),
        (["acme", "--yes", "--to", "https://lingo.dev/e/1"], 64, "is not an engine ID"),
        (["acme", "--yes", "--to", "CURRENT"], 64, "already"),
        ([], 64, "KEY"),
        (["--yes", "--", "-x"], 64, "-x"),
    ],
)
def test_what_cannot_be_rolled_back_to_changes_nothing(
    desk: Project, words: list[str], code: int, said: str
) -> None:
    before = desk.lockfile.read_bytes()
    words = [ids(desk)[0] if word == "CURRENT" else word for word in words]
    desk.run("rollback", *words).ended(code, said)
    assert desk.lockfile.read_bytes() == before


def test_an_engine_without_an_earlier_one(desk: Project) -> None:
    desk.engine("blog", "name: Blog\n")
    desk.apply("--no-publish").ended(0)
    desk.run("rollback", "blog", "--yes").ended(64, "no earlier engine")


@pytest.mark.parametrize("words", [["rollback", "acme", "--yes"], ["release", "acme"]])
@pytest.mark.parametrize("publish", ["--publish", "--no-publish"])
def test_a_lockfile_that_is_not_checked_out_is_not_taken_for_none(
    desk: Project, words: list[str], publish: str
) -> None:
    desk.lockfile.unlink()
    desk.run(*words, publish).ended(3, "engines.lock.json is not checked out", "git checkout")
    assert not desk.lockfile.exists()


def test_an_older_program_refuses_a_lockfile_with_a_hold(desk: Project) -> None:
    desk.run("rollback", "acme", "--yes", "--no-publish").ended(0)
    assert desk.lock["version"] == 2
    desk.run("release", "acme", "--no-publish").ended(0)
    assert desk.lock["version"] == 1
