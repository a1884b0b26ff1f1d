"""What `apply --format json` and `collect --format json` print is as their schema says, however a run ends."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.e2e.far_ends import Project, Ran, interrupt, wait_until

FILE = Path(__file__).parents[2] / "schemas/outcome.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(json.loads(FILE.read_text(encoding="utf-8")))


def valid(ran: Ran) -> Any:
    """The document, which says the exit code."""
    VALIDATOR.validate(ran.json)
    assert ran.json["exitCode"] == ran.code
    return ran.json


def apply(project: Project, code: int, *arguments: str, **env: str | None) -> Any:
    ran = project.run("apply", "--yes", "--format", "json", *arguments, env=env).ended(code)
    return valid(ran)


def statuses(document: Any) -> dict[str, str]:
    return {one["key"]: f"{one['action']} {one['status']}" for one in document["outcome"]["results"]}


def test_from_the_first_engine_to_its_retirement(project: Project) -> None:
    assert statuses(apply(project, 0)) == {"acme": "create done", "shop/web": "create done"}
    assert statuses(apply(project, 0)) == {}
    project.engine("acme", "name: Acme 2\n")
    (project.root / "engines/shop/web.yaml").rename(project.root / "engines/shop.yaml")
    assert statuses(apply(project, 0)) == {"acme": "replace done", "shop": "move done"}
    project.engine("acme", running=True)
    (project.root / "engines/shop.yaml").unlink()
    assert statuses(apply(project, 0)) == {"acme": "restore done", "shop": "retire done"}
    assert valid(project.run("collect", "--format", "json").ended(0))["outcome"]["counts"]["unchanged"] == 1


@pytest.mark.parametrize("job_seconds", [3])
def test_what_runs_is_collected(project: Project) -> None:
    assert statuses(apply(project, 0, "--detach"))["acme"] == "create running"
    document = apply(project, 4, "--timeout", "100ms")
    assert statuses(document) == {"acme": "resume running"}
    assert document["outcome"]["timedOut"] is True
    valid(project.run("collect", "--no-wait", "--format", "json").ended(0))
    report = project.root.parent / "report.json"
    ran = project.run("collect", "--format", "json", "--report", str(report)).ended(0)
    assert statuses(valid(ran)) == {"acme": "resume done"}
    assert json.loads(report.read_text()) == ran.json


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ("fail times=1", 1, "create failed"),
        ("status=500 times=1", 7, "create uncertain"),
        ("status=400 times=1", 1, "create failed"),
        ("status=402 times=1", 1, "create not_started"),
    ],
)
def test_what_goes_wrong(project: Project, fault: str, code: int, status: str) -> None:
    project.engine("acme", f"name: acme\ndescription: '[sandbox: {fault}]'\n", running=True)
    document = apply(project, code, "--concurrency", "1")
    assert statuses(document)["acme"] == status
    assert ("halted" in document["outcome"]) == ("402" in fault)
    valid(project.run("collect", "--format", "json"))


def test_a_guard_and_outputs(project: Project) -> None:
    project.engine(
        "acme", "name: acme\nlifecycle: {protect: true}\noutputs: [{file: a.json, pointer: /id}]\n"
    )
    (project.root / "a.json").write_text("{")
    assert len(apply(project, 1)["outcome"]["outputsNotWritten"]) == 1
    project.engine(
        "acme", "name: Acme\nlifecycle: {protect: true}\noutputs: [{file: a.json, pointer: /id}]\n"
    )
    document = apply(project, 6)
    assert statuses(document) == {"acme": "replace guarded"}
    assert document["outputsNotWritable"]


def test_what_ends_before_it_begins(project: Project) -> None:
    assert "outcome" not in apply(project, 3, LINGO_API_KEY=None)
    apply(project, 64, "--only", "nothing")
    apply(project, 64, "--nonsense")
    project.engine("acme", "nme: x\n")
    assert apply(project, 3)["diagnostics"]
    project.lockfile.write_text("<<<<<<< HEAD\n")
    apply(project, 3)


def test_what_cannot_be_published(project: Project, tmp_path: Path) -> None:
    origin = tmp_path / "origin.git"
    project.git("init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    project.git("remote", "add", "origin", str(origin))
    project.commit()
    project.git("push", "--quiet", "origin", "HEAD:main")
    hook = origin / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ngrep -q refs/heads/main && exit 1 || exit 0\n")
    hook.chmod(0o755)
    assert apply(project, 1, "--publish")["outcome"]["unpublished"]
    hook.unlink()
    document = apply(project, 0, "--publish")
    assert (document["outcome"]["published"], document["lockfile"]["unwritten"]) == (True, 2)


@pytest.mark.parametrize("job_seconds", [60])
def test_an_interrupted_run(project: Project) -> None:
    process = project.start("apply", "--yes", "--format", "json", stderr=subprocess.DEVNULL)
    wait_until(lambda: "accepted" in project.records(), "the create call is answered")
    interrupt(process)
    ran = project.finish(process)
    assert ran.code == 130
    assert valid(ran)["outcome"]["interrupted"] is True
