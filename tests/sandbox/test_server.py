"""Starting and stopping: in-process, as a process, with a file, with many sockets at once."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from reconciler.core.errors import StorageError, UsageError
from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from tests.sandbox.far_ends import KEY, LINK, Receiver, http_client, job_socket, submit, wait_until, wanted

PROGRAM = """
import sys
from pathlib import Path
from reconciler.sandbox.server import serve_forever
from reconciler.sandbox.settings import SandboxSettings
settings = SandboxSettings(state_file=Path(sys.argv[1]) if sys.argv[1:] else None, job_seconds=0.5)
serve_forever(settings, lambda url: print(url, flush=True), log=print)
print("ended", flush=True)
"""


@contextmanager
def process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A sandbox in the foreground of its own process, and its URL."""
    command = [sys.executable, "-W", "error", "-c", PROGRAM, *arguments]
    root = Path(__file__).parents[2]
    running = subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    with running:
        try:
            assert running.stdout is not None
            assert select.select([running.stdout], [], [], 20)[0], "it did not start in time"
            yield running, running.stdout.readline().strip()
        finally:
            running.kill()


def test_it_stops_quickly_whatever_is_going_on() -> None:
    with SandboxServer(SandboxSettings(latency=0.01)) as server, http_client(server.url) as client:
        job_id = submit(client, "Acme [sandbox: never]", LINK)
        submit(client, "Late [sandbox: webhook-late=60]", callbackUrl="http://127.0.0.1:9/")
        hanging = threading.Thread(target=_expecting_a_loss, args=(server.url, "A [sandbox: hang]"))
        slow = threading.Thread(target=_expecting_a_loss, args=(server.url, "A [sandbox: slow=60]"))
        for thread in (hanging, slow):
            thread.start()
        wait_until(lambda: len(server.requests()) == 4)
        with job_socket(server.url, job_id) as websocket:
            websocket.recv()
            start = time.monotonic()
            server.__exit__(None, None, None)
            assert time.monotonic() - start < 20  # what goes on takes a minute
            with pytest.raises(ConnectionClosed):
                websocket.recv()
        for thread in (hanging, slow):
            thread.join()
        assert server.create_calls() == len(server.engines()) == 4
    assert "sandbox" not in {thread.name for thread in threading.enumerate()}


def _expecting_a_loss(url: str, name: str) -> None:
    with http_client(url) as client:
        try:
            client.post("/jobs/provisioning", json=wanted(name))
        except httpx.TransportError:
            return


def test_a_taken_port_is_told(sandbox: SandboxServer) -> None:
    port = int(sandbox.url.rsplit(":", 1)[1])
    with (
        pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}"),
        SandboxServer(SandboxSettings(port=port)),
    ):
        pytest.fail("it started")


def test_an_unusable_state_file_is_told(tmp_path: Path) -> None:
    settings = SandboxSettings(state_file=tmp_path / "nowhere" / "state.db")
    with pytest.raises(StorageError), SandboxServer(settings):
        pytest.fail("it started")


@pytest.mark.parametrize(
    "bad", [{"port": 70000}, {"fail_rate": 2}, {"latency": -1}, {"job_seconds": -1}, {"webhook_retry": (-1,)}]
)
def test_settings_that_make_no_sense_are_told(bad: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        SandboxSettings(**bad)  # type: ignore[arg-type]


def test_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with SandboxServer(SandboxSettings(host="::1")) as server, http_client(server.url) as client:
        submit(client)


def test_requests_can_be_logged() -> None:
    lines: list[str] = []
    with SandboxServer(SandboxSettings(), log=lines.append) as server, http_client(server.url) as client:
        submit(client)
        client.get("/users/me", headers={"X-API-Key": "my-real-key"})
    assert lines == ["POST /jobs/provisioning -> 202", "GET /users/me -> 401"]


def test_a_restarted_sandbox_continues(tmp_path: Path, receiver: Receiver) -> None:
    settings = SandboxSettings(state_file=tmp_path / "state.db", job_seconds=0.6)
    with SandboxServer(settings) as server, http_client(server.url) as client:
        job_id = submit(client, "Acme", LINK, callbackUrl=receiver.url)
        engines, secret = server.engines(), server.webhook_secret
    with SandboxServer(settings) as server, http_client(server.url) as client:
        assert (server.engines(), server.webhook_secret) == (engines, secret)
        assert client.get(f"/jobs/provisioning/{job_id}").json()["status"] == "in_progress"
        with job_socket(server.url, job_id) as websocket:
            assert len(list(websocket)) > 1
        wait_until(lambda: server.jobs()[0]["webhook"] == "delivered")
    with SandboxServer(settings) as server:
        assert server.jobs()[0]["webhook"] == "delivered"
    assert len(receiver.got) == 1


def test_a_webhook_is_made_up_for_after_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    settings = SandboxSettings(state_file=tmp_path / "state.db", webhook_retry=(60,))
    receiver.statuses += [500]
    with SandboxServer(settings) as server, http_client(server.url) as client:
        submit(client, callbackUrl=receiver.url)
        wait_until(lambda: len(receiver.got) == 1)
    with SandboxServer(settings) as server:
        wait_until(lambda: server.jobs()[0]["webhook"] == "delivered")
    assert len({received.headers["webhook-id"] for received in receiver.got}) == 1


def test_a_killed_process_forgets_nothing_it_answered(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    with process(path) as (running, url), http_client(url) as client:
        job_id = submit(client, "Acme", LINK)
        running.kill()
        running.wait(10)
    with process(path) as (_, url), http_client(url) as client:
        job = f"/jobs/provisioning/{job_id}"
        wait_until(lambda: client.get(job).json()["status"] == "completed")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_process_in_good_order(number: signal.Signals) -> None:
    with process() as (running, url), http_client(url) as client:
        job_id = submit(client, "Acme [sandbox: never]", LINK)
        with job_socket(url, job_id) as websocket:
            websocket.recv()
            running.send_signal(number)
            out, err = running.communicate(timeout=10)
            with pytest.raises(ConnectionClosed):
                websocket.recv()
    assert (running.returncode, err) == (0, "")
    assert out.splitlines() == [
        "POST /jobs/provisioning -> 202",
        f"GET /jobs/provisioning/{job_id}/ws -> 101",
        "ended",
    ]


def test_many_sockets_at_once() -> None:
    with SandboxServer(SandboxSettings(job_seconds=2)) as server, http_client(server.url) as client:
        job_ids = [submit(client, f"Engine {number}", LINK) for number in range(60)]
        heard = asyncio.run(_listen_to(server.url, job_ids * 5))
    assert len(heard) == 300
    assert all(count >= 1 for count in heard)


async def _listen_to(url: str, job_ids: list[str]) -> list[int]:
    async def count(job_id: str) -> int:
        target = f"{url.replace('http', 'ws', 1)}/jobs/provisioning/{job_id}/ws"
        async with connect(target, additional_headers=KEY, proxy=None, compression=None) as websocket:
            return len([message async for message in websocket])

    return await asyncio.gather(*map(count, job_ids))
