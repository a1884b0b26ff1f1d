"""MCP as far as listing engines needs it (docs/platform.md): what is sent, and what an answer of any shape says.

Three messages of JSON-RPC over HTTP: a handshake, its confirmation, and the call of a tool that takes no arguments. A
server answers with JSON or with a stream of events, as it likes. So little is needed that the protocol's own library
(a second HTTP client, pydantic models, half a second to import) would cost more than it saves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.core.errors import PlatformError
from reconciler.core.patterns import lazy_pattern
from reconciler.core.platform.job import shorten
from reconciler.core.platform.listing import NOT_A_LIST, Listing, NotListed, listing_of

TOOL = "organizations_listEngines"
VERSION = "2025-06-18"  # what is offered; a server may answer with another one
HANDSHAKE, CALL = 1, 2  # the ids of the two requests

_VERSION = lazy_pattern(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SESSION = lazy_pattern(r"[!-~]{1,1024}")
_METHOD_NOT_FOUND, _BAD_PARAMS = -32601, -32602
_MOST_TEXTS = 1_000


def handshake(version: str) -> bytes:
    """The first request. `version` is this program's."""
    client = {"name": "reconcile", "version": version}
    return _message(
        "initialize", {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": client}, HANDSHAKE
    )


def confirmation() -> bytes:
    """What follows the answer to it; nothing answers this."""
    return _message("notifications/initialized")


def call() -> bytes:
    """The request for the organization's engines."""
    return _message("tools/call", {"name": TOOL, "arguments": {}}, CALL)


def _message(method: str, params: Mapping[str, Any] | None = None, number: int | None = None) -> bytes:
    document: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if number is not None:
        document["id"] = number
    if params is not None:
        document["params"] = params
    return json.dumps(document).encode()


def version_of(answer: Mapping[str, Any] | None) -> str:
    """The version that a handshake settled on, fit for a header."""
    result = answer.get("result") if answer is not None else None
    version = result.get("protocolVersion") if isinstance(result, dict) else None
    return version if isinstance(version, str) and _VERSION.fullmatch(version) else VERSION


def session_of(header: str | None) -> str | None:
    """A session's ID, if it is one that can be sent back."""
    return header if header is not None and _SESSION.fullmatch(header) else None


def answer_in(body: bytes, number: int) -> dict[str, Any] | None:
    """The answer to request `number` in a body that is JSON or a stream of events; None where there is none."""
    for document in _documents(body):
        for message in document if isinstance(document, list) else [document]:
            if isinstance(message, dict) and _answers(message, number):
                return message
    return None


def _answers(message: Mapping[str, Any], number: int) -> bool:
    said = message.get("id")
    ours = (said == number and said is not True) or said == str(number)
    return ours and ("result" in message or "error" in message)


def _documents(body: bytes) -> Iterator[Any]:
    whole = _json(body)
    if whole is not None:
        yield whole
        return
    for data in _events(body):
        yield _json(data)


def _events(body: bytes) -> Iterator[bytes]:
    """The data of each event; the last one counts though the blank line after it may be missing."""
    data: list[bytes] = []
    for line in body.splitlines():
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            yield b"\n".join(data)
            data = []
    if data:
        yield b"\n".join(data)


def listing_in(answer: Mapping[str, Any]) -> Listing:
    """The engines in the answer to `call`. Raises `PlatformError` where it has none to read."""
    error = answer.get("error")
    if error is not None:
        raise _refusal(error)
    result = answer.get("result")
    if not isinstance(result, dict):
        raise PlatformError(NOT_A_LIST)
    texts = list(_texts(result.get("content")))
    if result.get("isError"):
        raise PlatformError(f"the platform's tool failed: {shorten(' '.join(texts)) or 'it gave no reason'}")
    parsed = [one for text in texts if (one := _json_in(text)) is not None]
    documents = [result["structuredContent"]] if result.get("structuredContent") is not None else []
    documents += [parsed if len(parsed) > 1 else parsed[0]] if parsed else []  # or a text for each engine
    for document in documents:
        try:
            return listing_of(document)
        except NotListed:
            continue
    said = shorten(" ".join(texts))
    raise PlatformError(f"{NOT_A_LIST}: {said[:200]}" if said else NOT_A_LIST)


def _refusal(error: object) -> PlatformError:
    code = error.get("code") if isinstance(error, dict) else None
    said = error.get("message") if isinstance(error, dict) else None
    text = shorten(said) if isinstance(said, str) and shorten(said) else "it gave no reason"
    if code == _METHOD_NOT_FOUND or (code == _BAD_PARAMS and "tool" in text.lower()):
        return PlatformError(f"the platform offers no list of engines there: {text}")
    return PlatformError(f"the platform refused to list its engines: {text}")


def _texts(content: object) -> Iterator[str]:
    for item in content[:_MOST_TEXTS] if isinstance(content, list) else ():
        resource = item.get("resource") if isinstance(item, dict) else None
        for part in (item, resource):
            text = part.get("text") if isinstance(part, dict) else None
            if isinstance(text, str):
                yield text


def _json_in(text: str) -> Any:
    """The JSON that a text is, or that it has after some words; None where there is none."""
    whole = _json(text)
    if whole is not None:
        return whole
    starts = [at for at in (text.find("["), text.find("{")) if at >= 0]
    if not starts:
        return None
    try:
        return json.JSONDecoder().raw_decode(text, min(starts))[0]
    except (ValueError, RecursionError):
        return None


def _json(text: bytes | str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
