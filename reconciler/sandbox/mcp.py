"""MCP over streamable HTTP, as far as listing engines goes: a handshake, a session, one tool without arguments.

The answer to a call is a stream of one event where the client accepts that, otherwise JSON. There is no stream that a
client could open by itself (405), as the protocol allows.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from reconciler.sandbox.fault_kinds import LISTING, Fault
from reconciler.sandbox.request_log import RequestRecord
from reconciler.sandbox.sandbox import Sandbox
from reconciler.sandbox.validation import Rejected, read_json

PATHS = ("/mcp", "/account")  # the second as on the real platform
_VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26")
_TOOL = {
    "name": "organizations_listEngines",
    "description": "List the engines of the organization.",
    "inputSchema": {"type": "object", "properties": {}},
}
_INVALID, _NO_METHOD, _BAD_PARAMS = -32600, -32601, -32602
_SHAPES = 8

Prepared = tuple[Callable[[], Response], tuple[Fault, ...]]
Document = dict[str, Any]


class McpEndpoint:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._sessions: set[str] = set()

    def prepare(self, request: Request, body: bytes, record: RequestRecord) -> Prepared:
        """Raises `Rejected` for what is not even a message of the protocol."""
        if request.method == "DELETE":
            self._sessions.discard(self._session(request))
            return (lambda: Response(status_code=204)), ()
        if "application/json" not in request.headers.get("accept", ""):
            raise Rejected("Not Acceptable: the client must accept application/json", 406)
        record.body = message = read_json(body)
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            return (lambda: _refused(None, _INVALID, "Invalid Request", 400)), ()
        method, number = message.get("method"), message.get("id")
        if method == "initialize":
            return (lambda: self._welcome(number, message)), ()
        self._session(request)
        if number is None:
            return (lambda: Response(status_code=202)), ()
        if method == "tools/list":
            return (lambda: _answer(request, number, {"tools": [_TOOL]})), ()
        if method == "ping":
            return (lambda: _answer(request, number, {})), ()
        if method != "tools/call":
            return (lambda: _refused(number, _NO_METHOD, "Method not found")), ()
        return self._prepare_call(request, number, message.get("params"))

    def _session(self, request: Request) -> str:
        session = request.headers.get("mcp-session-id")
        if session is None:
            raise Rejected("Bad Request: Missing session ID")
        if session not in self._sessions:
            raise Rejected("Session not found", 404)
        return session

    def _welcome(self, number: object, message: Document) -> Response:
        params = message.get("params")
        asked = params.get("protocolVersion") if isinstance(params, Mapping) else None
        result: Document = {
            "protocolVersion": asked if asked in _VERSIONS else _VERSIONS[0],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "sandbox", "version": "1"},
        }
        session = secrets.token_hex(16)
        self._sessions.add(session)
        return JSONResponse(_result(number, result), headers={"Mcp-Session-Id": session})

    def _prepare_call(self, request: Request, number: object, params: object) -> Prepared:
        name = params.get("name") if isinstance(params, Mapping) else None
        if name != _TOOL["name"]:
            return (lambda: _refused(number, _BAD_PARAMS, f"Unknown tool: {name}")), ()
        faults = self._sandbox.faults.take("mcp")
        own = {fault.kind: fault for fault in faults if fault.kind in LISTING}

        def effect() -> Response:
            if "rpc-error" in own:
                return _refused(number, -int(own["rpc-error"].number), "Something went wrong")
            result = _content(self._engines(own), own)
            if "open-stream" in own:
                return StreamingResponse(
                    self._endless(_result(number, result)), media_type="text/event-stream"
                )
            return _answer(request, number, result, as_json="json" in own)

        return effect, tuple(fault for fault in faults if fault.kind not in LISTING)

    def _engines(self, faults: Mapping[str, Fault]) -> list[Document]:
        world = self._sandbox.world
        jobs = {job.engine_id: job.id for job in world.jobs.values()} if "with-jobs" in faults else {}
        engines = [engine.view() for engine in world.engines.values()]
        engines = [{**one, "jobId": jobs[one["id"]]} if one["id"] in jobs else one for one in engines]
        if "empty-list" in faults:
            return []
        if "no-times" in faults:
            engines = [
                {name: one[name] for name in one if name not in ("createdAt", "updatedAt")} for one in engines
            ]
        more = range(int(faults["huge-list"].number)) if "huge-list" in faults else ()
        return [*engines, *({"id": f"eng_filler{at:010}", "name": f"Filler {at}"} for at in more)]

    async def _endless(self, message: Document) -> AsyncIterator[bytes]:
        yield b": connected\n\n" + _event(message)
        await self._sandbox.stopping.wait()


def _content(engines: list[Document], faults: Mapping[str, Fault]) -> Document:
    if "tool-error" in faults:
        return {"content": [_text(faults["tool-error"].text)], "isError": True}
    if "not-json" in faults:
        return {"content": [_text("You have some engines. Ask me for one of them!")]}
    if "shape" in faults:
        return _shaped(engines, int(faults["shape"].number) % _SHAPES)
    return {"content": [_text(json.dumps(engines))]}


def _shaped(engines: list[Document], which: int) -> Document:
    """The same engines in other words."""
    listed: object
    match which:
        case 0:
            listed = {"engines": engines, "total": len(engines)}
        case 1:
            listed = {"data": {"items": [{"engine": one} for one in engines]}, "hasMore": False}
        case 2:
            seconds = [{"engineId": one["id"], "name": one["name"], "created_at": 0} for one in engines]
            listed = [{"id": "org_sandbox", "name": "Sandbox", "engines": seconds}]
        case 3:
            return {"content": [], "structuredContent": {"engines": engines}}
        case 4:
            return {"content": [_text(json.dumps(one)) for one in engines]}
        case 5:
            listed = {one["id"]: {"title": one["name"], "created": one["createdAt"]} for one in engines}
        case 6:
            fenced = f"Found {len(engines)} engines:\n```json\n{json.dumps(engines)}\n```"
            return {"content": [_text(fenced)]}
        case _:
            broken = [None, 7, {"id": 5}, {"id": "../x", "name": "Bad"}, {"id": "eng_x y"}, {"name": "No ID"}]
            listed = {"engines": [*broken, *engines], "nextCursor": "more"}
    return {"content": [_text(json.dumps(listed))]}


def _text(text: str) -> Document:
    return {"type": "text", "text": text}


def _result(number: object, result: Document) -> Document:
    return {"jsonrpc": "2.0", "id": number, "result": result}


def _event(message: Document) -> bytes:
    return f"event: message\ndata: {json.dumps(message)}\n\n".encode()


def _answer(request: Request, number: object, result: Document, *, as_json: bool = False) -> Response:
    if as_json or "text/event-stream" not in request.headers.get("accept", ""):
        return JSONResponse(_result(number, result))
    return Response(_event(_result(number, result)), media_type="text/event-stream")


def _refused(number: object, code: int, message: str, status: int = 200) -> Response:
    document = {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}}
    return JSONResponse(document, status_code=status)
