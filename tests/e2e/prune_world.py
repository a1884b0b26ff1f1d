"""A project for tests of what deletes engines: one that was replaced twice, and what they ask the platform."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from tests import plain_http
from tests.e2e.far_ends import KEY, Project

NAMES = ("One", "Two", "Three")
JOB_SECONDS = 0.2


def new_beside_origin(folder: Path, url: str) -> Project:
    """A repo on `main` without a commit, beside the bare origin that it is to follow."""
    empty = ["--quiet", "--bare", "--initial-branch=main", "--template="]
    subprocess.run(["git", "init", *empty, str(folder / "origin.git")], check=True)
    made = Project(folder / "work", url)
    made.git("init", "--quiet", "--initial-branch=main", "--template=")
    made.git("remote", "add", "origin", str(folder / "origin.git"))
    return made


class Replaced:
    """Clones whose engine was replaced, all of it published: made once, and copied for each test.

    Every copy is in the same place, one after the other, since the seal of a ledger names the origin's address.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._world = root / "world"

    @contextmanager
    def again(self, times: int) -> Iterator[Project]:
        """A copy of the one that was replaced so many times, and its platform."""
        kept = self._root / f"replaced {times} times"
        if self._world.exists():  # only now: a process of a test that failed may have been at it until then
            shutil.rmtree(self._world)
        if not kept.exists():
            self._make(times)
            self._world.rename(kept)
        shutil.copytree(kept, self._world)
        with self._platform() as platform:
            made = Project(self._world / "work", platform.url)
            yield made
            made.check_no_key_left()

    def _make(self, times: int) -> None:
        self._world.mkdir()
        with self._platform() as platform:
            made = new_beside_origin(self._world, platform.url)
            for name in NAMES[: times + 1]:
                apply_name(made, name)

    def _platform(self) -> SandboxServer:
        state = self._world / "platform.sqlite"
        return SandboxServer(SandboxSettings(job_seconds=JOB_SECONDS, api_keys=(KEY,), state_file=state))


def apply_name(project: Project, name: str, key: str = "acme", more: str = "") -> None:
    project.engine(key, f"name: {name}\n{more}")
    publish_change(project)


def publish_change(project: Project) -> None:
    project.commit()
    project.git("push", "--quiet", "--set-upstream", "origin", "main")
    project.apply("--publish").ended(0)
    in_step(project)


def in_step(project: Project) -> None:
    project.git("add", "--all")
    project.git("pull", "--quiet", "--ff-only")


def colleague(project: Project, name: str = "colleague") -> Project:
    root = project.root.parent / name
    project.git("clone", "--quiet", "--template=", str(project.root.parent / "origin.git"), str(root))
    return Project(root, project.url)


def past(project: Project, key: str = "acme") -> list[str]:
    return [one["engineId"] for one in project.entry(key).get("superseded", ())]


def there(project: Project) -> set[str]:
    """The engines that the platform has."""
    return {one["id"] for one in plain_http.get(f"{project.url}/sandbox/engines").json()["engines"]}


def fault(project: Project, do: str, times: int | None = 1, **more: Any) -> None:
    wanted = {"on": "engine-delete", "do": do, "times": times, **more}
    plain_http.post(f"{project.url}/sandbox/faults", json=wanted).raise_for_status()


def deletes(project: Project) -> list[str]:
    """The engines that the platform was asked to delete, in order."""
    requests = plain_http.get(f"{project.url}/sandbox/requests").json()["requests"]
    return [one["path"].rpartition("/")[2] for one in requests if one["method"] == "DELETE"]
