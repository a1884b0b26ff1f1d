"""The files in deploy/kubernetes: published schemas, the restricted level of Pod Security, and each other."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from ruamel.yaml import YAML

from tests.deploy.kustomize import DIGEST, build
from tests.deploy.pod_security import violations

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
# The oldest and the newest Kubernetes among the published schemas that the project is checked against.
VERSIONS = ("v1.31.0", "v1.37.0")


@pytest.fixture(scope="module")
def documents() -> dict[str, Any]:
    return build(FOLDER)


@pytest.fixture
def pod(documents: dict[str, Any]) -> Any:
    return copy.deepcopy(documents["Deployment"]["spec"]["template"]["spec"])


@cache
def validators(version: str) -> dict[str, Draft202012Validator]:
    """By kind; strict: a field that Kubernetes would drop is an error."""
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"{version}-local-strict"
    definitions = json.loads((folder / "_definitions.json").read_text(encoding="utf-8"))
    registry: Registry[Any] = Resource.from_contents(definitions) @ Registry()
    names = {
        "ConfigMap": "configmap-v1",
        "Deployment": "deployment-apps-v1",
        "NetworkPolicy": "networkpolicy-networking-v1",
        "PodDisruptionBudget": "poddisruptionbudget-policy-v1",
        "Service": "service-v1",
    }
    return {
        kind: Draft202012Validator(
            json.loads((folder / f"{name}.json").read_text(encoding="utf-8")), registry=registry
        )
        for kind, name in names.items()
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_the_published_schemas_take_every_document(documents: dict[str, Any], version: str) -> None:
    found = validators(version)
    assert documents.keys() == found.keys()
    wrong = {
        kind: [error.message for error in found[kind].iter_errors(documents[kind])] for kind in documents
    }
    assert wrong == {kind: [] for kind in documents}


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("Deployment", lambda d: d["spec"].update(replica=2)),
        ("Deployment", lambda d: d["spec"]["template"]["spec"]["containers"][0].update(arg=[])),
        ("Deployment", lambda d: d["spec"]["template"]["spec"]["volumes"][0]["emptyDir"].update(size="4Gi")),
        ("Deployment", lambda d: d["spec"].pop("selector")),
        ("NetworkPolicy", lambda d: d["spec"]["egress"][0].update(port=53)),
        ("PodDisruptionBudget", lambda d: d["spec"].update(maxUnavailable=[1])),
        ("Service", lambda d: d["spec"].update(selectors={})),
    ],
)
def test_the_published_schemas_refuse_a_slip(
    documents: dict[str, Any], kind: str, spoil: Callable[[Any], object]
) -> None:
    document = copy.deepcopy(documents[kind])
    spoil(document)
    assert list(validators(VERSIONS[-1])[kind].iter_errors(document))


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kustomize_builds_the_same(documents: dict[str, Any]) -> None:
    done = subprocess.run(["kubectl", "kustomize", FOLDER], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    text = re.sub(
        r"\breconcile-watch-[a-z0-9]{10}$", f"reconcile-watch-{DIGEST}", done.stdout, flags=re.MULTILINE
    )
    assert {one["kind"]: one for one in YAML(typ="safe").load_all(text)} == documents


def test_the_pods_are_restricted(pod: Any) -> None:
    assert violations(pod) == []
    containers = [*pod["initContainers"], *pod["containers"]]
    assert all(one["securityContext"]["readOnlyRootFilesystem"] is True for one in containers)
    assert pod["automountServiceAccountToken"] is False


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda p: p.update(hostNetwork=True), "hostNetwork"),
        (lambda p: p["volumes"].append({"name": "host", "hostPath": {"path": "/"}}), "volume hostPath"),
        (lambda p: p["securityContext"].pop("runAsNonRoot"), "clone: runAsNonRoot"),
        (lambda p: p["securityContext"].update(runAsUser=0), "watch: runAsUser"),
        (lambda p: p["securityContext"].pop("seccompProfile"), "watch: seccompProfile"),
        (lambda p: p["containers"][0].pop("securityContext"), "watch: capabilities.drop"),
        (lambda p: p["containers"][0]["securityContext"].update(privileged=True), "watch: privileged"),
        (lambda p: p["containers"][0]["ports"][0].update(hostPort=80), "watch: hostPort"),
        (
            lambda p: p["initContainers"][0]["securityContext"].pop("allowPrivilegeEscalation"),
            "clone: allowPrivilegeEscalation",
        ),
    ],
)
def test_what_the_restricted_level_refuses_is_found(
    pod: Any, spoil: Callable[[Any], object], named: str
) -> None:
    # Anchors make containers share what they say; here each has its own.
    separate = json.loads(json.dumps(pod))
    spoil(separate)
    assert named in violations(separate)


def test_secrets_are_named_and_never_said(documents: dict[str, Any], pod: Any) -> None:
    assert "Secret" not in documents
    assert not re.search(r"KEY|TOKEN|SECRET|PASSWORD", " ".join(documents["ConfigMap"]["data"]))
    named = [one for container in pod["containers"] for one in container["env"]]
    assert named
    assert all(one.keys() == {"name", "valueFrom"} and "secretKeyRef" in one["valueFrom"] for one in named)


def test_service_policy_and_budget_mean_these_pods(documents: dict[str, Any], pod: Any) -> None:
    deployment = documents["Deployment"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    policy = documents["NetworkPolicy"]["spec"]
    for selector in (
        deployment["selector"]["matchLabels"],
        documents["Service"]["spec"]["selector"],
        policy["podSelector"]["matchLabels"],
        documents["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        pod["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
    ):
        assert selector == labels
    (container,) = pod["containers"]
    (port,) = container["ports"]
    assert documents["Service"]["spec"]["ports"][0]["targetPort"] == port["name"]
    assert policy["ingress"] == [{"ports": [{"protocol": "TCP", "port": port["name"]}]}]
    probes = [container[f"{kind}Probe"]["httpGet"] for kind in ("liveness", "readiness", "startup")]
    assert {one["port"] for one in probes} == {port["name"]}
    assert [one["path"] for one in probes] == ["/healthz", "/readyz", "/healthz"]


def test_pods_reach_names_and_https_and_nothing_else(documents: dict[str, Any]) -> None:
    policy = documents["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    names, https = policy["egress"]
    assert https == {"ports": [{"protocol": "TCP", "port": 443}]}
    assert {one["port"] for one in names["ports"]} == {53}
    # kustomize adds `labels` with includeSelectors here, too, and names would then be looked up nowhere.
    assert names["to"][0]["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}


def test_one_of_two_replicas_may_go_at_a_time(documents: dict[str, Any], pod: Any) -> None:
    deployment = documents["Deployment"]["spec"]
    assert deployment["replicas"] == 2
    assert documents["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert pod["terminationGracePeriodSeconds"] >= 30
    for container in [*pod["initContainers"], *pod["containers"]]:
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
