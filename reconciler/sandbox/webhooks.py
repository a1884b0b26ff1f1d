"""Delivering a job's end to its `callbackUrl`: signed, at least once, tried again while it is not taken.

An interrupted delivery begins anew when the sandbox is started again, with the same `webhook-id`.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, NamedTuple

from reconciler.sandbox import signing
from reconciler.sandbox.fault_kinds import Fault
from reconciler.sandbox.faults import FaultBook
from reconciler.sandbox.jobs import COMPLETED, Job
from reconciler.sandbox.world import World

if TYPE_CHECKING:
    import httpx

_AT_ONCE = 16
_TIMEOUT = 5.0
_HELD_BACK = 2.0  # how long a reordered delivery waits for another one to overtake it
_STALE = 600
_LOOPBACK = ("all://127.0.0.1", "all://localhost", "all://[::1]")


class Delivery(NamedTuple):
    webhook_id: str
    body: bytes
    age: int = 0  # seconds its timestamp lies back
    forged: bool = False


class Courier:
    """Lives in one event loop; `deliver` returns at once."""

    def __init__(self, world: World, faults: FaultBook, retry: tuple[float, ...]) -> None:
        self._world = world
        self._faults = faults
        self._retry = retry
        self._running: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._overtaken = asyncio.Event()
        self._client: httpx.AsyncClient | None = None

    def deliver(self, job: Job) -> None:
        running = asyncio.get_running_loop().create_task(self._deliver(job))
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def stop(self) -> None:
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    async def _deliver(self, job: Job) -> None:
        text = f"{job.engine_name}\n{job.engine_description}"
        faults = {fault.kind: fault for fault in self._faults.take("webhook", job.engine_name, text, job.id)}
        if "never" in faults:
            self._world.note_webhook(job.id, "given-up")
            return
        await self._hold_back(faults)
        true = Delivery("msg_" + job.id.removeprefix("pjb_"), _body_of(job))
        for extra in _extras(job, true, faults):
            await self._post(job, extra)
        taken = await self._insist(job, true)
        if "double" in faults:
            await self._insist(job, true)
        self._world.note_webhook(job.id, "delivered" if taken else "given-up")
        self._overtaken.set()

    async def _hold_back(self, faults: dict[str, Fault]) -> None:
        if "late" in faults:
            await asyncio.sleep(faults["late"].number)
        if "reordered" in faults:
            self._overtaken.clear()
            try:
                async with asyncio.timeout(_HELD_BACK):
                    await self._overtaken.wait()
            except TimeoutError:
                return  # nothing came to overtake it

    async def _insist(self, job: Job, delivery: Delivery) -> bool:
        """True when it was taken with a 2xx. A 410 says that nobody will ever want it."""
        for delay in (*self._retry, None):
            status = await self._post(job, delivery)
            if status is not None and 200 <= status < 300:
                return True
            if status == 410 or delay is None:
                return False
            await asyncio.sleep(delay)
        return False

    async def _post(self, job: Job, delivery: Delivery) -> int | None:
        """The receiver's status; None when there was none."""
        import httpx  # here: most sandboxes never deliver anything

        if self._client is None:
            self._client = _client()
        moment = int(self._world.clock()) - delivery.age
        secret = signing.new_secret() if delivery.forged else self._world.webhook_secret or ""
        headers = {
            "content-type": "application/json",
            "webhook-id": delivery.webhook_id,
            "webhook-timestamp": str(moment),
            "webhook-signature": signing.signature(secret, delivery.webhook_id, moment, delivery.body),
        }
        async with self._slots:
            try:
                answer = await self._client.post(
                    job.callback_url or "", content=delivery.body, headers=headers
                )
            except (httpx.HTTPError, httpx.InvalidURL):
                return None
            return answer.status_code


def _client() -> httpx.AsyncClient:
    """A receiver on this machine is never looked for behind a proxy."""
    import httpx

    trust = httpx.create_ssl_context()
    limits = httpx.Limits(max_connections=_AT_ONCE)
    direct = {pattern: httpx.AsyncHTTPTransport(verify=trust, limits=limits) for pattern in _LOOPBACK}
    return httpx.AsyncClient(verify=trust, timeout=_TIMEOUT, mounts=direct, limits=limits)


def _body_of(job: Job) -> bytes:
    doc: dict[str, object] = {
        "type": f"provisioning.{job.outcome}",
        "jobId": job.id,
        "engineId": job.engine_id,
    }
    if job.outcome == COMPLETED:
        doc |= {name: list(ids) for name, ids in job.summary.items()}
    else:
        doc["errorMessage"] = job.error
    return json.dumps(doc).encode()


def _extras(job: Job, true: Delivery, faults: dict[str, Fault]) -> list[Delivery]:
    """What a receiver has to see through, sent before the true delivery."""
    false_end = json.loads(true.body) | {
        "type": "provisioning.failed",
        "errorMessage": "forged by the sandbox",
    }
    other_job = json.loads(true.body) | {"jobId": "pjb_0000000000000000", "engineId": "eng_0000000000000000"}
    extras = []
    if "forged" in faults:
        extras.append(Delivery(f"{true.webhook_id}_forged", json.dumps(false_end).encode(), forged=True))
    if "stale" in faults:
        extras.append(Delivery(f"{true.webhook_id}_stale", json.dumps(false_end).encode(), age=_STALE))
    if "wrong-job" in faults:
        extras.append(Delivery(f"{true.webhook_id}_other", json.dumps(other_job).encode()))
    return extras
