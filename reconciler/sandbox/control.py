"""`/sandbox/…` and `/healthz`: looking into the sandbox and asking it for faults. These need no key, have no
latency and appear in no record; they are not part of the platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from reconciler.sandbox.answers import refusal
from reconciler.sandbox.fault_kinds import KINDS, Fault, UnknownFault
from reconciler.sandbox.faults import FaultBook
from reconciler.sandbox.sandbox import Sandbox
from reconciler.sandbox.validation import Rejected, read_json

_FIELDS = {"on", "do", "times", "match", "retryAfter"}


class Control:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/healthz", self.health, methods=["GET"]),
            Route("/sandbox", self.overview, methods=["GET"]),
            Route("/sandbox/engines", self.engines, methods=["GET"]),
            Route("/sandbox/jobs", self.jobs, methods=["GET"]),
            Route("/sandbox/requests", self.requests, methods=["GET"]),
            Route("/sandbox/webhook-secret", self.webhook_secret, methods=["GET"]),
            Route("/sandbox/faults", self.faults, methods=["GET", "POST", "DELETE"]),
        ]

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def overview(self, request: Request) -> Response:
        world = self._sandbox.world
        counts = {"engines": len(world.engines), "jobs": len(world.jobs), "createCalls": world.create_calls}
        return JSONResponse(counts | {"faults": len(self._sandbox.faults.listed())})

    async def engines(self, request: Request) -> Response:
        return JSONResponse({"engines": engines_of(self._sandbox)})

    async def jobs(self, request: Request) -> Response:
        return JSONResponse({"jobs": jobs_of(self._sandbox)})

    async def requests(self, request: Request) -> Response:
        return JSONResponse({"requests": [asdict(record) for record in self._sandbox.log.records]})

    async def webhook_secret(self, request: Request) -> Response:
        secret = self._sandbox.world.webhook_secret
        if secret is None:
            return refusal(404, "No secret until the first job with a callbackUrl is submitted")
        return JSONResponse({"secret": secret})

    async def faults(self, request: Request) -> Response:
        book = self._sandbox.faults
        if request.method == "DELETE":
            book.clear()
            return Response(status_code=204)
        if request.method == "POST":
            try:
                fault = add_from(book, read_json(await request.body()))
            except (Rejected, UnknownFault) as error:
                return refusal(400, str(error))
            return JSONResponse(fault.view(), status_code=201)
        kinds = {place: sorted(names) for place, names in KINDS.items()}
        return JSONResponse({"faults": [fault.view() for fault in book.listed()], "kinds": kinds})


def engines_of(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [engine.view() for engine in sandbox.world.engines.values()]


def jobs_of(sandbox: Sandbox) -> list[dict[str, Any]]:
    now = sandbox.world.clock()
    return [job.overview(now) for job in sandbox.world.jobs.values()]


def add_from(book: FaultBook, doc: object) -> Fault:
    """`{"on", "do", "times"?, "match"?, "retryAfter"?}`. Raises `UnknownFault`."""
    if not isinstance(doc, Mapping) or not set(doc) <= _FIELDS:
        raise UnknownFault(f"a fault is an object of {', '.join(sorted(_FIELDS))}")
    on, do, match = doc.get("on"), doc.get("do"), doc.get("match", "")
    if not (isinstance(on, str) and isinstance(do, str) and isinstance(match, str)):
        raise UnknownFault("on, do and match must be strings; on and do are required")
    times, retry_after = doc.get("times", 1), doc.get("retryAfter")
    if not (times is None or type(times) is int):
        raise UnknownFault("times is a whole number, or null for always")
    if not (retry_after is None or type(retry_after) in (int, float)):
        raise UnknownFault("retryAfter is a number of seconds")
    return book.add(on, do, times=times, match=match, retry_after=retry_after)
