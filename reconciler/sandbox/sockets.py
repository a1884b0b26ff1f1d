"""`GET /jobs/provisioning/{id}/ws`: the snapshot, the progress, the close; and every way it can go wrong.

Written against the ASGI interface itself: a socket costs two coroutines that wait, nothing more.
"""

from __future__ import annotations

import asyncio
import json
import os

from starlette.types import Receive, Scope, Send

from reconciler.sandbox.answers import refusal, transport_of
from reconciler.sandbox.fault_kinds import Fault
from reconciler.sandbox.jobs import COMPLETED, Job
from reconciler.sandbox.sandbox import Sandbox

_NORMAL = 1000
_SERVICE_RESTART = 1012
_LONG_FRAME = 256 * 1024


class JobSocket:
    """The ASGI application behind the route; a refused upgrade is an HTTP answer."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        log = self._sandbox.log
        record = log.open("GET", scope["path"], scope["headers"])
        job = self._sandbox.world.jobs.get(scope["path_params"]["job_id"])
        faults: dict[str, Fault] = {}
        if not self._sandbox.admits(scope["headers"]):
            status = 401
        elif job is None:
            status = 404
        else:
            text = f"{job.engine_name}\n{job.engine_description}"
            taken = self._sandbox.faults.take("ws", job.engine_name, text, job.id)
            faults = {fault.kind: fault for fault in taken}
            status = int(faults["refuse"].number) if "refuse" in faults else 101
        await receive()  # websocket.connect
        if job is None or status != 101:
            log.close(record, status)
            await _refuse(send, status)
            return
        if "slow" in faults:
            await self._sandbox.pause(faults["slow"].number)
        log.close(record, 101)
        await self._serve(job, faults, scope, receive, send)

    async def _serve(
        self, job: Job, faults: dict[str, Fault], scope: Scope, receive: Receive, send: Send
    ) -> None:
        hub = self._sandbox.hub
        feed = hub.subscribe(job.id)
        left = asyncio.Event()
        listening = asyncio.create_task(_until_left(receive, feed, left))
        try:
            await send({"type": "websocket.accept"})
            conversation = _Conversation(self._sandbox, job.id, faults, send, feed, left)
            if await conversation.run():
                transport_of(scope).abort()
        except OSError:
            # The client is gone; uvicorn says so with an OSError from send.
            return
        finally:
            listening.cancel()
            hub.unsubscribe(job.id, feed)


class _Conversation:
    """One accepted socket, from the server's side."""

    def __init__(
        self,
        sandbox: Sandbox,
        job_id: str,
        faults: dict[str, Fault],
        send: Send,
        feed: asyncio.Queue[str | None],
        left: asyncio.Event,
    ) -> None:
        self._sandbox = sandbox
        self._job_id = job_id
        self._faults = faults
        self._send = send
        self._feed = feed
        self._left = left

    async def run(self) -> bool:
        """True when the connection is to be cut instead of closed."""
        if "silent" in self._faults:
            await self._until_end_of_all()
            return False
        await self._begin()
        if "drop" in self._faults:
            return True
        if "close" in self._faults:
            await self._close(int(self._faults["close"].number))
            return False
        while not self._job().ended(self._sandbox.world.clock()):
            text = await self._feed.get()
            if text is None:
                break
            await self._say(text)
            if "drop-mid" in self._faults:
                return True
            if "garbage" in self._faults:
                await self._litter()
        await self._drain()
        await self._close(_SERVICE_RESTART if self._sandbox.stopping.is_set() else _NORMAL)
        return False

    async def _begin(self) -> None:
        if "huge" in self._faults:
            await self._say(
                json.dumps({"type": "sandbox.huge", "padding": "x" * int(self._faults["huge"].number)})
            )
        if "garbage" in self._faults:
            await self._litter()
        if "no-snapshot" not in self._faults:
            await self._say(json.dumps(self._job().snapshot(self._sandbox.world.clock())))

    def _job(self) -> Job:
        return self._sandbox.world.jobs[self._job_id]

    async def _say(self, text: str) -> None:
        if not self._left.is_set():
            await self._send({"type": "websocket.send", "text": text})

    async def _drain(self) -> None:
        """The messages that came before the end was seen."""
        while not self._feed.empty():
            text = self._feed.get_nowait()
            if text is not None:
                await self._say(text)

    async def _close(self, code: int) -> None:
        if not self._left.is_set():
            await self._send({"type": "websocket.close", "code": code})

    async def _until_end_of_all(self) -> None:
        """Through the job's end, until the client has left or the sandbox stops."""
        while not (self._left.is_set() or self._sandbox.stopping.is_set()):
            await self._feed.get()

    async def _litter(self) -> None:
        """What no client should trip over, a false good end included."""
        false_end = {"type": "provisioning.snapshot", "jobId": "pjb_0000000000000000", "status": COMPLETED}
        for text in (
            "not JSON {",
            "",
            "[1, 2, 3]",
            "null",
            json.dumps({"type": "sandbox.unknown", "jobId": self._job_id, "status": COMPLETED}),
            json.dumps({"type": ["provisioning.snapshot"], "jobId": self._job_id, "status": COMPLETED}),
            json.dumps(
                {"type": "provisioning.snapshot", "jobId": self._job_id, "status": {"word": COMPLETED}}
            ),
            json.dumps(false_end),
            json.dumps({"type": "sandbox.long", "padding": "x" * _LONG_FRAME}),
        ):
            await self._say(text)
        if not self._left.is_set():
            await self._send({"type": "websocket.send", "bytes": os.urandom(64)})


async def _until_left(receive: Receive, feed: asyncio.Queue[str | None], left: asyncio.Event) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        continue
    left.set()
    feed.put_nowait(None)


async def _refuse(send: Send, status: int) -> None:
    answer = refusal(status)
    await send(
        {
            "type": "websocket.http.response.start",
            "status": status,
            "headers": [(b"content-type", b"application/json")],
        }
    )
    await send({"type": "websocket.http.response.body", "body": bytes(answer.body)})
