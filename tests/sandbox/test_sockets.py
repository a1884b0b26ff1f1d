"""The job's WebSocket: its proper course, and each way it can go wrong."""

from __future__ import annotations

import json
import socket
import time

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection

from reconciler.sandbox.server import SandboxServer
from tests.sandbox.far_ends import KEY, LINK, TEXT, job_socket, submit, wait_until


def messages_of(websocket: ClientConnection) -> list[dict[str, object]]:
    """All until the close."""
    return [json.loads(message) for message in websocket]


def test_snapshot_then_progress_then_a_close_that_says_nothing(
    sandbox: SandboxServer, client: httpx.Client
) -> None:
    job_id = submit(client, "Acme", LINK, TEXT)
    with job_socket(sandbox.url, job_id) as websocket:
        first, *later = messages_of(websocket)
        assert websocket.close_code == 1000
    assert first == {
        "type": "provisioning.snapshot",
        "jobId": job_id,
        "status": "in_progress",
        "errorMessage": None,
    }
    assert {(message["type"], message["jobId"]) for message in later} == {("provisioning.progress", job_id)}
    assert [message["step"] for message in later if message["detail"] == "completed"] == [
        "crawling",
        "extracting_brand_voices",
        "building_glossary",
        "writing_instructions",
    ]


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [("Acme", "completed", None), ("Acme [sandbox: fail=It broke]", "failed", "It broke")],
)
def test_an_ended_job_has_a_snapshot_and_no_more(
    sandbox: SandboxServer, client: httpx.Client, name: str, status: str, error: str | None
) -> None:
    with job_socket(sandbox.url, submit(client, name)) as websocket:
        (only,) = messages_of(websocket)
    assert (only["status"], only["errorMessage"]) == (status, error)


def test_everyone_who_listens_hears_the_same(sandbox: SandboxServer, client: httpx.Client) -> None:
    job_id = submit(client, "Acme", LINK)
    with job_socket(sandbox.url, job_id) as one, job_socket(sandbox.url, job_id) as other:
        heard = messages_of(one)[-1]
        assert messages_of(other)[-1] == heard


def test_a_listener_may_leave(sandbox: SandboxServer, client: httpx.Client) -> None:
    job_id = submit(client, "Acme", LINK)
    with job_socket(sandbox.url, job_id) as websocket:
        websocket.send("hello")
        websocket.recv()
    with job_socket(sandbox.url, job_id) as websocket:
        assert messages_of(websocket)


def test_a_listener_may_vanish(sandbox: SandboxServer, client: httpx.Client) -> None:
    job_id = submit(client, "Acme [sandbox: job-seconds=0.4, ws-garbage]", LINK)
    with job_socket(sandbox.url, job_id) as websocket:
        websocket.recv()
        websocket.socket.shutdown(socket.SHUT_RDWR)
    with job_socket(sandbox.url, job_id) as websocket:
        assert list(websocket)


def test_a_deleted_engine_ends_the_wait(sandbox: SandboxServer, client: httpx.Client) -> None:
    job_id = submit(client, "Acme [sandbox: never]", LINK)
    with job_socket(sandbox.url, job_id) as websocket:
        websocket.recv()
        client.delete(f"/engines/{sandbox.engines()[0]['id']}")
        messages_of(websocket)
    with job_socket(sandbox.url, job_id) as websocket:
        assert messages_of(websocket)[0]["status"] == "failed"


@pytest.mark.parametrize(
    ("job", "headers", "status"),
    [("known", {}, 401), ("known", {"X-API-Key": "wrong"}, 401), ("pjb_unknown", KEY, 404)],
)
def test_an_upgrade_can_be_refused_for_good_reason(
    sandbox: SandboxServer, client: httpx.Client, job: str, headers: dict[str, str], status: int
) -> None:
    job_id = submit(client) if job == "known" else job
    with (
        pytest.raises(InvalidStatus) as caught,
        job_socket(sandbox.url, job_id, additional_headers=headers),
    ):
        pytest.fail("it was let in")
    response = caught.value.response
    assert (response.status_code, list(json.loads(response.body or b""))) == (status, ["message"])
    assert sandbox.requests()[-1].status == status


@pytest.mark.parametrize(("kind", "status"), [("refuse", 403), ("refuse=500", 500)])
def test_refuse(sandbox: SandboxServer, client: httpx.Client, kind: str, status: int) -> None:
    job_id = submit(client)
    sandbox.faults.add("ws", kind)
    with pytest.raises(InvalidStatus) as caught, job_socket(sandbox.url, job_id):
        pytest.fail("it was let in")
    assert caught.value.response.status_code == status
    with job_socket(sandbox.url, job_id) as websocket:
        assert messages_of(websocket)
    assert [record.status for record in sandbox.requests()] == [202, status, 101]


@pytest.mark.parametrize(("kind", "heard"), [("drop", 1), ("drop-mid", 2)])
def test_drop(sandbox: SandboxServer, client: httpx.Client, kind: str, heard: int) -> None:
    with job_socket(sandbox.url, submit(client, f"Acme [sandbox: ws-{kind}]", LINK)) as websocket:
        for _ in range(heard):
            websocket.recv()
        with pytest.raises(ConnectionClosedError) as caught:
            websocket.recv()
        assert caught.value.rcvd is None


def test_close(sandbox: SandboxServer, client: httpx.Client) -> None:
    with job_socket(sandbox.url, submit(client, "Acme [sandbox: ws-close=1008]", LINK)) as websocket:
        websocket.recv()
        with pytest.raises(ConnectionClosed):
            websocket.recv()
        assert websocket.close_code == 1008


def test_garbage_comes_around_the_real_messages(sandbox: SandboxServer, client: httpx.Client) -> None:
    job_id = submit(client, "Acme [sandbox: ws-garbage]", LINK)
    with job_socket(sandbox.url, job_id) as websocket:
        messages = list(websocket)
    assert any(isinstance(message, bytes) for message in messages)
    assert max(len(message) for message in messages) > 256 * 1024
    read = [doc for message in messages if (doc := _object(message)) and doc.get("jobId") == job_id]
    assert {"provisioning.snapshot", "provisioning.progress"} < {str(doc["type"]) for doc in read}
    others = [
        doc for message in messages if (doc := _object(message)) and doc.get("jobId") == "pjb_" + 16 * "0"
    ]
    assert others[0]["status"] == "completed"


def _object(message: str | bytes) -> dict[str, object] | None:
    try:
        doc = json.loads(message)
    except ValueError:
        return None
    return doc if isinstance(doc, dict) else None


def test_huge(sandbox: SandboxServer, client: httpx.Client) -> None:
    with job_socket(sandbox.url, submit(client, "Acme [sandbox: ws-huge=2000000]")) as websocket:
        huge, snapshot = list(websocket)
    assert len(huge) > 2_000_000
    assert json.loads(snapshot)["status"] == "completed"


def test_silent_outlasts_the_job(sandbox: SandboxServer, client: httpx.Client) -> None:
    job_id = submit(client, "Acme [sandbox: ws-silent]", LINK)
    with job_socket(sandbox.url, job_id) as websocket:
        wait_until(lambda: client.get(f"/jobs/provisioning/{job_id}").json()["status"] == "completed")
        with pytest.raises(TimeoutError):
            websocket.recv(timeout=0.1)


def test_no_snapshot(sandbox: SandboxServer, client: httpx.Client) -> None:
    with job_socket(sandbox.url, submit(client, "Acme [sandbox: ws-no-snapshot]", LINK)) as websocket:
        assert {message["type"] for message in messages_of(websocket)} == {"provisioning.progress"}


def test_slow(sandbox: SandboxServer, client: httpx.Client) -> None:
    job_id = submit(client, "Acme [sandbox: ws-slow=0.2]")
    start = time.monotonic()
    with job_socket(sandbox.url, job_id):
        assert time.monotonic() - start >= 0.2
