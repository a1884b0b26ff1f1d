"""What git ignores in a clone that follows: a move overwrites none of it, though git itself would."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.checkout.following import MOVING, Moved
from tests.adapters.checkout.following_world import World
from tests.app.git_repo import commit_all, git, new_repo


@pytest.fixture(params=[(), ("--depth=1",), ("--filter=blob:none",)], ids=["full", "shallow", "partial"])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> World:
    world = World(tmp_path, *request.param)
    exclude = world.write(world.clone, ".git/info/exclude", "/.env\n/notes\n/cache\n/i18n.json\n")
    assert exclude.exists()
    world.moved()
    return world


def rewritten(world: World, name: str) -> None:
    """The branch without its last commit, and with another one."""
    world.edit("name: gone\n")
    world.moved()
    git(world.desk, "reset", "--quiet", "--hard", "HEAD~1")
    world.push(lambda desk: world.write(desk, name, "theirs"), "--force")


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize(
    ("mine", "theirs", "named"),
    [
        (".env", ".env", ".env"),
        ("cache/deep/mine.txt", "cache", "cache/deep/mine.txt"),
        ("notes", "notes/theirs.txt", "notes"),
        ("notes", "notes/deep/theirs.txt", "notes"),
    ],
)
def test_an_ignored_file_is_in_the_way(
    world: World, mine: str, theirs: str, named: str, forced: bool
) -> None:
    file = world.write(world.clone, mine, "mine")
    assert git(world.clone, "status", "--porcelain") == ""
    if forced:
        rewritten(world, theirs)
    else:
        world.edit("theirs", theirs)
    world.stopped("dirty", f": {named}")
    assert file.read_text() == "mine"
    file.unlink()
    world.moved()
    assert (world.clone / theirs).read_text() == "theirs"


def test_a_link_is_in_the_way(world: World, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (world.clone / "notes").symlink_to(elsewhere)
    (world.clone / ".env").symlink_to(elsewhere / "env")
    world.edit("theirs", "notes/theirs.txt")
    world.stopped("dirty", "notes")
    (world.clone / "notes").unlink()
    world.edit("theirs", ".env")
    world.stopped("dirty", ".env")
    assert list(elsewhere.iterdir()) == []


def test_an_ignored_file_beside_tracked_ones_whose_folder_becomes_a_file(world: World) -> None:
    world.edit("theirs", "shared/theirs.txt")
    world.moved()
    world.write(world.clone, ".git/info/exclude", "mine.txt\n")
    file = world.write(world.clone, "shared/mine.txt", "mine")

    def folder_to_file(desk: Path) -> None:
        (desk / "shared/theirs.txt").unlink()
        (desk / "shared").rmdir()
        world.write(desk, "shared", "a file")

    world.push(folder_to_file)
    world.stopped("dirty", "shared/mine.txt")
    file.unlink()
    world.moved()
    assert (world.clone / "shared").read_text() == "a file"


def test_what_is_the_same_is_in_nobodys_way(world: World) -> None:
    world.write(world.clone, ".env", "the same")
    world.write(world.clone, "cache/mine.txt", "mine")
    world.edit("the same", ".env")
    world.moved()
    assert (world.clone / "cache/mine.txt").read_text() == "mine"


def test_what_is_tracked_changes_its_kind(world: World) -> None:
    def link(desk: Path) -> None:
        world.write(desk, "places/old/x.txt", "old")
        (desk / "link").symlink_to("places/old")

    world.push(link)
    world.moved()

    def folder(desk: Path) -> None:
        (desk / "link").unlink()
        world.write(desk, "link/x.txt", "new")

    world.push(folder)
    world.moved()
    assert (world.clone / "link/x.txt").read_text() == "new"
    assert (world.clone / "places/old/x.txt").read_text() == "old"


def test_an_ignored_output_of_ours_gives_way_and_is_kept(world: World) -> None:
    world.write(world.clone, "i18n.json", "older")
    world.edit("newer", "i18n.json")
    world.moved()
    assert (world.clone / "i18n.json").read_text() == "newer"
    [notice] = world.notices
    assert git(world.clone, "cat-file", "blob", notice.rpartition(" ")[2]) == "older"


def test_a_part_that_a_killed_move_left_is_completed(world: World) -> None:
    world.edit("all of it", ".env")
    world.write(world.clone, ".env", "all")
    world.write(world.private, MOVING, "{}")
    assert isinstance(world.follow(), Moved)
    assert (world.clone / ".env").read_text() == "all of it"


def test_a_folder_that_holds_nothing_is_in_nobodys_way(world: World) -> None:
    (world.clone / "cache/empty").mkdir(parents=True)
    world.edit("theirs", "cache")
    world.moved()
    assert (world.clone / "cache").read_text() == "theirs"


@pytest.mark.parametrize("theirs", ["vendor", "vendor/mine.txt"])
def test_work_in_a_submodule_is_in_the_way_of_what_replaces_it(
    world: World, tmp_path: Path, theirs: str
) -> None:
    world.write(new_repo(tmp_path / "other"), "a", "a")
    commit_all(tmp_path / "other")
    files = ("-c", "protocol.file.allow=always", "submodule", "--quiet")
    world.push(lambda desk: git(desk, *files, "add", str(tmp_path / "other"), "vendor"))
    world.moved()
    git(world.clone, *files, "update", "--init")
    world.write(world.clone, "vendor/mine.txt", "mine")

    def replaced(desk: Path) -> None:
        git(desk, "rm", "--quiet", "--force", "vendor")
        world.write(desk, theirs, "theirs")

    world.push(replaced)
    world.stopped("dirty", "vendor/mine.txt")
