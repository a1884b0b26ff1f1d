"""A clone that follows a branch: where it goes along, where it waits for a person, and what a killed move left."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from reconciler.adapters.checkout.following import MOVING, Moved
from reconciler.core.engine.fingerprint import blob_id
from reconciler.core.errors import GitError, RemoteUnreachable
from reconciler.core.watch.machine import Trouble
from tests.adapters.checkout.following_world import LOCKFILE, Change, World
from tests.app.git_repo import git


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_it_goes_along(world: World) -> None:
    assert world.moved().before == world.head()
    tip = world.edit()
    assert world.moved() == Moved(world.head(), tip) or world.head() == tip
    assert (world.clone / "engines/acme.yaml").read_text() == "name: two\n"
    assert world.moved().before == tip


@pytest.mark.parametrize("options", [("--depth=1",), ("--filter=blob:none",), ("--single-branch",)])
def test_clones_of_other_kinds_go_along(tmp_path: Path, options: tuple[str, ...]) -> None:
    first = World(tmp_path / "a")
    git(first.origin, "config", "uploadpack.allowFilter", "true")
    world = World(tmp_path / "b", *options)
    git(world.origin, "config", "uploadpack.allowFilter", "true")
    for number in range(2):
        tip = world.edit(f"name: {number}\n")
        assert world.moved().now == tip


def test_a_detached_head_goes_along(world: World) -> None:
    git(world.clone, "checkout", "--quiet", "--detach")
    tip = world.edit()
    assert world.moved().now == tip
    assert git(world.clone, "rev-parse", "main").strip() != tip


def test_another_branch_stays_where_it_is(world: World) -> None:
    git(world.clone, "checkout", "--quiet", "-b", "mine")
    world.edit()
    world.stopped("other_branch", "mine")
    git(world.clone, "checkout", "--quiet", "main")
    world.moved()


# ── a branch that was rewritten ──


def rewritten(world: World, *, back: bool) -> str:
    """The branch loses its last commit, and gets another one unless it only goes back."""
    git(world.desk, "reset", "--quiet", "--hard", "HEAD~1")
    if not back:
        return world.push(lambda desk: world.write(desk, "engines/new.yaml", "name: new\n"), "--force")
    git(world.desk, "push", "--quiet", "--force", "origin", "main")
    return git(world.desk, "rev-parse", "HEAD").strip()


@pytest.mark.parametrize(("back", "restarted"), [(True, False), (False, True)])
def test_a_rewritten_branch_is_followed(world: World, back: bool, restarted: bool) -> None:
    world.edit()
    before = world.moved().now
    tip = rewritten(world, back=back)
    if restarted:
        world.follower = world.make()
    assert world.moved() == Moved(before, tip, forced=True)
    assert (world.clone / "engines/acme.yaml").read_text() == "name: one\n"


@pytest.mark.parametrize("ahead", [True, False])
def test_a_commit_that_is_only_here_stops_it(world: World, ahead: bool) -> None:
    world.edit()
    world.moved()
    git(
        world.clone,
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b",
        "commit",
        "--quiet",
        "--allow-empty",
        "-m",
        "x",
    )
    if not ahead:
        world.edit("name: three\n")
    world.stopped("local_commits")
    git(world.clone, "reset", "--quiet", "--hard", "HEAD~1")
    world.moved()


# ── a dirty clone ──


def edited(clone: Path) -> None:
    World.write(clone, "engines/acme.yaml", "name: mine\n")


def staged(clone: Path) -> None:
    edited(clone)
    git(clone, "add", "--all")


def added(clone: Path) -> None:
    World.write(clone, "engines/mine.yaml", "name: mine\n")


def removed(clone: Path) -> None:
    (clone / "engines/acme.yaml").unlink()


def settings(clone: Path) -> None:
    World.write(clone, "reconcile.yaml", "publish: false\n")


def lockfile(clone: Path) -> None:
    World.write(clone, LOCKFILE, '{"by": "hand"}\n')


def oddly_named(clone: Path) -> None:
    for name in (b"\xff.yaml", b"two\nlines.yaml"):
        with open(os.path.join(os.fsencode(clone), b"engines", name), "w") as file:
            file.write("name: mine\n")


def in_the_way(clone: Path) -> None:
    World.write(clone, "notes.txt", "mine\n")


@pytest.mark.parametrize("change", [edited, staged, added, removed, settings, oddly_named, in_the_way])
def test_somebodys_work_stops_it_and_is_kept(world: World, change: Change) -> None:
    world.moved()
    if change in (edited, removed, in_the_way):  # the others where the branch stays as it is
        world.edit("theirs\n", "notes.txt")
    change(world.clone)
    world.stopped("dirty")
    git(world.clone, "reset", "--quiet", "--hard")
    git(world.clone, "clean", "--quiet", "--force", "-d")
    world.moved()


def test_a_lockfile_that_was_edited_by_hand_stops_it(world: World) -> None:
    world.edit("{}\n", LOCKFILE)
    world.moved()
    lockfile(world.clone)
    world.stopped("dirty", LOCKFILE)


def test_files_that_no_plan_reads_are_nobodys_business(world: World) -> None:
    world.write(world.clone, "build/out.txt", "x")
    world.edit()
    world.moved()
    assert (world.clone / "build/out.txt").exists()


def test_what_a_run_published_is_taken_in(world: World) -> None:
    for name in (LOCKFILE, "i18n.json"):
        world.edit('{"new": 1}\n', name)
        world.write(world.clone, name, '{"new": 1}\n')
    world.moved()
    assert world.notices == []


def test_a_lockfile_that_a_run_could_not_publish_gives_way(world: World) -> None:
    world.edit("{}\n", LOCKFILE)
    world.moved()
    ours = '{"unpublished": 1}\n'
    world.write(world.clone, LOCKFILE, ours)
    note = hashlib.sha256(ours.encode()).hexdigest()
    world.write(world.private, "lockfile.sha256", note)
    assert isinstance(world.follow(), Moved)  # as long as nothing is in its way it stays
    assert (world.clone / LOCKFILE).read_text() == ours
    world.edit('{"theirs": 1}\n', LOCKFILE)
    world.moved()
    [notice] = world.notices
    kept = notice.rpartition(" ")[2]
    assert f"{git(world.clone, 'cat-file', 'blob', kept)}\n" == ours


def test_what_is_recorded_here_alone_never_gives_way(world: World) -> None:
    world.edit("{}\n", LOCKFILE)
    world.follower = world.make(keeps=True)
    world.moved()
    ours = '{"unpublished": 1}\n'
    world.write(world.clone, LOCKFILE, ours)
    world.write(world.private, "lockfile.sha256", hashlib.sha256(ours.encode()).hexdigest())
    world.edit()
    assert isinstance(world.follow(), Moved)
    world.edit('{"theirs": 1}\n', LOCKFILE)
    world.stopped("dirty", LOCKFILE)


# ── locks, and moves that were killed ──


def old(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("")
    os.utime(file, (1_000_000_000, 1_000_000_000))


@pytest.mark.parametrize("lock", ["index.lock", "refs/heads/main.lock"])
def test_a_lock_of_somebody_elses_git_stays(world: World, lock: str) -> None:
    world.moved()
    world.edit()
    old(world.clone / ".git" / lock)
    found = world.follow()  # for the lock of a ref, git has moved the files by then
    assert isinstance(found, Trouble)
    assert (found.kind, found.needs_person) == ("locked", True)
    assert lock in found.message
    assert (world.clone / ".git" / lock).exists()
    (world.clone / ".git" / lock).unlink()
    world.moved()


@pytest.mark.parametrize("lock", ["index.lock", "refs/heads/main.lock"])
def test_a_lock_of_our_own_killed_git_is_taken_away(world: World, lock: str) -> None:
    world.moved()
    world.edit()
    old(world.clone / ".git" / lock)
    world.write(world.private, MOVING, "{}")
    world.moved()
    assert not (world.private / MOVING).exists()


def test_a_lock_that_is_young_may_belong_to_a_git_that_still_runs(world: World) -> None:
    world.edit()
    world.write(world.clone, ".git/index.lock", "")
    world.write(world.private, MOVING, "{}")
    found = world.follow()
    assert isinstance(found, Trouble)
    assert (found.kind, found.needs_person) == ("locked", False)


def test_a_move_that_was_killed_half_way_is_finished(world: World) -> None:
    world.push(lambda desk: [world.write(desk, f"engines/{n}.yaml", f"name: {n}\n" * 50) for n in "abc"])
    world.moved()

    def change(desk: Path) -> None:
        world.write(desk, "engines/a.yaml", "name: other\n" * 50)
        world.write(desk, "engines/b.yaml", "name: other\n" * 50)
        (desk / "engines/c.yaml").unlink()
        world.write(desk, "engines/d.yaml", "name: new\n" * 50)
        world.write(desk, "engines/e.yaml", "name: new\n" * 50)

    world.push(change)
    world.write(world.clone, "engines/a.yaml", "name: other\n" * 50)  # written whole
    world.write(world.clone, "engines/b.yaml", "name: ot")  # cut off
    (world.clone / "engines/c.yaml").unlink()
    world.write(world.clone, "engines/d.yaml", "name: new\n" * 50)
    world.write(world.clone, "engines/e.yaml", "")
    world.write(world.private, MOVING, "{}")
    world.moved()
    assert git(world.clone, "status", "--porcelain") == ""


def test_a_move_that_failed_half_way_is_finished_when_it_can_be(world: World) -> None:
    """As on a full disk: git leaves what it has written, and what it has taken away."""
    world.push(lambda desk: [world.write(desk, f"docs/{n}", f"{n}\n" * 50) for n in ("a", "b", "gone")])
    world.moved()
    for name, value in (("smudge", "false"), ("clean", "cat"), ("required", "true")):
        git(world.clone, "config", f"filter.some.{name}", value)

    def change(desk: Path) -> None:
        for name in ("a", "b", "new"):
            world.write(desk, f"docs/{name}", "other\n" * 50)
        (desk / "docs/gone").unlink()
        world.write(desk, ".gitattributes", "docs/b filter=some\n")

    world.push(change)
    found = world.follow()
    assert isinstance(found, Trouble)
    assert found.kind == "move"
    assert "git merge failed" in found.message
    with pytest.raises(GitError, match="smudge filter some failed"):  # putting files back meets the same
        world.follow()
    assert "docs/" in git(world.clone, "status", "--porcelain")
    git(world.clone, "config", "filter.some.smudge", "cat")
    world.moved()
    assert git(world.clone, "status", "--porcelain") == ""


def test_a_move_that_a_lock_stopped_at_its_end_is_finished_wherever_the_branch_is_by_then(
    world: World,
) -> None:
    """Git locks the branch last: by then every file is as the commit has it."""
    world.push(lambda desk: [world.write(desk, f"engines/{name}.yaml", f"name: {name}\n") for name in "abc"])
    world.moved()

    def change(desk: Path) -> None:
        world.write(desk, "engines/a.yaml", "name: first\n")
        world.write(desk, "engines/new.yaml", "name: new\n")
        (desk / "engines/b.yaml").unlink()
        (desk / "engines/c.yaml").unlink()

    def again(desk: Path) -> None:
        world.write(desk, "engines/a.yaml", "name: second\n")
        world.write(desk, "engines/c.yaml", "name: back\n")
        (desk / "engines/new.yaml").unlink()

    lock = world.clone / ".git/refs/heads/main.lock"
    old(lock)
    world.push(change)
    found = world.follow()
    assert isinstance(found, Trouble)
    assert found.kind == "locked"
    assert (world.clone / "engines/a.yaml").read_text() == "name: first\n"
    lock.unlink()
    world.push(again)
    world.moved()
    assert sorted(file.name for file in (world.clone / "engines").iterdir()) == [
        "a.yaml",
        "acme.yaml",
        "c.yaml",
    ]


def test_somebodys_work_beside_a_killed_move_is_kept(world: World) -> None:
    world.moved()
    world.edit()
    edited(world.clone)
    world.write(world.private, MOVING, "{}")
    world.stopped("dirty", "engines/acme.yaml")


# ── the remote ──


def test_a_remote_that_is_gone_comes_back(world: World) -> None:
    away = world.origin.with_name("away.git")
    world.origin.rename(away)
    with pytest.raises(RemoteUnreachable):
        world.follow()
    away.rename(world.origin)
    world.moved()


def test_a_branch_that_is_gone_is_no_empty_branch(world: World) -> None:
    git(world.origin, "branch", "-m", "main", "other")
    before = world.state()
    with pytest.raises(GitError, match="no branch `main`"):
        world.follow()
    assert world.state() == before


def test_configuration_that_a_commit_brought_in_is_refused(world: World) -> None:
    """What the configuration includes is looked at again each time: a commit may have changed it since."""
    world.moved()
    git(world.clone, "config", "include.path", "../shared.gitconfig")
    world.moved()
    world.push(
        lambda desk: world.write(desk, "shared.gitconfig", '[core]\n\tsshCommand = "touch /tmp/never"\n')
    )
    assert isinstance(world.follow(), Moved)
    with pytest.raises(GitError, match="any commit can change"):
        world.follow()


def test_garbage_is_packed(world: World) -> None:
    """git takes the number of objects in one of its 256 folders for a sample of all of them."""
    git(world.clone, "config", "gc.auto", "20")
    texts = (f"text {number}" for number in range(10_000))
    sampled = [text for text in texts if blob_id(text.encode(), 40)[:2] == "17"]
    world.push(lambda desk: [world.write(desk, f"texts/{text}", text) for text in sampled[:8]])
    world.moved()
    assert int(git(world.clone, "count-objects").split()[0]) >= 8
    world.follower.clean_up()
    assert int(git(world.clone, "count-objects").split()[0]) == 0
