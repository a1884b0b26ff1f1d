"""Messages of MCP: what is sent, which answer belongs to a request, and what it says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.errors import PlatformError
from reconciler.core.platform.listing import ListedEngine, Listing
from reconciler.core.platform.mcp import (
    CALL,
    VERSION,
    answer_in,
    call,
    confirmation,
    handshake,
    listing_in,
    session_of,
    version_of,
)

ANSWER = {"jsonrpc": "2.0", "id": CALL, "result": {}}
TEXT = json.dumps(ANSWER)
ONE = Listing((ListedEngine("eng_1", "Acme"),))
LIST = '[{"id": "eng_1", "name": "Acme"}]'


def says(*texts: str, **more: Any) -> dict[str, Any]:
    return {"id": CALL, "result": {"content": [{"type": "text", "text": one} for one in texts], **more}}


def test_requests_have_ids_and_the_confirmation_has_none() -> None:
    first, second, third = (json.loads(one) for one in (handshake("1.0"), confirmation(), call()))
    assert first["params"]["clientInfo"] == {"name": "reconcile", "version": "1.0"}
    assert "id" not in second
    assert (third["method"], third["params"]["name"]) == ("tools/call", "organizations_listEngines")


@pytest.mark.parametrize(
    "body",
    [
        TEXT,
        f"[{TEXT}]",
        f"data: {TEXT}\n\n",
        f"event: message\r\nid: 7\r\ndata: {TEXT}\r\n\r\n",
        f': ping\n\ndata: {{"jsonrpc": "2.0", "method": "notifications/progress"}}\n\ndata:{TEXT}\n\n',
        "data: " + TEXT.replace(", ", ",\ndata: ") + "\n\n",
        f"data: broken\n\ndata: {TEXT}",
        TEXT.replace(f'"id": {CALL}', f'"id": "{CALL}"'),
    ],
)
def test_the_answer_is_found_in_json_and_in_events(body: str) -> None:
    found = answer_in(body.encode(), CALL)
    assert found is not None
    assert found["result"] == {}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"null", b"\xff\xfe", b"[" * 100_000, b"data: {", b"data: 7\n\n",
        b'{"id": 1, "result": {}}', b'{"id": 2}', b'{"id": 2, "method": "ping"}', b'{"id": true, "result": 1}',
    ],
)  # fmt: skip
def test_anything_else_is_no_answer(body: bytes) -> None:
    assert answer_in(body, CALL) is None


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ({"result": {"protocolVersion": "2025-03-26"}}, "2025-03-26"),
        ({"result": {"protocolVersion": "1\r\nX: y"}}, VERSION),
        ({"result": None}, VERSION),
        ({"error": {}}, VERSION),
        (None, VERSION),
    ],
)
def test_a_version_fits_into_a_header(answer: Any, version: str) -> None:
    assert version_of(answer) == version


@pytest.mark.parametrize(
    ("header", "session"),
    [("abc-1", "abc-1"), (None, None), ("", None), ("a b", None), ("a\r\nb", None), ("x" * 1025, None)],
)
def test_a_session_fits_into_a_header(header: str | None, session: str | None) -> None:
    assert session_of(header) == session


@pytest.mark.parametrize(
    "answer",
    [
        says(LIST),
        says(f"Found 1 engine:\n```json\n{LIST}\n```"),
        says("Here you are.", LIST),
        says(structuredContent={"engines": json.loads(LIST)}),
        says(LIST, structuredContent={"note": "see the text"}),
        {"result": {"content": [{"type": "resource", "resource": {"text": LIST}}]}},
    ],
)
def test_engines_are_read_from_texts_and_from_structure(answer: dict[str, Any]) -> None:
    assert listing_in(answer) == ONE


def test_a_text_for_each_engine_is_a_list() -> None:
    assert len(listing_in(says('{"id": "eng_1"}', '{"id": "eng_2"}')).engines) == 2


def test_an_empty_list_is_one() -> None:
    assert listing_in(says("[]")) == Listing()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (says("No access", isError=True), "the platform's tool failed: No access"),
        (says(isError=True), "it gave no reason"),
        (says("Ask me for one of them!"), "no list of engines: Ask me"),
        (says(), "no list of engines"),
        ({"result": [1]}, "no list of engines"),
        ({"result": {"content": "text"}}, "no list of engines"),
        ({"error": {"code": -32601, "message": "Method not found"}}, "offers no list of engines there"),
        ({"error": {"code": -32602, "message": "Unknown tool: x"}}, "offers no list of engines there"),
        ({"error": {"code": -32603, "message": "Broken\x1b[2J"}}, "refused to list its engines: Broken"),
        ({"error": "odd"}, "it gave no reason"),
    ],
)
def test_what_is_no_list_is_told(answer: dict[str, Any], said: str) -> None:
    with pytest.raises(PlatformError, match=re.escape(said)) as caught:
        listing_in(answer)
    assert caught.value.message.isprintable()


@given(st.binary() | st.text().map(lambda text: f"data: {text}\n\n".encode(errors="replace")))
def test_no_body_raises(body: bytes) -> None:
    answer_in(body, CALL)
