"""The whole loop, as its users go through it: from engine files to engine IDs, and back by `git revert`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import ENGINE, LINK, Project, wait_until

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/plan.schema.json").read_text(encoding="utf-8"))
WEB = "name: Web shop\nlocales: [de]\nsources: [{type: content, payload: 'Say du.'}]\n"


@pytest.mark.usefixtures("cold")
def test_init_makes_a_project_that_works(tmp_path: Path, platform: SandboxServer) -> None:
    project = Project(tmp_path / "new", platform.url)
    project.git("init", "--quiet")
    first = project.run("init").ended(0, "reconcile.yaml", "engines/", "next:")
    made = project.snapshot()
    project.run("init").ended(0)
    assert project.snapshot() == made
    assert "`reconcile plan`" in first.out
    project.run("init", cwd=project.root / "engines").ended(64, "is in the engines folder of the project")
    assert project.snapshot() == made
    project.run("validate").ended(0, "1 engine file valid")
    project.run("schema", "--check").ended(0)
    project.apply().ended(0)
    assert platform.create_calls() == 1
    project.run("--dry-run", "--detailed-exitcode").ended(0)


def test_plan_in_every_format_writes_nothing(project: Project, platform: SandboxServer) -> None:
    before = project.snapshot()
    text = project.run("plan").ended(0, "acme", "shop/web", "2 to create").out
    assert project.run("--dry-run").out == text
    assert project.run("plan", "--detailed-exitcode").ended(2).out == text
    document = project.run("plan", "--format", "json").ended(0).json
    Draft202012Validator(SCHEMA).validate(document)
    assert [action["action"] for action in document["actions"]] == ["create", "create"]
    assert "acme" in project.run("plan", "--format", "markdown").ended(0).out
    assert "::notice" in project.run("plan", "--format", "github").ended(0).out
    assert project.snapshot() == before
    assert platform.requests() == []


def test_plan_needs_no_key_and_no_address(project: Project) -> None:
    project.url, project.key = None, None
    project.run("plan").ended(0, "2 to create")


def test_only_limits_plan_and_apply(project: Project, platform: SandboxServer) -> None:
    shown = project.run("plan", "--only", "shop/*", "--format", "json").ended(0).json
    assert [action["key"] for action in shown["actions"]] == ["shop/web"]
    project.apply("--only", "shop/web").ended(0)
    assert list(project.lock["engines"]) == ["shop/web"]
    project.run("plan", "--only", "shop/web", "--detailed-exitcode").ended(0)
    project.run("plan", "--detailed-exitcode").ended(2, "1 to create")
    assert platform.create_calls() == 1


@pytest.mark.usefixtures("cold")
def test_the_loop(project: Project, platform: SandboxServer) -> None:
    project.engine("shop/web", WEB)
    project.commit("Engines")
    project.apply().ended(0, "acme", "shop/web")
    made = {str(engine["id"]) for engine in platform.engines()}
    assert {entry["engineId"] for entry in project.lock["engines"].values()} == made
    assert project.records() == []
    project.commit("Record")

    _unchanged(project)

    first = project.entry("shop/web")
    project.engine("shop/web", WEB.replace("[de]", "[de, it]").replace("Say du.", "Say Sie."))
    shown = project.run("plan", "--detailed-exitcode").ended(2, "shop/web", "+it", "1 to replace").out
    assert "Say du." in shown
    assert "Say Sie." in shown
    project.commit("Edit")
    project.apply().ended(0, first["engineId"])
    second = project.entry("shop/web")
    assert second["engineId"] != first["engineId"]
    assert [one["engineId"] for one in second["superseded"]] == [first["engineId"]]
    assert second["superseded"][0]["fingerprint"] == first["fingerprint"]
    project.commit("Record")

    project.git("revert", "--no-edit", "HEAD~1")
    project.key = None  # a restore needs no key: nothing is called
    project.apply().ended(0, first["engineId"])
    assert project.entry("shop/web")["engineId"] == first["engineId"]
    assert [one["engineId"] for one in project.entry("shop/web")["superseded"]] == [second["engineId"]]
    assert platform.create_calls() == 3
    _unchanged(project)


def test_move_retire_and_back(project: Project, platform: SandboxServer) -> None:
    project.apply().ended(0)
    acme = project.entry("acme")
    project.key = None
    (project.root / "engines/brand").mkdir()
    (project.root / "engines/acme.yaml").rename(project.root / "engines/brand/acme.yaml")
    project.run("plan", "--detailed-exitcode").ended(2, "brand/acme", "1 to move")
    project.apply().ended(0)
    assert list(project.lock["engines"]) == ["brand/acme", "shop/web"]
    assert project.entry("brand/acme")["engineId"] == acme["engineId"]

    content = (project.root / "engines/shop/web.yaml").read_text(encoding="utf-8")
    web = project.entry("shop/web")
    (project.root / "engines/shop/web.yaml").unlink()
    project.run("plan", "--detailed-exitcode").ended(2, "1 to retire")
    project.apply().ended(0)
    assert list(project.lock["engines"]) == ["brand/acme"]
    assert project.lock["retired"]["shop/web"][0]["engineId"] == web["engineId"]
    assert len(platform.engines()) == 2
    assert "shop/web" in project.run("status", "--all").ended(0).out

    project.engine("shop/web", content)
    project.apply().ended(0)
    assert project.entry("shop/web") == web
    assert "retired" not in project.lock
    assert platform.create_calls() == 2
    _unchanged(project)


def test_the_old_engine_serves_until_the_new_one_completed(project: Project, platform: SandboxServer) -> None:
    project.apply().ended(0)
    old = project.entry("acme")["engineId"]
    platform.faults.add("job", "never", match="acme, too")
    project.engine("acme", ENGINE.format(name="acme, too"), running=True)
    project.apply("--timeout", "1s").ended(4)
    entry = project.entry("acme")
    assert entry["engineId"] == old
    assert entry["pending"]["status"] == "in_progress"
    project.run("plan", "--detailed-exitcode").ended(2, "1 to resume")

    project.engine("acme", ENGINE.format(name="acme"), running=True)
    project.apply().ended(
        0
    )  # what serves is what is asked for again: the new one is let go, and kept on record
    assert project.entry("acme")["engineId"] == old
    assert [one["engineId"] for one in project.entry("acme")["superseded"]] == [entry["pending"]["engineId"]]
    assert platform.create_calls() == 3


def test_status(project: Project) -> None:
    project.run("status").ended(0)
    project.apply().ended(0)
    lines = project.run("status").ended(0, "2 engines").out
    assert project.entry("acme")["engineId"] in lines
    document = project.run("status", "--format", "json").ended(0).json
    assert {engine["key"] for engine in document["engines"]} == {"acme", "shop/web"}


def test_apply_as_json_is_one_document(project: Project) -> None:
    ran = project.apply("--format", "json").ended(0)
    results = {one["key"]: one for one in ran.json["outcome"]["results"]}
    assert results["acme"]["engineId"] == project.entry("acme")["engineId"]
    assert ran.json["exitCode"] == 0
    again = project.apply("--format", "json").ended(0).json
    assert again["outcome"]["counts"]["unchanged"] == 2


@pytest.mark.parametrize("words", [("apply",), ()])
def test_without_a_terminal_silence_means_no(
    bare: Project, platform: SandboxServer, words: tuple[str, ...]
) -> None:
    bare.url = platform.url
    bare.run(*words).ended(64, "but there is no terminal", "use --yes to proceed")
    assert platform.requests() == []
    assert not bare.lockfile.exists()
    bare.run(*words, "--yes").ended(0)
    assert platform.create_calls() == 1


def test_demo_shows_the_loop_and_leaves_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path / "elsewhere")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    start = time.monotonic()
    process = project.start("demo", env={"TMPDIR": str(temporary)}, start_new_session=True)
    ran = project.finish(process).ended(0, "Plan: 2 to create", "git revert", "3 create calls")
    assert time.monotonic() - start < 20
    assert ran.err.count("error") == 0
    assert list(temporary.iterdir()) == []
    assert list(project.root.iterdir()) == []
    wait_until(lambda: not _alive(process.pid), "every process of the demo has ended")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing(tmp_path: Path, number: int) -> None:
    project = Project(tmp_path / "elsewhere")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = project.start("demo", env={"TMPDIR": str(temporary)}, start_new_session=True)
    wait_until(lambda: list(temporary.glob("*/engines/acme.yaml")), "it has begun")
    process.send_signal(number)
    project.finish(process).ended(130)
    assert list(temporary.iterdir()) == []
    wait_until(lambda: not _alive(process.pid), "every process of the demo has ended")


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _unchanged(project: Project) -> None:
    """A plan finds nothing to do, and an apply writes not one byte."""
    project.run("plan", "--detailed-exitcode").ended(0)
    before = project.snapshot()
    project.apply().ended(0)
    assert project.snapshot() == before


def test_an_installed_command_is_the_same(project: Project) -> None:
    command = Path(sys.executable).with_name("reconcile")
    done = subprocess.run(
        [command, "plan"], cwd=project.root, env=project.environment(), capture_output=True, check=True
    )
    assert done.stdout.decode() == project.run("plan").out


def test_it_works_from_a_subfolder_and_with_a_directory(project: Project, tmp_path: Path) -> None:
    shown = project.run("plan").out
    assert project.run("plan", cwd=project.root / "engines/shop").out == shown
    assert project.run("plan", "-C", str(project.root), cwd=tmp_path).out == shown
    assert project.run("-C", str(project.root), "plan", cwd=tmp_path).out == shown


def test_names_with_blanks_and_letters_of_the_world(project: Project, platform: SandboxServer) -> None:
    project.engine("köln büro/日本 語", "name: Zweigstelle Köln\n" + LINK)
    project.apply().ended(0)
    assert project.entry("köln büro/日本 語")["engineId"]
    project.run("plan", "--only", "köln büro/日本 語", "--detailed-exitcode").ended(0)
    assert platform.create_calls() == 3
    _unchanged(project)
