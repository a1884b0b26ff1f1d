"""Schedules of several actors that brought an old state back: stale checkouts, branches that were set back, reverts.

The rest of them is in `test_several_actors.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.actors import LOCKFILE, NO_ANSWER, Actors
from tests.e2e.far_ends import Project, wait_until

PROTECTED = "name: acme\nlocales: [de, fr]\nlifecycle: {protect: true}\n"


@pytest.fixture
def actors(tmp_path: Path, platform: SandboxServer) -> Actors:
    return Actors(tmp_path, platform, "acme", "other")


# ── the checkout's lockfile ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("words", [["collect"], ["apply", "--yes"]], ids=["collect", "apply"])
def test_a_clone_from_before_a_rename_and_a_delete(actors: Actors, words: list[str]) -> None:
    actors.publish().ended(0)
    stale = actors.clone("stale")
    actors.rename("acme", "brand")
    actors.delete("other")
    actors.publish().ended(0)
    lockfile = actors.lock()
    assert (set(lockfile["engines"]), set(lockfile["retired"])) == ({"brand"}, {"other"})
    stale.run(*words, "--publish").ended(0 if words == ["collect"] else 6)
    assert actors.lock() == lockfile
    actors.check_converged()
    assert actors.made == 2


def test_a_job_that_is_run_again_after_its_call_was_resolved(actors: Actors, platform: SandboxServer) -> None:
    platform.faults.add("create", "drop", match="acme")
    actors.publish().ended(7)
    again = actors.clone("again")
    assert again.entry("acme")["pending"]["status"] == "uncertain"
    actors.clone().run("resolve", "acme", "--retry", "--publish").ended(0)
    for _ in range(2):
        actors.publish(again).ended(0)
        assert "pending" not in actors.entry("acme")
    assert actors.made == 2
    actors.check_converged()


@pytest.mark.parametrize("words", [["collect"], ["apply", "--yes"]], ids=["collect", "apply"])
def test_a_protection_that_was_lifted_stays_lifted(actors: Actors, words: list[str]) -> None:
    actors.change(lambda project: project.engine("acme", PROTECTED))
    actors.publish().ended(0)
    stale = actors.clone("stale")
    actors.change(lambda project: project.engine("acme"))
    actors.publish().ended(0)
    assert "protect" not in actors.entry("acme")
    stale.run(*words, "--publish").ended(0 if words == ["collect"] else 6)
    assert "protect" not in actors.entry("acme")
    actors.check_converged()


@pytest.mark.parametrize("words", [["collect"], ["apply", "--yes"]], ids=["collect", "apply"])
def test_a_resolved_call_does_not_come_back_under_its_old_key(
    actors: Actors, platform: SandboxServer, words: list[str]
) -> None:
    platform.faults.add("create", "lost-answer", match="acme")
    actors.publish().ended(7)
    lost = next(one for one in actors.engines() if one not in actors.git("show", f"main:{LOCKFILE}"))
    stale = actors.clone("stale")
    actors.rename("acme", "brand")
    actors.publish().ended(7)
    [key] = {"acme", "brand"} & actors.lock()["engines"].keys()
    actors.clone().run("resolve", key, "--engine-id", lost, "--publish").ended(0)
    actors.publish().ended(0)
    lockfile = actors.lock()
    assert (set(lockfile["engines"]), actors.entry("brand")["engineId"]) == ({"brand", "other"}, lost)
    stale.run(*words, "--publish").ended(0 if words == ["collect"] else 6)
    assert actors.lock() == lockfile
    actors.check_converged()
    assert actors.made == 2


@pytest.mark.parametrize(
    "said", [["--retry"], ["--engine-id", "eng_typo", "--force"]], ids=["retry", "engine"]
)
def test_a_resolution_that_is_taken_back_does_not_come_back(
    actors: Actors, platform: SandboxServer, said: list[str]
) -> None:
    platform.faults.add("create", "lost-answer", match="acme")
    actors.publish().ended(7)
    lost = next(one for one in actors.engines() if one not in actors.git("show", f"main:{LOCKFILE}"))
    desk, stale = actors.clone("desk"), actors.clone("stale")
    desk.run("resolve", "acme", *said, "--publish").ended(0)
    desk.run("resolve", "acme", "--undo").ended(0, "resolution undone")
    assert "eng_typo" not in actors.git("show", f"main:{LOCKFILE}")
    assert actors.entry("acme")["pending"]["status"] == "uncertain"
    for run in (
        stale.run("apply", "--yes", "--publish"),
        actors.publish(),
        desk.run("apply", "--yes", "--publish"),
    ):
        run.ended(7, "reconcile resolve acme")
    actors.clone().run("resolve", "acme", "--engine-id", lost, "--publish").ended(0)
    actors.publish().ended(0)
    assert actors.entry("acme")["engineId"] == lost
    actors.check_converged()
    assert actors.made == 2


# ── a branch that was set back ─────────────────────────────────────────────────────────────────────────────────────


def applied_twice(actors: Actors) -> str:
    """Two runs, each with a commit of the lockfile; and the branch before both."""
    start = actors.git("rev-parse", "main")
    actors.publish().ended(0)
    actors.edit("acme", "Second")
    actors.publish().ended(0)
    assert actors.made == 3
    return start


@pytest.mark.parametrize("commits", ["none", "an edit of another engine"])
def test_a_forced_push_that_drops_several_lockfiles(actors: Actors, commits: str) -> None:
    start = applied_twice(actors)
    lockfile = actors.lock()
    actors.git("update-ref", "refs/heads/main", start)
    if commits != "none":
        actors.change(lambda project: project.engine("third"))
    ran = actors.publish()
    assert actors.made == (3 if commits == "none" else 4)
    ran.ended(0, "lost engines that were recorded there")
    assert actors.entry("other") == lockfile["engines"]["other"]
    actors.check_converged()  # which looks for every engine by its ID, so for those of before, too
    assert actors.made <= 4


def test_a_forced_push_that_drops_a_call_without_an_answer(actors: Actors, platform: SandboxServer) -> None:
    start = actors.git("rev-parse", "main")
    platform.faults.add("create", "lost-answer", match="acme")
    actors.publish().ended(7)
    actors.git("update-ref", "refs/heads/main", start)
    actors.publish().ended(7, "reconcile resolve acme")
    assert actors.made == 2
    actors.publish().ended(7, "reconcile resolve acme")


def test_a_revert_of_the_lockfiles_commit(actors: Actors) -> None:
    applied_twice(actors)
    lockfile = actors.lock()
    actors.change(lambda project: project.git("revert", "--no-edit", "--no-commit", "HEAD"), "Revert")
    assert actors.lock() != lockfile
    actors.publish().ended(0, "lost engines that were recorded there")
    assert (actors.lock(), actors.made) == (lockfile, 3)
    actors.check_converged()


def test_a_lockfile_that_somebody_removed(actors: Actors) -> None:
    applied_twice(actors)
    lockfile = actors.lock()
    actors.change(lambda project: project.lockfile.unlink(), "Remove the lockfile")
    actors.publish().ended(0, "lost engines that were recorded there")
    assert (actors.lock(), actors.made) == (lockfile, 3)
    actors.check_converged()


def test_an_engine_that_is_set_back_to_its_first_text_is_the_first_one(actors: Actors) -> None:
    actors.publish().ended(0)
    first = actors.entry("acme")["engineId"]
    text = (actors.clone().root / "engines/acme.yaml").read_text()
    actors.delete("acme")
    actors.publish().ended(0)
    actors.edit("acme", "Second")
    actors.publish().ended(0)
    assert actors.made == 3
    actors.change(lambda project: project.engine("acme", text))
    actors.publish().ended(0)
    assert (actors.made, actors.entry("acme")["engineId"]) == (3, first)
    actors.check_converged()


# ── a checkout that the branch has moved on from ───────────────────────────────────────────────────────────────────


def check_held_back(actors: Actors, stale: Project, *words: str, env: dict[str, str] | None = None) -> None:
    """The stale run creates for `other` and leaves `acme` to the branch; then the branch's own run does the rest."""
    tip = actors.git("rev-parse", "main")[:12]
    said = f"`main` is at {tip}, which changes this engine and is applied by its own run"
    actors.publish(stale, *words, env=env).ended(6, said, "git pull")
    assert (set(actors.lock()["engines"]), actors.made) == ({"other"}, 1)
    actors.publish().ended(0)
    assert (actors.entry("acme")["spec"]["name"], actors.made) == ("Second", 2)
    actors.check_converged()


def test_a_job_that_is_run_again_holds_back_what_changed_and_applies_the_rest(actors: Actors) -> None:
    stale = actors.clone("again", "--depth=1")
    actors.edit("acme", "Second")
    check_held_back(actors, stale)


def test_a_checkout_with_no_history_and_no_branch_holds_back_what_changed(actors: Actors) -> None:
    """As some CI systems make it: one commit, which no ref of the remote is known to have."""
    stale = actors.clone("again", "--depth=1")
    stale.git("checkout", "--quiet", "--detach")
    stale.git("branch", "--delete", "--force", "main")
    stale.git("update-ref", "-d", "refs/remotes/origin/HEAD")
    stale.git("update-ref", "-d", "refs/remotes/origin/main")
    anew = ("--git-dir", str(actors.origin), "commit-tree", "main^{tree}", "-m", "Written anew")
    actors.git("update-ref", "refs/heads/main", stale.git(*anew).strip())
    actors.edit("acme", "Second")
    check_held_back(actors, stale, env={"RECONCILE_BRANCH": "main"})


def test_a_desk_that_has_not_pulled_holds_back_what_changed(actors: Actors) -> None:
    desk = actors.clone("desk")
    desk.engine("acme", "name: Mine\n")
    desk.commit("Not pushed")
    actors.edit("acme", "Second")
    check_held_back(actors, desk)


@pytest.mark.parametrize("job_seconds", [600.0])
def test_a_run_that_waited_for_the_lease_holds_back_what_changed_meanwhile(
    actors: Actors, platform: SandboxServer
) -> None:
    actors.change(lambda project: project.engine("slow", running=True))
    waits = actors.clone("waits")
    holds = actors.clone("holds")
    holder = holds.start("apply", "--yes", "--publish", "--only", "slow")
    wait_until(lambda: actors.made == 1, "the first run creates")
    waiter = waits.start("apply", "--yes", "--publish", "--lease-wait", "60s")
    actors.edit("acme", "Second")
    platform.end_jobs()
    holds.finish(holder).ended(0)
    waits.finish(waiter).ended(6, "which changes this engine and is applied by its own run")
    assert set(actors.lock()["engines"]) == {"other", "slow"}
    actors.check_converged()
    assert actors.made == 3


def test_changed_settings_hold_everything_back(actors: Actors) -> None:
    stale = actors.clone("again")
    actors.change(lambda project: (project.root / "reconcile.yaml").write_text("concurrency: 3\n"))
    tip = actors.git("rev-parse", "main")[:12]
    actors.publish(stale).ended(
        6, f"`main` is at {tip}, which changes reconcile.yaml and is applied by its own run"
    )
    assert actors.made == 0
    actors.check_converged()


def test_a_checkout_that_differs_in_nothing_that_matters_goes_on(actors: Actors) -> None:
    stale = actors.clone("again")
    actors.change(lambda project: (project.root / "README.md").write_text("Engines.\n"))
    actors.publish(stale).ended(0)
    assert actors.made == 2
    actors.check_converged()


def test_a_call_of_a_stale_checkout_stays_uncertain_whatever_the_branch_says(actors: Actors) -> None:
    """Held back or not, an engine that may exist is reported."""
    stale = actors.clone("stale")
    actors.die(stale, NO_ANSWER, "--only", "acme", "--publish")
    actors.free_lease()
    actors.edit("acme", "Second")
    actors.publish(stale).ended(7, "reconcile resolve acme")
    [lost] = [one for one in actors.engines() if one not in actors.git("show", f"main:{LOCKFILE}")]
    actors.clone().run("resolve", "acme", "--engine-id", lost, "--publish").ended(0)
    actors.check_converged()
    assert actors.made == 3
