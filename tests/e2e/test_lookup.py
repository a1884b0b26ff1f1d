"""Looking engines up after a lost answer: what is proposed, what is not, and that nothing is recorded by looking."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.dashboard import made_elsewhere
from tests.e2e.far_ends import Project

LOST = "name: {name}\nlocales: [de]\n"


@pytest.fixture
def mcp(project: Project) -> dict[str, str | None]:
    return {"RECONCILE_MCP_URL": f"{project.url}/mcp", "RECONCILE_LOOKUP": "off"}


def lost(
    project: Project, platform: SandboxServer, mcp: dict[str, str | None], name: str = "shop/web"
) -> str:
    """The answer about one engine gets lost. Returns the engine that was made all the same."""
    platform.faults.add("create", "lost-answer", match=name)
    project.run("apply", "--yes", env=mcp).ended(7)
    return str([one["id"] for one in platform.engines() if one["name"] == name][-1])


def test_the_engine_is_found_and_the_command_records_it(
    project: Project, platform: SandboxServer, mcp: dict[str, str | None]
) -> None:
    engine = lost(project, platform, mcp)
    before = project.snapshot()
    ran = project.run("resolve", "shop/web", "--find", env=mcp).ended(
        0, f"{engine}, created at ", "not recorded"
    )
    assert project.snapshot() == before
    acme = project.entry("acme")["engineId"]
    assert acme not in ran.out
    [command] = [line.strip() for line in ran.out.splitlines() if "reconcile resolve" in line]
    project.run(*command.split()[1:]).ended(0, f"recorded {engine} as its engine")
    project.run("resolve", "shop/web", "--find", env=mcp).ended(64, "no call with an unknown outcome")
    assert platform.create_calls() == 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("empty-list", "No unrecorded engine of that name among the 0 engines listed."),
        ("shape=7", "The list is not complete"),
        ("no-times", "creation time unknown"),
        ("with-jobs", "--job-id pjb_"),
    ],
)
def test_what_the_list_says(
    project: Project, platform: SandboxServer, mcp: dict[str, str | None], fault: str, said: str
) -> None:
    lost(project, platform, mcp)
    platform.faults.add("mcp", fault)
    ran = project.run("resolve", "shop/web", "--find", env=mcp).ended(0, said)
    assert ("does not prove" in ran.out) == (fault == "empty-list")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("tool-error=Nope", "the platform's tool failed: Nope"),
        ("status=500", "(500)"),
        ("html-200", "no answer of MCP"),
    ],
)
def test_a_list_that_fails_is_an_error(
    project: Project, platform: SandboxServer, mcp: dict[str, str | None], fault: str, said: str
) -> None:
    lost(project, platform, mcp)
    platform.faults.add("mcp", fault)
    project.run("resolve", "shop/web", "--find", env=mcp).ended(1, said)


def test_others_of_the_name_are_told_apart(
    project: Project, platform: SandboxServer, mcp: dict[str, str | None]
) -> None:
    engine = lost(project, platform, mcp)
    twin, alike, other = made_elsewhere(platform, "shop/web", "Shop Web", "blog")
    ran = project.run("resolve", "shop/web", "--find", env=mcp).ended(
        0, engine, twin, f'{alike}, named "Shop Web"'
    )
    assert other not in ran.out
    project.run("import", "twin", twin).ended(0)
    assert twin not in project.run("resolve", "shop/web", "--find", env=mcp).out


def test_engines_of_another_environment_are_recorded(
    project: Project, platform: SandboxServer, mcp: dict[str, str | None]
) -> None:
    (project.root / "reconcile.yaml").write_text(
        "environments:\n  production: {}\n  staging: {lockfile: engines.staging.lock.json}\n"
    )
    [theirs] = made_elsewhere(platform, "shop/web")
    project.run("import", "shop/web", theirs, "--env", "staging", "--as-is").ended(0)
    engine = lost(project, platform, mcp)
    ran = project.run("resolve", "shop/web", "--find", env=mcp).ended(0, engine)
    assert theirs not in ran.out
    staging = project.root / "engines.staging.lock.json"
    staging.write_text(staging.read_text()[:-9])
    project.run("resolve", "shop/web", "--find", env=mcp).ended(0, "warning: ", engine)


def test_several_calls_are_shown_each_with_its_command(
    project: Project, platform: SandboxServer, mcp: dict[str, str | None]
) -> None:
    lost(project, platform, mcp)
    lock = project.lock
    entry = lock["engines"]["shop/web"]
    entry["uncertain"] = [{**entry["pending"], "operationId": "op-older"}]
    project.lockfile.write_text(json.dumps(lock))
    ran = project.run("resolve", "shop/web", "--find", env=mcp).ended(0, "(operation op-older)")
    assert ran.out.count("--operation") == 2
    ran = project.run("resolve", "shop/web", "--find", "--operation", "op-older", env=mcp).ended(0)
    assert ran.out.count("--operation op-older") == 1
    project.run("resolve", "shop/web", "--find", "--operation", "op-9", env=mcp).ended(64, "not one of them")


@pytest.mark.parametrize(
    ("arguments", "env", "code", "said"),
    [
        (("shop/web", "--find", "--retry"), {}, 64, "or look with --find"),
        (("shop/web", "--find", "--force"), {}, 64, "--force goes with --engine-id"),
        (("shop/web", "--find", "--job-id", "pjb_1"), {}, 64, "--job-id goes with --engine-id"),
        (("shop/wbe", "--find"), {}, 64, "did you mean `shop/web`?"),
        (("acme", "--find"), {}, 64, "no call with an unknown outcome"),
        (("shop/web", "--find"), {"RECONCILE_MCP_URL": None}, 64, "set RECONCILE_MCP_URL"),
        (("shop/web", "--find"), {"RECONCILE_MCP_URL": "http://mcp.example"}, 3, "RECONCILE_MCP_URL must be"),
        (("shop/web", "--find"), {"LINGO_API_KEY": None}, 3, "no API key"),
        (("shop/web", "--find"), {"LINGO_API_KEY": "lk_another"}, 1, "check LINGO_API_KEY"),
        (("shop/web", "--find"), {"RECONCILE_MCP_URL": "http://127.0.0.1:9/mcp"}, 1, "refuses connections"),
        (("shop/web", "--find"), {"RECONCILE_LOOKUP": "maybe"}, 3, "must be off, suggest or auto"),
    ],
)
def test_what_cannot_be_looked_up(
    project: Project,
    platform: SandboxServer,
    mcp: dict[str, str | None],
    arguments: tuple[str, ...],
    env: dict[str, Any],
    code: int,
    said: str,
) -> None:
    lost(project, platform, mcp)
    project.run("resolve", *arguments, env=mcp | env).ended(code, said)


def test_a_host_that_only_the_repository_names_gets_no_key(
    project: Project, platform: SandboxServer, mcp: dict[str, str | None]
) -> None:
    lost(project, platform, mcp)
    settings = project.root / "reconcile.yaml"
    settings.write_text("mcp_url: https://mcp.lingo.dev.evil.example\n")
    none = {"RECONCILE_MCP_URL": None}
    refused = ("not sent there", "set RECONCILE_MCP_URL where the key is set")
    project.run("resolve", "shop/web", "--find", env=none).ended(6, *refused)
    project.engine("more")
    project.run("apply", "--yes", env=none).ended(6, *refused)
    project.run("plan", env=none).ended(
        0, "`mcp_url` of reconcile.yaml names https://mcp.lingo.dev.evil.example"
    )
    project.run("resolve", "shop/web", "--find", env=mcp).ended(0, "not recorded")
    settings.write_text("mcp_url: https://mcp.lingo.dev.evil.example\nlookup: off\n")
    project.run("apply", "--yes", env=none).ended(7)
    project.run("resolve", "shop/web", "--find", env=none).ended(6, *refused)
