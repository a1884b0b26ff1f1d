"""`/sandbox/…`: asking for faults over HTTP, and the overviews. None needs a key."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from reconciler.sandbox.server import SandboxServer
from tests.sandbox.far_ends import NO_TLS, submit, wanted


@pytest.fixture
def anyone(sandbox: SandboxServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.url, trust_env=False, verify=NO_TLS) as client:
        yield client


def test_faults_over_http(anyone: httpx.Client, client: httpx.Client) -> None:
    fault = {"on": "create", "do": "status=429", "times": 2, "match": "Acme", "retryAfter": 5}
    added = anyone.post("/sandbox/faults", json=fault)
    assert (added.status_code, added.json()) == (201, fault)
    assert client.post("/jobs/provisioning", json=wanted("Beta")).status_code == 202
    refused = client.post("/jobs/provisioning", json=wanted("Acme"))
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    assert anyone.get("/sandbox/faults").json()["faults"] == [fault | {"times": 1}]
    assert anyone.delete("/sandbox/faults").status_code == 204
    assert anyone.get("/sandbox/faults").json()["faults"] == []


def test_the_kinds_are_listed(anyone: httpx.Client) -> None:
    kinds = anyone.get("/sandbox/faults").json()["kinds"]
    assert "lost-answer" in kinds["create"]
    assert "drop-mid" in kinds["ws"]


@pytest.mark.parametrize(
    "doc",
    [
        [],
        {},
        {"on": "create"},
        {"on": "create", "do": 5},
        {"on": "create", "do": "explode"},
        {"on": "moon", "do": "drop"},
        {"on": "create", "do": "drop", "times": 0},
        {"on": "create", "do": "drop", "times": "often"},
        {"on": "create", "do": "drop", "times": True},
        {"on": "create", "do": "drop", "retryAfter": "soon"},
        {"on": "create", "do": "drop", "when": "now"},
        {"on": "create", "do": "drop", "match": None},
    ],
)
def test_a_fault_that_makes_no_sense_is_told(anyone: httpx.Client, doc: object) -> None:
    answer = anyone.post("/sandbox/faults", json=doc)
    assert (answer.status_code, list(answer.json())) == (400, ["message"])
    assert anyone.get("/sandbox/faults").json()["faults"] == []


def test_a_fault_that_is_no_json_is_told(anyone: httpx.Client) -> None:
    assert anyone.post("/sandbox/faults", content=b"{").status_code == 400


def test_overviews(anyone: httpx.Client, client: httpx.Client) -> None:
    job_id = submit(client, "Acme")
    assert anyone.get("/healthz").json() == {"status": "ok"}
    assert anyone.get("/sandbox").json() == {"engines": 1, "jobs": 1, "createCalls": 1, "faults": 0}
    assert [engine["name"] for engine in anyone.get("/sandbox/engines").json()["engines"]] == ["Acme"]
    assert [job["jobId"] for job in anyone.get("/sandbox/jobs").json()["jobs"]] == [job_id]
    (record,) = anyone.get("/sandbox/requests").json()["requests"]
    assert (record["status"], record["headers"]["x-api-key"]) == (202, "[redacted]")


def test_what_is_not_there_is_told_and_not_written_down(sandbox: SandboxServer, anyone: httpx.Client) -> None:
    assert anyone.get("/sandbox/moon").json() == {"message": "Not found"}
    assert sandbox.requests() == []


def test_the_webhook_secret_can_be_read_once_it_exists(anyone: httpx.Client, client: httpx.Client) -> None:
    assert anyone.get("/sandbox/webhook-secret").status_code == 404
    submit(client, "Acme [sandbox: webhook-never]", callbackUrl="https://ci.example/hook")
    assert anyone.get("/sandbox/webhook-secret").json()["secret"].startswith("whsec_")
