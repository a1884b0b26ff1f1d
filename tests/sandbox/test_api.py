"""The documented endpoints, over HTTP."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import httpx
import pytest

from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from tests.sandbox.far_ends import LINK, NO_TLS, TEXT, http_client, submit, wait_until, wanted


@pytest.fixture(scope="module")
def shared() -> Iterator[httpx.Client]:
    """A client of one sandbox for all the requests here that it refuses."""
    with SandboxServer(SandboxSettings()) as server, http_client(server.url) as client:
        yield client
        assert server.create_calls() == 0


def test_a_job_with_sources_is_accepted_and_completes(sandbox: SandboxServer, client: httpx.Client) -> None:
    answer = client.post("/jobs/provisioning", json=wanted("Acme", LINK, TEXT, locales=["de", "pt-BR"]))
    assert answer.status_code == 202
    doc = answer.json()
    assert re.fullmatch(r"pjb_[A-Za-z0-9]{16}", doc["jobId"])
    assert re.fullmatch(r"eng_[A-Za-z0-9]{16}", doc["engineId"])
    assert doc["status"] == "in_progress"
    job = f"/jobs/provisioning/{doc['jobId']}"
    assert client.get(job).json()["summary"] is None
    wait_until(lambda: client.get(job).json()["status"] == "completed")
    summary = client.get(job).json()["summary"]
    assert all(summary[name] for name in ("brandVoices", "glossaryItems", "instructions"))
    assert [source["payload"] for source in sandbox.jobs()[0]["sources"]] == [
        LINK["payload"],
        TEXT["payload"],
    ]


@pytest.mark.parametrize("body", [wanted(), wanted() | {"sources": []}])
def test_a_job_without_sources_is_completed_in_the_answer(
    client: httpx.Client, body: dict[str, object]
) -> None:
    assert client.post("/jobs/provisioning", json=body).json()["status"] == "completed"


def test_the_engine_is_there_with_the_answer(client: httpx.Client) -> None:
    answer = client.post(
        "/jobs/provisioning", json=wanted("Acme", LINK, locales=["de"], description="For acme.com")
    )
    engine = client.get(f"/engines/{answer.json()['engineId']}").json()
    assert (engine["name"], engine["description"], engine["targetLocales"]) == (
        "Acme",
        "For acme.com",
        ["de"],
    )


def test_an_idempotency_key_is_written_down_and_ignored(sandbox: SandboxServer, client: httpx.Client) -> None:
    for _ in range(2):
        client.post("/jobs/provisioning", json=wanted(), headers={"Idempotency-Key": "op-1"})
    assert sandbox.create_calls() == len(sandbox.engines()) == 2
    assert [job["idempotencyKey"] for job in sandbox.jobs()] == ["op-1", "op-1"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "body: an object"),
        ({}, "engine: an object"),
        ({"engine": {}}, "engine.name"),
        ({"engine": {"name": ""}}, "engine.name: must not be empty"),
        ({"engine": {"name": "  "}}, "engine.name: must not be empty"),
        ({"engine": {"name": 5}}, "engine.name: a string"),
        ({"engine": {"name": "A", "description": None}}, "engine.description: a string"),
        ({"engine": {"name": "A", "locale": "de"}}, "unknown field 'locale'"),
        (wanted() | {"engineId": "eng_1"}, "unknown field 'engineId'"),
        (wanted() | {"locales": "de"}, "locales: an array"),
        (wanted() | {"locales": ["de_DE"]}, "'de_DE' is not a BCP-47 locale"),
        (wanted() | {"locales": [False]}, "locales[0]: a string"),
        (wanted() | {"sources": None}, "sources: an array"),
        (wanted() | {"sources": [LINK] * 11}, "at most 10"),
        (wanted() | {"sources": [LINK | {"type": "file"}]}, "sources[0].type"),
        (wanted() | {"sources": [{"type": "link"}]}, "sources[0].payload"),
        (wanted() | {"sources": [TEXT, LINK | {"payload": "acme.com"}]}, "sources[1].payload: a link"),
        (wanted() | {"sources": [LINK | {"payload": "http://[bad"}]}, "sources[0].payload: a link"),
        (wanted() | {"sources": [LINK | {"file": "x"}]}, "unknown field 'file'"),
        (wanted() | {"callbackUrl": "http://ci.example/hook"}, "callbackUrl: must be an HTTPS URL"),
        (wanted() | {"callbackUrl": "https://"}, "callbackUrl"),
        (wanted() | {"callbackUrl": "http://127.0.0.1:99999/"}, "callbackUrl"),
        (wanted() | {"callbackUrl": None}, "callbackUrl: a string"),
        (wanted("A [sandbox: explode]"), "no fault 'explode'"),
    ],
)
def test_what_is_not_documented_is_refused(shared: httpx.Client, body: object, says: str) -> None:
    answer = shared.post("/jobs/provisioning", json=body)
    assert (answer.status_code, list(answer.json())) == (400, ["message"])
    assert says in answer.json()["message"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[" * 100_000], ids=["empty", "torn", "bytes", "deep"]
)
def test_a_body_that_is_no_json_is_refused(shared: httpx.Client, content: bytes) -> None:
    assert shared.post("/jobs/provisioning", content=content).json() == {
        "message": "The body is not valid JSON"
    }


def test_a_body_without_end_is_refused(shared: httpx.Client) -> None:
    answer = shared.post("/jobs/provisioning", content=b" " * (16 * 1024 * 1024 + 1))
    assert (answer.status_code, list(answer.json())) == (413, ["message"])


@pytest.mark.parametrize("key", [None, "", "wrong", "SANDBOX-KEY"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/jobs/provisioning"),
        ("GET", "/jobs/provisioning/pjb_1"),
        ("GET", "/engines/eng_1"),
        ("GET", "/users/me"),
    ],
)
def test_no_request_without_a_key(shared: httpx.Client, key: str | None, method: str, path: str) -> None:
    with httpx.Client(base_url=shared.base_url, trust_env=False, verify=NO_TLS) as bare:
        headers = {} if key is None else {"X-API-Key": key}
        answer = bare.request(method, path, headers=headers, json=wanted() if method == "POST" else None)
    assert (answer.status_code, list(answer.json())) == (401, ["message"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/jobs/provisioning/pjb_unknown", 404),
        ("GET", "/engines/eng_unknown", 404),
        ("DELETE", "/engines/eng_unknown", 404),
        ("PUT", "/engines/eng_unknown", 404),
        ("GET", "/engines", 404),
        ("GET", "/jobs/provisioning", 405),
        ("GET", "/users/me/", 404),
        ("POST", "/users/me", 405),
    ],
)
def test_what_is_not_there_is_told_in_the_platforms_shape(
    shared: httpx.Client, method: str, path: str, status: int
) -> None:
    answer = shared.request(method, path)
    assert (answer.status_code, list(answer.json())) == (status, ["message"])


def test_an_engine_can_be_changed(client: httpx.Client) -> None:
    submit(client, locales=["de"])
    (engine,) = client.get("/sandbox/engines").json()["engines"]
    path = f"/engines/{engine['id']}"
    changed = client.put(path, json={"name": "New", "targetLocales": ["fr"], "sourceLocales": ["en"]})
    assert changed.status_code == 200
    seen = client.get(path).json()
    assert seen == changed.json()
    assert (seen["name"], seen["targetLocales"], seen["sourceLocales"]) == ("New", ["fr"], ["en"])
    assert client.put(path, json={"locales": ["fr"]}).status_code == 400
    assert client.put(path, json={"name": ""}).status_code == 400
    assert client.put(path, content=b"{").status_code == 400


def test_an_engine_can_be_deleted_and_its_job_ends(client: httpx.Client) -> None:
    job_id = submit(client, "Acme [sandbox: never]", LINK)
    (engine,) = client.get("/sandbox/engines").json()["engines"]
    assert client.delete(f"/engines/{engine['id']}").status_code == 204
    assert client.get(f"/engines/{engine['id']}").status_code == 404
    job = client.get(f"/jobs/provisioning/{job_id}").json()
    assert (job["status"], job["errorMessage"]) == ("failed", "The engine was deleted while the job ran")


def test_a_key_can_be_tried(client: httpx.Client) -> None:
    assert client.get("/users/me").json()["id"] == "usr_sandbox"


def test_requests_are_written_down_without_keys(sandbox: SandboxServer, client: httpx.Client) -> None:
    submit(client, "Acme", **{"locales": ["de"]})
    client.get("/users/me", headers={"X-API-Key": "my-real-key", "Authorization": "Bearer my-real-key"})
    client.get("/healthz")
    client.get("/elsewhere")
    first, second, third = sandbox.requests()
    assert (first.method, first.path, first.status) == ("POST", "/jobs/provisioning", 202)
    assert first.body == wanted("Acme", locales=["de"])
    assert (second.status, third.path, third.status) == (401, "/elsewhere", 404)
    assert "key" not in str(sandbox.requests()).replace("x-api-key", "")


def test_a_request_that_ends_early_is_written_down(
    sandbox: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"POST /jobs/provisioning HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        wait_until(lambda: len(sandbox.requests()) == 1)
    wait_until(lambda: sandbox.requests()[0].status == 400)
    assert sandbox.create_calls() == 0
    assert not [one for one in caplog.records if one.levelname == "ERROR"]


def test_the_latency_comes_before_each_answer() -> None:
    with SandboxServer(SandboxSettings(latency=0.15)) as server, http_client(server.url) as client:
        assert client.get("/users/me").elapsed.total_seconds() >= 0.15
    with SandboxServer(SandboxSettings(latency=3600)) as server, http_client(server.url) as client:
        assert client.get("/healthz").status_code == 200  # it has none
        with pytest.raises(httpx.ReadTimeout):
            client.post("/jobs/provisioning", json=wanted(), timeout=0.2)
        wait_until(lambda: server.create_calls() == 1)
