"""HTTP answers, proper ones and spoiled ones.

A dropped connection has to be dropped at the transport: anything else would still put bytes on the wire. The
server's protocol leaves the transport in the request's scope for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import cast

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from reconciler.sandbox.fault_kinds import Fault

HUGE = 8 * 1024 * 1024
_TEXTS = {
    400: "The request is not valid",
    401: "The API key is missing or not valid",
    402: "The organization has reached its credit limit",
    403: "This API key has no access to the organization",
    404: "Not found",
    405: "Method not allowed",
    429: "Daily token quota reached: upgrade the plan, or try again tomorrow",
    500: "An unexpected failure",
    502: "Bad gateway",
    503: "The service is unavailable",
    504: "Gateway timeout",
}
_ODD: tuple[object, ...] = (
    [],
    None,
    "completed",
    {},
    {"jobId": 5, "engineId": ["eng"], "status": {"is": "completed"}, "summary": "many"},
    {"data": {"jobId": "pjb_nested", "engineId": "eng_nested", "status": "completed"}},
    {"jobId": "", "engineId": "", "status": None, "summary": {"brandVoices": None, "instructions": {"a": 1}}},
)
_REFUSED = 300  # from here on a status says that the request took no effect
_BEFORE = {"status", "drop", "hang-before", "redirect"}
_BY_STATUS = {"html", "garbage", "empty", "huge", "no-message"}


def refusal(
    status: int, message: str | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    text = message or _TEXTS.get(status, f"Status {status}")
    return JSONResponse({"message": text}, status_code=status, headers=headers)


def transport_of(scope: Scope) -> asyncio.Transport:
    return cast(asyncio.Transport, scope["state"]["transport"])


class Dropped(Response):
    """No answer: the connection is cut."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport_of(scope).abort()
        await asyncio.sleep(0)  # lets the server see the loss, so that it does not answer in our place


class Hanging(Response):
    """No answer, until the client gives up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            continue


def answered_under(fault: Fault | None, effect: Callable[[], Response]) -> Response:
    """Carries out `effect`, or not, and answers, or not, as the fault says.

    Kinds with a status tell by it whether the request took effect: with a 2xx it did. A request that is
    refused on its own account is answered so in any case.
    """
    if fault is None:
        return effect()
    if fault.kind in _BEFORE or (fault.kind in _BY_STATUS and fault.number >= _REFUSED):
        return _spoiled(fault, None)
    honest = effect()
    return honest if honest.status_code >= _REFUSED else _spoiled(fault, honest)


def _spoiled(fault: Fault, honest: Response | None) -> Response:
    match fault.kind:
        case "drop" | "lost-answer":
            return Dropped()
        case "hang" | "hang-before":
            return Hanging()
        case "redirect":
            return Response(status_code=307, headers={"Location": fault.text})
        case "html-200":
            return _html(200)
        case "garbage-202":
            return _garbage(202)
        case "odd":
            status = honest.status_code if honest else 200
            return JSONResponse(
                _ODD[int(fault.number) % len(_ODD)], status_code=status if status != 204 else 200
            )
    return _with_status(fault, int(fault.number), honest)


def _with_status(fault: Fault, status: int, honest: Response | None) -> Response:
    match fault.kind:
        case "html":
            return _html(status)
        case "garbage":
            return _garbage(status)
        case "empty":
            return Response(status_code=status)
        case "huge":
            return _huge(status, honest)
        case "no-message":
            return JSONResponse({"_tag": "SandboxError"}, status_code=status)
        case _:
            headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
            return refusal(status, headers=headers)


def _html(status: int) -> Response:
    page = (
        f"<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center></body></html>\n"
    )
    return Response(page, status_code=status, media_type="text/html")


def _garbage(status: int) -> Response:
    return Response(b'{"jobId": "pjb_\xff\xfe\x00', status_code=status, media_type="application/json")


def _huge(status: int, honest: Response | None) -> Response:
    """A well-formed answer, many MB long."""
    start = bytes(honest.body)[:-1] + b"," if honest and honest.body else b'{"message":"huge",'
    body = start + b'"padding":"' + b"x" * HUGE + b'"}'
    return Response(body, status_code=status, media_type="application/json")
