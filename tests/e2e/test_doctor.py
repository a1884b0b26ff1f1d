"""`doctor` as people run it: on a project that is well, and on each thing that can be wrong with one."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from reconciler.adapters.checkout.merge_driver import COMMAND
from reconciler.adapters.storage.lease_file import FileLease
from reconciler.core.ledger import journal
from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import Project, Ran


@pytest.fixture
def well(tmp_path: Path, platform: SandboxServer) -> Iterator[Project]:
    """A project after `init`, with an origin, in CI."""
    origin = tmp_path / "origin.git"
    empty = ["--quiet", "--bare", "--initial-branch=main", "--template="]
    subprocess.run(["git", "init", *empty, str(origin)], check=True)
    made = Project(tmp_path / "work", platform.url)
    made.git("init", "--quiet", "--initial-branch=main", "--template=")
    made.git("remote", "add", "origin", str(origin))
    made.engine("acme")
    (made.root / ".gitattributes").write_text("engines.lock.json merge=reconcile-lockfile\n")
    made.git("config", "merge.reconcile-lockfile.driver", COMMAND)
    made.commit()
    made.git("push", "--quiet", "origin", "main")
    yield made
    made.check_no_key_left()


@contextmanager
def answering(status: int, late: float = 0.0) -> Iterator[str]:
    """A platform of one status, whose clock is `late` seconds behind."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(time.time() - late, usegmt=True)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def doctor(project: Project, *words: str, **env: str | None) -> tuple[Ran, dict[str, list[dict[str, Any]]]]:
    """The run, and its findings by the name of the check."""
    ran = project.run("doctor", "--format", "json", *words, env={"CI": "true"} | env)
    found: dict[str, list[dict[str, Any]]] = {}
    for one in ran.json["checks"]:
        found.setdefault(one["check"], []).append(one)
    assert ran.json["exitCode"] == ran.code
    return ran, found


def verdicts(found: dict[str, list[dict[str, Any]]], *but: str) -> dict[str, set[str]]:
    return {name: {one["verdict"] for one in ones} - set(but) for name, ones in found.items()}


def test_all_is_well(well: Project) -> None:
    before = well.snapshot()
    ran = well.run("doctor", env={"CI": "true"}).ended(0, "No problems found.")
    for check in (
        "python",
        "settings",
        "git",
        "engines",
        "lockfile",
        "operations",
        "lease here",
        "merge driver",
    ):
        assert f"ok       {check}" in ran.out
    for words in ("an API key is set", "accepts the API key", "is reachable", "can be pushed", "within"):
        assert words in ran.out
    assert ran.err == ""
    assert {name: content for name, (_, content) in well.snapshot().items()} == {
        name: content for name, (_, content) in before.items()
    }


def test_after_an_apply_it_is_well_too(well: Project) -> None:
    well.apply("--publish").ended(0)
    _, found = doctor(well)
    assert all(found == {"ok"} for found in verdicts(found).values())
    assert found["lease"][0]["message"] == "free"


def test_offline_asks_nobody(well: Project) -> None:
    ran, found = doctor(well, "--offline", LINGO_API_URL="http://127.0.0.1:9", LINGO_API_KEY=None)
    assert ran.code == 0
    assert found["key"][0]["verdict"] == "warning"
    assert not {"platform", "clock", "remote", "push", "lease"} & found.keys()


def test_without_a_key(well: Project) -> None:
    ran, found = doctor(well, LINGO_API_KEY=None)
    assert ran.code == 1
    assert [one["verdict"] for one in found["key"]] == ["problem"]
    assert found["platform"][0]["verdict"] == "ok"


def test_a_wrong_key(well: Project) -> None:
    ran, found = doctor(well, LINGO_API_KEY="another-key-than-the-right-one")
    assert ran.code == 1
    assert "refuses the API key (401)" in found["key"][-1]["message"]
    assert "another-key" not in ran.out + ran.err
    _, found = doctor(well, LINGO_API_KEY="two words")
    assert found["platform"][0]["verdict"] == "problem"


def test_a_platform_that_tells_nothing_of_keys(well: Project) -> None:
    with answering(404, late=120) as url:
        ran, found = doctor(well, LINGO_API_URL=url)
    assert ran.code == 0
    assert "cannot determine" in found["key"][-1]["message"]
    assert found["clock"][0]["verdict"] == "warning"


def test_a_clock_that_is_far_off(well: Project) -> None:
    with answering(200, late=-400) as url:
        ran, found = doctor(well, LINGO_API_URL=url)
    assert ran.code == 1
    assert "behind the platform's" in found["clock"][0]["message"]
    assert "webhooks are refused" in found["clock"][0]["hint"]


def test_nobody_there(well: Project) -> None:
    well.git("remote", "set-url", "origin", str(well.root.parent / "gone.git"))
    ran, found = doctor(well, LINGO_API_URL="http://127.0.0.1:9")
    assert ran.code == 1
    assert verdicts(found)["platform"] == verdicts(found)["remote"] == {"problem"}
    ran, found = doctor(well, CI=None)
    assert found["remote"][0]["verdict"] == "warning"  # runs here do not share
    _, found = doctor(well, RECONCILE_PUBLISH="false")
    assert found["remote"][0]["verdict"] == "ok"


def test_outside_of_git(bare: Project) -> None:
    ran, found = doctor(bare, "--offline", CI=None)
    assert ran.code == 0
    assert found["git"][0]["verdict"] == "warning"
    assert "merge driver" not in found


def test_invalid_files_and_settings(well: Project) -> None:
    well.engine("broken", "nme: x\n")
    ran, found = doctor(well, "--offline")
    assert ran.code == 3
    assert found["engines"][0]["diagnostics"][0]["file"] == "engines/broken.yaml"
    well.run("doctor", "--offline").ended(3, "engines/broken.yaml:1", "1 problem")
    well.engine("broken")
    well.lockfile.write_text("{")
    assert doctor(well, "--offline")[0].code == 3
    well.lockfile.unlink()
    (well.root / "reconcile.yaml").write_text("timeout: soon\nzzz: 1\n")
    ran, found = doctor(well, RECONCILE_TIMOUT="1")
    assert ran.code == 3
    assert len(found["settings"][0]["diagnostics"]) == 2
    assert "RECONCILE_TIMEOUT?" in found["settings"][1]["hint"]
    assert found.keys() == {"python", "settings"}


def test_what_is_open(well: Project) -> None:
    at = "2026-11-24T11:00:00.000Z"
    lost = journal.Begin("op-1", "acme", "v1:a", {"name": "x"}, {}, at)
    well.private.mkdir(exist_ok=True)
    well.journal.write_bytes(journal.render([lost]))
    ran, found = doctor(well, "--offline")
    assert ran.code == 1
    assert "`acme`" in found["operations"][0]["message"]
    assert any("interrupted" in one["message"] for one in found["lockfile"])
    well.journal.write_text("nonsense\n")
    assert doctor(well, "--offline")[0].code == 3


def test_who_has_the_lease(well: Project) -> None:
    with FileLease(well.private).hold():
        ran, found = doctor(well, "--offline")
    assert ran.code == 0
    assert "another run" in found["lease here"][0]["message"]
    assert doctor(well, "--offline")[1]["lease here"][0]["verdict"] == "ok"


def test_a_clone_that_was_not_set_up(well: Project) -> None:
    well.git("config", "--unset", "merge.reconcile-lockfile.driver")
    ran, found = doctor(well, "--offline")
    assert ran.code == 0
    assert "reconcile init" in found["merge driver"][0]["hint"]


def test_usage(well: Project) -> None:
    well.run("doctor", "--format", "xml").ended(64)
    well.run("doctor", "-C", "nowhere").ended(64)
    assert json.loads(well.run("doctor", "--offline", "--format=json").out)["schemaVersion"] == 1


def test_outputs(well: Project) -> None:
    entry: dict[str, Any] = {"engineId": "eng_1", "fingerprint": "v1:a", "spec": {"name": "x"}}
    entry["outputs"] = [{"file": "i18n.json", "pointer": "/engineId"}]
    well.lockfile.write_text(json.dumps({"version": 1, "engines": {"acme": entry}}))
    assert doctor(well, "--offline")[1]["outputs"][0]["verdict"] == "warning"
    file = well.root / "i18n.json"
    file.write_text('{"engineId": "eng_1"}')
    assert doctor(well, "--offline")[1]["outputs"][0]["verdict"] == "ok"
    file.write_text("{")
    ran, found = doctor(well, "--offline")
    assert (ran.code, found["outputs"][0]["verdict"]) == (1, "problem")
    assert file.read_text() == "{"


@pytest.mark.parametrize(
    ("env", "fault", "verdict", "said"),
    [
        ({}, None, "ok", "the platform lists 0 engines"),
        ({"RECONCILE_LOOKUP": "off"}, None, "ok", "off;"),
        ({"RECONCILE_MCP_URL": None}, None, "ok", "no `mcp_url` is set"),
        ({}, "tool-error=Nope", "warning", "the platform's tool failed: Nope"),
        ({"RECONCILE_MCP_URL": "http://127.0.0.1:9/mcp"}, None, "warning", "refuses connections"),
    ],
)
def test_whether_engines_can_be_looked_up(
    well: Project,
    platform: SandboxServer,
    env: dict[str, str | None],
    fault: str | None,
    verdict: str,
    said: str,
) -> None:
    if fault is not None:
        platform.faults.add("mcp", fault)
    mcp: dict[str, str | None] = {"RECONCILE_MCP_URL": f"{platform.url}/mcp"}
    ran = well.run("doctor", "--format", "json", env=mcp | env).ended(0)
    [found] = [one for one in ran.json["checks"] if one["check"] == "lookup"]
    assert found["verdict"] == verdict
    assert said in found["message"]
