"""Engines that go with their files (`on_removed: delete`), and prunes that an apply ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import Project
from tests.e2e.prune_world import (
    apply_name,
    colleague,
    deletes,
    fault,
    in_step,
    past,
    publish_change,
    there,
)


@pytest.fixture
def desk(replaced_twice: Project) -> Project:
    return replaced_twice


def remove(project: Project, key: str) -> None:
    (project.root / f"engines/{key}.yaml").unlink()
    project.commit()
    project.git("push", "--quiet")


@pytest.fixture
def deleting(desk: Project) -> Project:
    """The same, with an engine beside it and `on_removed: delete`."""
    (desk.root / "reconcile.yaml").write_text("on_removed: delete\n")
    apply_name(desk, "Blog", "blog")
    return desk


@pytest.mark.parametrize("publish", ["--publish", "--no-publish"])
def test_an_engine_goes_with_its_file_once_no_lockfile_names_it(deleting: Project, publish: str) -> None:
    blog = deleting.entry("blog")["engineId"]
    remove(deleting, "blog")
    deleting.run("plan").ended(0, "blog will be deleted", "cannot be undone", "1 to delete")
    ran = deleting.apply(publish)
    if publish == "--no-publish":  # the branch still has it
        ran.ended(0, f"{blog} is deleted later: in use for `blog` on `main`")
        assert blog in there(deleting)
        deleting.run("plan").ended(0, f"the deletion of {blog} on the platform began")
        deleting.commit()
        deleting.git("push", "--quiet")
        ran = deleting.apply(publish)
    ran.ended(0, f"blog: {blog} deleted")
    assert blog not in there(deleting)
    assert "blog" not in deleting.lockfile.read_text()
    assert deleting.lock["version"] == 1


def test_a_renamed_file_deletes_nothing_and_protection_and_limits_hold(deleting: Project) -> None:
    (deleting.root / "engines/blog.yaml").rename(deleting.root / "engines/news.yaml")
    deleting.run("plan").ended(0, "news will move here from blog")
    publish_change(deleting)
    apply_name(deleting, "Blog", "news", "lifecycle: {protect: true}\n")
    remove(deleting, "news")
    deleting.apply("--publish").ended(6, "would be deleted, but is held back: it is protected")
    limit = {"RECONCILE_MAX_PRUNE": "0"}
    (deleting.root / "engines/acme.yaml").unlink()
    deleting.engine("other")
    deleting.commit()
    deleting.git("push", "--quiet")
    held = deleting.run("apply", "--yes", "--publish", env=limit)
    held.ended(6, "this run would delete 1 of 2 engines; the limit is 0 (max_prune: 0)")
    assert deletes(deleting) == []


def test_an_apply_ends_what_a_prune_began(desk: Project) -> None:
    one, two = past(desk)
    fault(desk, "status=500", times=3)
    desk.run("prune", "--yes", "--publish").ended(1, f"{one} outcome unknown")
    in_step(desk)
    fault(desk, "status=503", times=3)
    desk.apply("--publish").ended(1, f"{one} outcome unknown")  # and is not concluded from
    assert one in there(desk)
    colleague(desk).run("apply", "--yes", "--publish").ended(0, f"acme: {one} deleted")
    desk.git("pull", "--quiet", "--ff-only")
    assert past(desk) == [two]


def test_without_a_key_what_began_is_left_and_told(desk: Project) -> None:
    one, _ = past(desk)
    fault(desk, "status=500", times=3)
    desk.run("prune", "--yes", "--no-publish").ended(1, f"{one} outcome unknown")
    ran = desk.run("apply", "--yes", "--no-publish", env={"LINGO_API_KEY": None})
    ran.ended(1, "engines that are out of use are not deleted yet: no API key")
    desk.run("apply", "--yes", "--no-publish").ended(0, f"{one} deleted")


def test_without_a_remote_what_an_apply_began_the_next_one_ends(
    tmp_path: Path, platform: SandboxServer
) -> None:
    alone = Project(tmp_path / "alone", platform.url)
    alone.git("init", "--quiet", "--initial-branch=main", "--template=")
    (alone.root / "reconcile.yaml").write_text("on_removed: delete\n")
    alone.engine("acme")
    blog_file = alone.engine("blog")
    alone.commit()
    alone.apply().ended(0)
    blog = alone.entry("blog")["engineId"]
    blog_file.unlink()
    alone.commit()
    fault(alone, "status=500", times=3)
    alone.apply().ended(1, f"blog: {blog} outcome unknown")
    assert alone.records() == ["pruning"]
    alone.apply().ended(0, f"blog: {blog} deleted")
    assert blog not in there(alone)
    assert alone.records() == []
