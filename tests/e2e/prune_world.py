"""A project for tests of what deletes engines: one that was replaced twice, and what they ask the platform."""

from __future__ import annotations

from typing import Any

from tests import plain_http
from tests.e2e.far_ends import Project

NAMES = ("One", "Two", "Three")


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
