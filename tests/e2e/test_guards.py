"""Guards and saved plans, as their users meet them."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import ENGINE, Project

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/plan.schema.json").read_text(encoding="utf-8"))
PROTECT = "lifecycle: {protect: true}\n"
OUTPUTS = "outputs: [{file: i18n.json, pointer: /engineId}]\n"
WEB = ENGINE.format(name="web")
OTHER = ENGINE.format(name="another name")


def test_protection_from_the_first_commit_to_the_last(project: Project, platform: SandboxServer) -> None:
    project.engine("shop/web", WEB + PROTECT)
    project.apply().ended(0)
    engine = project.entry("shop/web")["engineId"]
    assert project.entry("shop/web")["protect"] is True
    project.run("plan", "--detailed-exitcode").ended(0)
    calls = platform.create_calls()

    project.engine("shop/web", OTHER)  # the protection is gone, and the engine changed
    project.engine("blog")
    project.run("plan").ended(0, "would be replaced, but is held back: it is protected", "1 to create")
    project.run("plan", "--detailed-exitcode").ended(6)
    done = project.apply("--format", "json").ended(6).json
    results = {one["key"]: one for one in done["outcome"]["results"]}
    assert (results["blog"]["status"], results["shop/web"]["status"]) == ("done", "guarded")
    assert done["exitCode"] == 6
    assert project.entry("shop/web")["engineId"] == engine
    project.apply().ended(6, "1 engine needs attention")  # again, and by itself: nothing to apply
    assert platform.create_calls() == calls + 1

    (project.root / "engines/shop/web.yaml").unlink()
    project.apply().ended(6, "would be retired", "reconcile apply --allow-retire shop/web")
    assert project.entry("shop/web")["engineId"] == engine

    project.engine("shop/web", WEB)  # now the protection alone is removed
    project.apply().ended(0, "recorded with its new options")
    assert "protect" not in project.entry("shop/web")
    project.engine("shop/web", OTHER)
    project.apply().ended(0)
    assert project.entry("shop/web")["engineId"] != engine
    assert platform.create_calls() == calls + 2


def test_an_engine_that_is_named_is_replaced(project: Project) -> None:
    project.engine("shop/web", WEB + PROTECT)
    project.apply().ended(0)
    engine = project.entry("shop/web")["engineId"]
    project.engine("shop/web", OTHER + PROTECT)
    project.apply("--allow-replace", "shop/wbe").ended(64, "did you mean `shop/web`?")
    project.apply("--allow-retire", "shop/web").ended(6)
    project.run("plan", "--allow-replace", "shop/web", "--detailed-exitcode").ended(2)
    project.run("--dry-run", "--allow-replace", "shop/web").ended(0, "1 to replace")
    project.apply("--allow-replace", "shop/web").ended(0)
    assert project.entry("shop/web")["engineId"] != engine
    assert project.entry("shop/web")["protect"] is True


def test_limits_come_from_the_settings(project: Project) -> None:
    project.apply().ended(0)
    project.engine("shop/web", OTHER)
    (project.root / "reconcile.yaml").write_text("max_replace: 0\n")
    project.apply().ended(6, "this run would replace 1 of 2 engines; the limit is 0 (max_replace: 0)")
    project.run("apply", "--yes", env={"RECONCILE_MAX_REPLACE": "50%"}).ended(0, "1 replaced")
    project.run("plan", env={"RECONCILE_MAX_RETIRE": "half"}).ended(
        3, "RECONCILE_MAX_RETIRE", "write 5 or 30%"
    )


def test_outputs_alone_are_recorded(project: Project, platform: SandboxServer) -> None:
    project.apply().ended(0)
    calls = platform.create_calls()
    project.engine("shop/web", ENGINE.format(name="shop/web") + OUTPUTS)
    project.run("plan").ended(0, "outputs", "i18n.json /engineId", "1 to record", "No provisioning job")
    project.apply().ended(0, "1 recorded")
    assert project.entry("shop/web")["outputs"] == [{"file": "i18n.json", "pointer": "/engineId"}]
    assert platform.create_calls() == calls
    project.run("plan", "--detailed-exitcode").ended(0)


# ── saved plans ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_saved_plan_is_applied_and_nothing_besides(project: Project, platform: SandboxServer) -> None:
    project.run("plan", "--out", "plan.json").ended(0, "2 to create")
    saved = json.loads((project.root / "plan.json").read_text())
    Draft202012Validator(SCHEMA).validate(saved)
    project.engine("later")
    project.apply("plan.json").ended(0, "2 created")
    assert sorted(project.lock["engines"]) == ["acme", "shop/web"]
    assert platform.create_calls() == 2
    project.apply("plan.json").ended(6, "the plan is out of date", "`acme`: the plan would create it")
    project.run("plan", "--only", "shop/web", "--out", "plan.json").ended(0)
    project.apply("plan.json").ended(0)  # a plan of nothing
    assert platform.create_calls() == 2


def test_a_saved_plan_is_refused_when_what_it_touches_changed(
    project: Project, platform: SandboxServer
) -> None:
    project.run("plan", "--out", "plan.json", "--format", "json").ended(0)
    project.engine("shop/web", OTHER)
    refused = project.apply("plan.json").ended(6, "`shop/web`: its file changed since the plan")
    assert "acme" not in refused.err
    assert project.apply("plan.json", "--format", "json").ended(6).json["exitCode"] == 6
    assert platform.create_calls() == 0
    assert not project.lockfile.exists()


def test_a_plan_file_that_is_none_is_one_clear_message(project: Project) -> None:
    project.apply("plan.json").ended(3, "no plan file", "reconcile plan --out '<FILE>'")
    (project.root / "plan.json").write_text(project.run("plan", "--format", "json").ended(0).out)
    project.apply("plan.json").ended(3, "it is the output of --format json")
    project.run("plan", "--out", "plan.json").ended(0)
    project.apply("plan.json", "--only", "acme").ended(64, "--only cannot be used with a saved plan")
    project.apply("plan.json", "--env", "staging").ended(6, "made for the environment `production`")
    for name in ("engines.lock.json", "reconcile.yaml", "./engines/plan.yaml"):
        project.run("plan", "--out", name).ended(64, "reconcile reads that file itself")
    project.run("plan", "--out", "no/where/plan.json").ended(1, "no folder")
    project.engine("acme", "nome: x\n")
    (project.root / "plan.json").unlink()
    project.run("plan", "--out", "plan.json").ended(3)
    assert not (project.root / "plan.json").exists()
