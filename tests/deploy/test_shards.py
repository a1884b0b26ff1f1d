"""The Jobs that apply a plan in shards: published schemas, restricted pods, and commands that the program takes."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from reconciler.cli.main import cli
from tests.deploy.kustomize import read
from tests.deploy.pod_security import violations
from tests.deploy.test_kubernetes import VERSIONS

FILE = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes" / "jobs" / "shards.yaml"
ITEMS: dict[str, Any] = {one["metadata"]["name"]: one for one in read(FILE)["items"] if one["kind"] == "Job"}
SCHEMAS = {"Job": "job-batch-v1", "PersistentVolumeClaim": "persistentvolumeclaim-v1"}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_published_schemas_take_every_document(version: str) -> None:
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"{version}-local-strict"
    definitions = json.loads((folder / "_definitions.json").read_text(encoding="utf-8"))
    registry: Registry[Any] = Resource.from_contents(definitions) @ Registry()
    for document in read(FILE)["items"]:
        schema = json.loads((folder / f"{SCHEMAS[document['kind']]}.json").read_text(encoding="utf-8"))
        wrong = Draft202012Validator(schema, registry=registry).iter_errors(document)
        assert [error.message for error in wrong] == []


def test_an_indexed_job_has_as_many_pods_as_the_plan_has_shards() -> None:
    spec = ITEMS["reconcile-shards"]["spec"]
    assert spec["completionMode"] == "Indexed"
    plan = arguments("reconcile-plan")
    assert plan["shards"] == spec["completions"] == spec["parallelism"] == 8
    shard, collect = arguments("reconcile-shards"), arguments("reconcile-collect")
    assert (shard["shard"], shard["yes"], shard["publish"]) == ("ci", True, "true")
    assert plan["out"] == shard["plan_file"] == collect["shards"]
    names = {one["name"] for one in container("reconcile-shards")["env"]}
    assert "JOB_COMPLETION_INDEX" not in names  # Kubernetes sets it
    assert {"LINGO_API_URL", "LINGO_API_KEY"} <= names


def container(job: str) -> Any:
    [only] = ITEMS[job]["spec"]["template"]["spec"]["containers"]
    return only


def arguments(job: str) -> dict[str, Any]:
    """What the program makes of them; wrong ones are an error."""
    told = container(job)
    assert told["command"] == ["/opt/reconcile/bin/reconcile"]
    at, folder, name, *words = told["args"]
    assert (at, folder) == ("-C", "/work/repository")
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    with click.Context(command) as ctx:
        command.parse_args(ctx, words)
        return ctx.params


@pytest.mark.parametrize("job", ITEMS)
def test_the_pods_are_restricted_and_see_the_key_where_they_need_it(job: str) -> None:
    pod = ITEMS[job]["spec"]["template"]["spec"]
    assert violations(pod) == []
    assert pod["automountServiceAccountToken"] is False
    assert pod["restartPolicy"] == "Never"
    keyed = "LINGO_API_KEY" in json.dumps(pod["containers"])
    assert keyed is (job != "reconcile-plan")
    assert "LINGO_API_KEY" not in json.dumps(pod["initContainers"])
