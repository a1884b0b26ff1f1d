"""A thousand engines at once."""

from __future__ import annotations

from pathlib import Path

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import Project

COUNT = 1000


def test_a_thousand_new_engines(tmp_path: Path, platform: SandboxServer) -> None:
    project = Project(tmp_path / "many", platform.url)
    project.git("init", "--quiet")
    for number in range(COUNT):
        project.engine(f"team{number % 10}/engine{number:04}", f"name: Engine {number}\nlocales: [de]\n")
    shown = project.run("plan").ended(0, "1,000 to create").out
    assert len(shown) < 200_000
    ran = project.apply("--concurrency", "32").ended(0, "1,000 created")
    assert platform.create_calls() == COUNT
    entries = project.lock["engines"]
    assert len(entries) == COUNT
    assert {entry["engineId"] for entry in entries.values()} == {one["id"] for one in platform.engines()}
    assert {entry["spec"]["name"] for entry in entries.values()} == {f"Engine {n}" for n in range(COUNT)}
    assert all("pending" not in entry for entry in entries.values())
    assert project.records() == []
    assert all(str(one["id"]) in ran.out for one in platform.engines())
    project.run("plan", "--detailed-exitcode").ended(0, "1,000 engines are up to date")
    assert platform.create_calls() == COUNT
