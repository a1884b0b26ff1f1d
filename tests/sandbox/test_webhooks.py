"""Deliveries as a receiver sees them, verified with the standardwebhooks library."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from reconciler.core.errors import UsageError
from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from reconciler.sandbox.signing import is_secret, new_secret, signature
from tests.sandbox.far_ends import LINK, Received, Receiver, http_client, submit, wait_until

VECTOR = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def settled(sandbox: SandboxServer, outcome: str = "delivered") -> Callable[[], bool]:
    return lambda: all(job["webhook"] == outcome for job in sandbox.jobs())


def verified(sandbox: SandboxServer, received: Received) -> dict[str, object]:
    doc = Webhook(sandbox.webhook_secret or "").verify(received.body, received.headers)
    assert isinstance(doc, dict)
    return doc


def is_genuine(sandbox: SandboxServer, received: Received) -> bool:
    try:
        return bool(verified(sandbox, received))
    except WebhookVerificationError:
        return False


def test_the_published_test_vector() -> None:
    made = signature(VECTOR, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_a_secret_is() -> None:
    assert all(map(is_secret, (VECTOR, new_secret())))
    assert not any(
        map(is_secret, ("", "whsec_", "whsec_!!!!", "whsec_c2hvcnQ=", VECTOR.removeprefix("whsec_")))
    )
    with pytest.raises(UsageError, match="webhook secret"):
        SandboxSettings(webhook_secret="whsec_short")


def test_a_completed_job_is_announced_flat_and_signed(
    sandbox: SandboxServer, client: httpx.Client, receiver: Receiver
) -> None:
    job_id = submit(client, "Acme", LINK, callbackUrl=f"{receiver.url}/op-1")
    wait_until(settled(sandbox))
    (received,) = receiver.got
    doc = verified(sandbox, received)
    job = client.get(f"/jobs/provisioning/{job_id}").json()
    assert received.path == "/hook/op-1"
    assert (
        doc
        == {"type": "provisioning.completed", "jobId": job_id, "engineId": job["engineId"]} | job["summary"]
    )


def test_a_failed_job_is_announced_with_its_reason(
    sandbox: SandboxServer, client: httpx.Client, receiver: Receiver
) -> None:
    submit(client, "Acme [sandbox: fail=It broke]", LINK, callbackUrl=receiver.url)
    wait_until(settled(sandbox))
    doc = verified(sandbox, receiver.got[0])
    assert (doc["type"], doc["errorMessage"]) == ("provisioning.failed", "It broke")


def test_a_job_without_sources_is_announced_too(
    sandbox: SandboxServer, client: httpx.Client, receiver: Receiver
) -> None:
    submit(client, callbackUrl=receiver.url)
    wait_until(settled(sandbox))
    assert len(receiver.got) == 1


def test_a_delivery_is_tried_until_it_is_taken(
    sandbox: SandboxServer, client: httpx.Client, receiver: Receiver
) -> None:
    receiver.statuses += [500, 404, 302]
    submit(client, callbackUrl=receiver.url)
    wait_until(settled(sandbox))
    assert len(receiver.got) == 4
    assert len({received.headers["webhook-id"] for received in receiver.got}) == 1
    assert all(is_genuine(sandbox, received) for received in receiver.got)


def test_it_is_given_up_after_the_last_try(
    sandbox: SandboxServer, client: httpx.Client, receiver: Receiver
) -> None:
    receiver.statuses += [500] * 9
    submit(client, callbackUrl=receiver.url)
    wait_until(settled(sandbox, "given-up"))
    assert len(receiver.got) == 4


def test_gone_is_gone(sandbox: SandboxServer, client: httpx.Client, receiver: Receiver) -> None:
    receiver.statuses += [410]
    submit(client, callbackUrl=receiver.url)
    wait_until(settled(sandbox, "given-up"))
    assert len(receiver.got) == 1


def test_nobody_there(sandbox: SandboxServer, client: httpx.Client) -> None:
    with Receiver() as gone:
        url = gone.url
    submit(client, callbackUrl=url)
    wait_until(settled(sandbox, "given-up"))


def test_a_given_secret_signs(receiver: Receiver) -> None:
    with SandboxServer(SandboxSettings(webhook_secret=VECTOR)) as server, http_client(server.url) as client:
        submit(client, callbackUrl=receiver.url)
        wait_until(settled(server))
    Webhook(VECTOR).verify(receiver.got[0].body, receiver.got[0].headers)


def test_late(sandbox: SandboxServer, client: httpx.Client, receiver: Receiver) -> None:
    submit(client, "Late [sandbox: webhook-late=0.3]", callbackUrl=f"{receiver.url}/late")
    submit(client, "Acme", callbackUrl=f"{receiver.url}/plain")
    wait_until(settled(sandbox))
    assert [received.path for received in receiver.got] == ["/hook/plain", "/hook/late"]


def test_double(sandbox: SandboxServer, client: httpx.Client, receiver: Receiver) -> None:
    submit(client, "Acme [sandbox: webhook-double]", callbackUrl=receiver.url)
    wait_until(settled(sandbox))
    first, second = receiver.got
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert is_genuine(sandbox, second)


@pytest.mark.parametrize("kind", ["forged", "stale"])
def test_what_is_not_genuine_comes_before_what_is(
    sandbox: SandboxServer, client: httpx.Client, receiver: Receiver, kind: str
) -> None:
    submit(client, f"Acme [sandbox: webhook-{kind}]", callbackUrl=receiver.url)
    wait_until(settled(sandbox))
    false, true = receiver.got
    assert (is_genuine(sandbox, false), is_genuine(sandbox, true)) == (False, True)
    assert json.loads(false.body)["type"] == "provisioning.failed"


def test_wrong_job(sandbox: SandboxServer, client: httpx.Client, receiver: Receiver) -> None:
    job_id = submit(client, "Acme [sandbox: webhook-wrong-job]", callbackUrl=receiver.url)
    wait_until(settled(sandbox))
    assert [verified(sandbox, received)["jobId"] for received in receiver.got] == ["pjb_" + 16 * "0", job_id]


def test_reordered(sandbox: SandboxServer, client: httpx.Client, receiver: Receiver) -> None:
    submit(client, "First [sandbox: webhook-reordered]", callbackUrl=f"{receiver.url}/first")
    submit(client, "Second", LINK, callbackUrl=f"{receiver.url}/second")
    wait_until(settled(sandbox))
    assert [received.path for received in receiver.got] == ["/hook/second", "/hook/first"]


def test_never(sandbox: SandboxServer, client: httpx.Client, receiver: Receiver) -> None:
    sandbox.faults.add("webhook", "never")
    submit(client, callbackUrl=receiver.url)
    wait_until(settled(sandbox, "given-up"))
    assert receiver.got == []
