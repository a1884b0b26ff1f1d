"""The platform's own webhooks at a receiver that is a process: signed, tried again, and before the secret is known."""

from __future__ import annotations

from pathlib import Path

from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from reconciler.sandbox.signing import new_secret
from tests import plain_http
from tests.adapters.receiving import Receiving, wait_until
from tests.adapters.serving import Served, serving

KEY = "lk_for-these-tests-only"
OFTEN = (0.1,) * 600  # seconds between the platform's tries


def platform(secret: str | None = None) -> SandboxServer:
    return SandboxServer(
        SandboxSettings(job_seconds=0.05, api_keys=(KEY,), webhook_secret=secret, webhook_retry=OFTEN)
    )


def created(server: SandboxServer, receiver: Receiving, name: str, operation: str) -> str:
    """A job whose end is told there; its id."""
    body = {
        "engine": {"name": name},
        "sources": [{"type": "link", "payload": "https://acme.example/brand"}],
        "callbackUrl": f"{receiver.url}/{operation}",
    }
    answer = plain_http.post(
        f"{server.url}/jobs/provisioning", json=body, headers={"X-API-Key": KEY}, trust_env=False
    )
    assert answer.status_code == 202
    return str(answer.json()["jobId"])


def told(receiver: Receiving) -> dict[str | None, tuple[str | None, str | None]]:
    """Status and operation of each job in the inbox."""
    events = [(one.event, one.operation_id) for one in receiver.events()]
    return {event.job_id: (event.status, operation) for event, operation in events if event is not None}


def test_the_end_of_a_job_comes_to_the_inbox(tmp_path: Path) -> None:
    secret = new_secret()
    with platform(secret) as server, serving(tmp_path, LINGO_WEBHOOK_SECRET=secret) as receiver:
        good = created(server, receiver, "acme", "op-1")
        bad = created(server, receiver, "other [sandbox: fail]", "op-2")
        twice = created(
            server, receiver, "third [sandbox: webhook-double, webhook-forged, webhook-stale]", "op-3"
        )
        wait_until(lambda: len(told(receiver)) == 3, "all are told")
        assert told(receiver) == {
            good: ("completed", "op-1"),
            bad: ("failed", "op-2"),
            twice: ("completed", "op-3"),
        }
        wait_until(
            lambda: refused(receiver) == {"bad_signature", "stale", "duplicate"}, "the others came too"
        )
        assert secret not in receiver.log


def refused(receiver: Served) -> set[str]:
    return {outcome for outcome in ("bad_signature", "stale", "duplicate") if receiver.outcome(outcome)}


def test_what_came_while_the_receiver_was_down(tmp_path: Path) -> None:
    secret = new_secret()
    with platform(secret) as server:
        with serving(tmp_path, LINGO_WEBHOOK_SECRET=secret) as receiver:
            port = receiver.url.rpartition(":")[2]
        job = created(server, receiver, "acme", "op-1")
        wait_until(lambda: server.jobs()[0]["status"] == "completed", "the job has ended")
        assert told(receiver) == {}
        again = serving(tmp_path, "--listen", f"127.0.0.1:{port}", LINGO_WEBHOOK_SECRET=secret)
        with again as receiver:
            wait_until(lambda: told(receiver), "the platform tries again")
            assert told(receiver) == {job: ("completed", "op-1")}


def test_the_first_run_of_all(tmp_path: Path) -> None:
    """The secret is made with the first job, and its webhook comes before anybody could set it."""
    words = ("--quarantine", "--secret-file", "secret")
    with platform() as server, serving(tmp_path, *words, LINGO_WEBHOOK_SECRET="") as receiver:
        assert server.webhook_secret is None
        first = created(server, receiver, "acme", "op-1")
        wait_until(lambda: receiver.outcome("quarantined") == 1, "it is put aside")
        assert told(receiver) == {}
        assert server.webhook_secret is not None
        (tmp_path / "secret").write_text(server.webhook_secret)
        wait_until(lambda: told(receiver), "it is verified")
        second = created(server, receiver, "next", "op-2")
        wait_until(lambda: len(told(receiver)) == 2, "the next one is believed at once")
        assert told(receiver) == {first: ("completed", "op-1"), second: ("completed", "op-2")}
        assert server.webhook_secret not in receiver.log
