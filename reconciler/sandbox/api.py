"""The platform's documented HTTP endpoints.

Each request goes the same way: written down, admitted by its key, carried out under whatever fault is asked
for, answered after the latency. The effect comes before the latency, as on the real platform: a client that
gives up in between leaves an engine behind.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from reconciler.sandbox import mcp, process
from reconciler.sandbox.answers import Dropped, Hanging, answered_under, refusal
from reconciler.sandbox.fault_kinds import Fault, UnknownFault, faults_in
from reconciler.sandbox.request_log import RequestRecord
from reconciler.sandbox.sandbox import Sandbox
from reconciler.sandbox.sockets import JobSocket
from reconciler.sandbox.validation import Rejected, read_create, read_engine_change, read_json

_MOST_BYTES = 16 * 1024 * 1024
_ME = {"id": "usr_sandbox", "email": "you@sandbox.invalid", "name": "Sandbox user"}

Effect = Callable[[], Response]
Prepared = tuple[Effect, tuple[Fault, ...]]


class PlatformApi:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._mcp = mcp.McpEndpoint(sandbox)
        self._process = process.ProcessEndpoint(sandbox)

    def routes(self) -> list[BaseRoute]:
        engine = "/engines/{engine_id}"
        return [
            Route("/jobs/provisioning", self.create, methods=["POST"]),
            Route("/jobs/provisioning/{job_id}", self.job, methods=["GET"]),
            WebSocketRoute("/jobs/provisioning/{job_id}/ws", JobSocket(self._sandbox)),
            Route(engine, self.engine, methods=["GET", "PUT", "DELETE"]),
            Route("/users/me", self.me, methods=["GET"]),
            *(Route(path, self.mcp, methods=["POST", "DELETE"]) for path in mcp.PATHS),
            *(Route(path, self.process, methods=["POST"]) for path in process.PATHS),
        ]

    async def create(self, request: Request) -> Response:
        return await self._serve(request, self._prepare_create)

    async def job(self, request: Request) -> Response:
        return await self._serve(request, self._prepare_job)

    async def engine(self, request: Request) -> Response:
        return await self._serve(request, self._prepare_engine)

    async def me(self, request: Request) -> Response:
        return await self._serve(
            request, lambda *_: (lambda: JSONResponse(_ME), self._sandbox.faults.take("me"))
        )

    async def mcp(self, request: Request) -> Response:
        return await self._serve(request, self._mcp.prepare)

    async def process(self, request: Request) -> Response:
        return await self._serve(request, self._process.prepare)

    async def elsewhere(self, request: Request, error: Exception) -> Response:
        """Unknown paths and methods: an answer in the platform's shape, and written down like any other."""
        status = error.status_code if isinstance(error, HTTPException) else 404
        if not request.url.path.startswith("/sandbox"):
            log = self._sandbox.log
            log.close(log.open(request.method, request.url.path, request.scope["headers"]), status)
        return refusal(status)

    async def _serve(
        self, request: Request, prepare: Callable[[Request, bytes, RequestRecord], Prepared]
    ) -> Response:
        sandbox = self._sandbox
        record = sandbox.log.open(request.method, request.url.path, request.scope["headers"])
        try:
            body = await _body(request)
            if not sandbox.admits(request.scope["headers"]):
                raise Rejected("The API key is missing or not valid", 401)
            effect, faults = prepare(request, body, record)
            await sandbox.pause(sum(fault.number for fault in faults if fault.kind == "slow"))
            answer = answered_under(next((fault for fault in faults if fault.kind != "slow"), None), effect)
        except Rejected as rejected:
            answer = refusal(rejected.status, rejected.message)
        await sandbox.pause(sandbox.settings.latency)
        sandbox.log.close(record, None if isinstance(answer, Dropped | Hanging) else answer.status_code)
        return answer

    def _prepare_create(self, request: Request, body: bytes, record: RequestRecord) -> Prepared:
        record.body = read_json(body)
        wanted = read_create(record.body)
        text = _checked(f"{wanted.name}\n{wanted.description or ''}")
        sandbox = self._sandbox

        def effect() -> Response:
            job_faults = sandbox.faults.take("job", wanted.name, text, wanted.name)
            job = sandbox.world.create(wanted, job_faults, request.headers.get("idempotency-key"))
            sandbox.hub.follow(job)
            status = "in_progress" if not job.ended(sandbox.world.clock()) else job.outcome
            return JSONResponse(
                {"jobId": job.id, "engineId": job.engine_id, "status": status}, status_code=202
            )

        return effect, sandbox.faults.take("create", wanted.name, text, wanted.name)

    def _prepare_job(self, request: Request, body: bytes, record: RequestRecord) -> Prepared:
        world = self._sandbox.world
        job = world.jobs.get(request.path_params["job_id"])
        if job is None:
            raise Rejected("No such job", 404)
        text = f"{job.engine_name}\n{job.engine_description}"
        faults = self._sandbox.faults.take("job-get", job.engine_name, text, job.id)
        job_id = job.id  # looked up again below: a slow answer shows the job as it is then
        return (lambda: JSONResponse(world.jobs[job_id].view(world.clock()))), faults

    def _prepare_engine(self, request: Request, body: bytes, record: RequestRecord) -> Prepared:
        sandbox = self._sandbox
        engine = sandbox.world.engines.get(request.path_params["engine_id"])
        if engine is None:
            raise Rejected("No such engine", 404)
        changes: dict[str, object] = {}
        if request.method == "PUT":
            record.body = read_json(body)
            changes = read_engine_change(record.body)
            _checked(f"{changes.get('name', '')}\n{changes.get('description', '')}")
        engine_id = engine.id

        def effect() -> Response:
            if engine_id not in sandbox.world.engines:  # deleted while this request was slow
                return refusal(404, "No such engine")
            if request.method == "DELETE":
                for job in sandbox.world.delete_engine(engine_id):
                    sandbox.hub.end_early(job)
                return Response(status_code=204)
            if request.method == "PUT":
                return JSONResponse(sandbox.world.change_engine(engine_id, changes).view())
            return JSONResponse(sandbox.world.engines[engine_id].view())

        text = f"{engine.name}\n{engine.description or ''}"
        about = (engine.name, text, engine_id)
        of_method = {"PUT": "engine-update", "DELETE": "engine-delete"}.get(request.method)
        particular = sandbox.faults.take(of_method, *about) if of_method is not None else ()
        return effect, particular or sandbox.faults.take("engine", *about)


def _checked(text: str) -> str:
    """An engine's text, once the faults written in it are known to make sense."""
    try:
        faults_in(text)
    except UnknownFault as error:
        raise Rejected(str(error)) from error
    return text


async def _body(request: Request) -> bytes:
    """Read to its end even when it is too large, so that the refusal reaches the client."""
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size <= _MOST_BYTES:
                parts.append(part)
    except ClientDisconnect as gone:  # nobody hears this; it is written down
        raise Rejected("The connection ended before the request did", 400) from gone
    if size > _MOST_BYTES:
        raise Rejected(f"The body is larger than {_MOST_BYTES} bytes", 413)
    return b"".join(parts)
