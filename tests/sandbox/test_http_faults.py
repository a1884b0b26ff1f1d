"""Misbehaviour over HTTP, seen from outside: what arrives, and whether an engine was made."""

from __future__ import annotations

import json

import httpx
import pytest

from reconciler.sandbox.server import SandboxServer
from tests.sandbox.far_ends import LINK, http_client, post_raw, submit, wait_until, wanted

ENGINE = json.dumps(wanted("Acme")).encode()


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429, 500, 502, 503, 504])
def test_every_error_status_without_an_engine(
    sandbox: SandboxServer, client: httpx.Client, status: int
) -> None:
    sandbox.faults.add("create", f"status={status}")
    answer = client.post("/jobs/provisioning", json=wanted())
    assert (answer.status_code, list(answer.json())) == (status, ["message"])
    assert sandbox.create_calls() == 0
    submit(client)


def test_a_429_can_say_when_to_come_back(sandbox: SandboxServer, client: httpx.Client) -> None:
    sandbox.faults.add("create", "status=429", retry_after=5)
    assert client.post("/jobs/provisioning", json=wanted()).headers["retry-after"] == "5"
    answer = client.post("/jobs/provisioning", json=wanted("A [sandbox: status=429 retry-after=7]"))
    assert answer.headers["retry-after"] == "7"


def test_an_error_may_come_after_the_engine(sandbox: SandboxServer, client: httpx.Client) -> None:
    sandbox.faults.add("create", "error-after=500")
    assert client.post("/jobs/provisioning", json=wanted()).status_code == 500
    assert sandbox.create_calls() == 1


@pytest.mark.parametrize(("kind", "made"), [("lost-answer", 1), ("drop", 0)])
def test_a_cut_connection_carries_not_one_byte(sandbox: SandboxServer, kind: str, made: int) -> None:
    sandbox.faults.add("create", kind)
    assert post_raw(sandbox.url, ENGINE) == b""
    assert sandbox.create_calls() == made
    assert sandbox.requests()[0].status is None


@pytest.mark.parametrize(("kind", "made"), [("hang", 1), ("hang-before", 0)])
def test_a_hanging_request_carries_not_one_byte(sandbox: SandboxServer, kind: str, made: int) -> None:
    sandbox.faults.add("create", kind)
    with pytest.raises(TimeoutError):
        post_raw(sandbox.url, ENGINE, timeout=0.2)
    assert sandbox.create_calls() == made


def test_a_cut_connection_leaves_the_others_alone(sandbox: SandboxServer, client: httpx.Client) -> None:
    client.get("/users/me")
    sandbox.faults.add("create", "drop")
    assert post_raw(sandbox.url, ENGINE) == b""
    submit(client)


def test_slow_goes_together_with_another_fault(sandbox: SandboxServer, client: httpx.Client) -> None:
    answer = client.post("/jobs/provisioning", json=wanted("A [sandbox: slow=0.2, status=402]"))
    assert answer.status_code == 402
    assert answer.elapsed.total_seconds() >= 0.2


@pytest.mark.parametrize(
    ("kind", "status", "made"),
    [
        ("html", 502, 0),
        ("html=503", 503, 0),
        ("html-200", 200, 1),
        ("html=202", 202, 1),
        ("garbage", 202, 1),
        ("garbage=500", 500, 0),
        ("garbage-202", 202, 1),
        ("empty", 202, 1),
        ("empty=500", 500, 0),
    ],
)
def test_bodies_that_are_no_json(
    sandbox: SandboxServer, client: httpx.Client, kind: str, status: int, made: int
) -> None:
    sandbox.faults.add("create", kind)
    answer = client.post("/jobs/provisioning", json=wanted())
    assert (answer.status_code, sandbox.create_calls()) == (status, made)
    assert not _is_json(answer.content)


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(("kind", "status", "made"), [("huge", 500, 0), ("huge=202", 202, 1)])
def test_a_huge_answer_is_well_formed(
    sandbox: SandboxServer, client: httpx.Client, kind: str, status: int, made: int
) -> None:
    sandbox.faults.add("create", kind)
    answer = client.post("/jobs/provisioning", json=wanted())
    assert len(answer.content) > 8_000_000
    assert (answer.status_code, sandbox.create_calls(), "jobId" in answer.json()) == (status, made, made == 1)


def test_an_error_without_a_message(sandbox: SandboxServer, client: httpx.Client) -> None:
    sandbox.faults.add("create", "no-message=400")
    answer = client.post("/jobs/provisioning", json=wanted())
    assert (answer.status_code, "message" in answer.json()) == (400, False)


@pytest.mark.parametrize("number", range(7))
def test_odd_shapes_are_json_all_the_same(sandbox: SandboxServer, client: httpx.Client, number: int) -> None:
    sandbox.faults.add("create", f"odd={number}")
    answer = client.post("/jobs/provisioning", json=wanted())
    engine = sandbox.engines()[0]
    assert answer.status_code == 202
    assert str(engine["id"]) not in json.dumps(answer.json())


def test_a_redirect_shows_who_follows_it(sandbox: SandboxServer, client: httpx.Client) -> None:
    sandbox.faults.add("create", "redirect")
    answer = client.post("/jobs/provisioning", json=wanted(), follow_redirects=True)
    assert [earlier.status_code for earlier in answer.history] == [307]
    assert [record.path for record in sandbox.requests()] == ["/jobs/provisioning", "/redirected"]
    assert sandbox.create_calls() == 0


def test_a_refused_request_is_refused_whatever_the_fault(
    sandbox: SandboxServer, client: httpx.Client
) -> None:
    sandbox.faults.add("create", "lost-answer")
    assert client.post("/jobs/provisioning", json={}).status_code == 400
    assert client.post("/jobs/provisioning", json=wanted(), headers={"X-API-Key": "no"}).status_code == 401
    assert len(sandbox.faults.listed()) == 1


def test_a_script_of_faults_can_be_written_into_the_engine(
    sandbox: SandboxServer, client: httpx.Client
) -> None:
    body = wanted("Acme", description="[sandbox: status=503 times=2]")
    statuses = [client.post("/jobs/provisioning", json=body).status_code for _ in range(3)]
    assert statuses == [503, 503, 202]


def test_reading_a_job_can_fail_in_its_own_ways(sandbox: SandboxServer, client: httpx.Client) -> None:
    path = f"/jobs/provisioning/{submit(client, 'A [sandbox: job-get-status=405 times=1]')}"
    assert client.get(path).status_code == 405
    sandbox.faults.add("job-get", "status=404")
    sandbox.faults.add("job-get", "html-200")
    sandbox.faults.add("job-get", "odd=1")
    assert client.get(path).status_code == 404
    assert client.get(path).text.startswith("<html>")
    assert client.get(path).json() is None
    assert client.get(path).json()["status"] == "completed"


def test_the_key_check_can_fail(sandbox: SandboxServer, client: httpx.Client) -> None:
    sandbox.faults.add("me", "status=403")
    assert [client.get("/users/me").status_code for _ in range(2)] == [403, 200]


def test_a_deletion_can_be_carried_out_and_its_answer_lost(
    sandbox: SandboxServer, client: httpx.Client
) -> None:
    submit(client, "Acme", LINK)
    path = f"/engines/{sandbox.engines()[0]['id']}"
    sandbox.faults.add("engine", "status=500")
    sandbox.faults.add("engine", "lost-answer")
    assert client.delete(path).status_code == 500
    assert len(sandbox.engines()) == 1
    with http_client(sandbox.url) as other, pytest.raises(httpx.RemoteProtocolError):
        other.delete(path)
    assert sandbox.engines() == []


@pytest.mark.parametrize("kind", ["odd", "empty", "html-200", "huge=200"])
def test_a_deletions_answer_can_be_spoiled(sandbox: SandboxServer, client: httpx.Client, kind: str) -> None:
    submit(client)
    sandbox.faults.add("engine", kind)
    assert client.delete(f"/engines/{sandbox.engines()[0]['id']}").is_success
    assert sandbox.engines() == []


def test_a_job_can_be_told_to_fail(client: httpx.Client) -> None:
    path = f"/jobs/provisioning/{submit(client, 'A [sandbox: fail=No such site]', LINK)}"
    wait_until(lambda: client.get(path).json()["status"] == "failed")
    assert client.get(path).json()["errorMessage"] == "No such site"


def test_a_job_can_report_a_word_nobody_knows(client: httpx.Client) -> None:
    path = f"/jobs/provisioning/{submit(client, 'A [sandbox: unknown-status=dreaming]', LINK)}"
    assert client.get(path).json()["status"] == "dreaming"
    wait_until(lambda: client.get(path).json()["status"] == "completed")
