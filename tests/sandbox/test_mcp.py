"""The sandbox's MCP: a handshake, a session, one tool; and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from reconciler.sandbox.server import SandboxServer
from tests.sandbox.far_ends import submit

BOTH = {"accept": "application/json, text/event-stream"}


def message(method: str, params: Any = None, number: int | None = 1) -> dict[str, Any]:
    made: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    return made | ({"id": number} if number is not None else {}) | ({"params": params} if params else {})


def opened(client: httpx.Client, path: str = "/mcp") -> dict[str, str]:
    """The headers of a session."""
    answer = client.post(
        path, json=message("initialize", {"protocolVersion": "2025-06-18"}), headers=BOTH
    ).raise_for_status()
    assert answer.json()["result"]["protocolVersion"] == "2025-06-18"
    return {**BOTH, "mcp-session-id": answer.headers["mcp-session-id"]}


def call(name: str = "organizations_listEngines") -> dict[str, Any]:
    return message("tools/call", {"name": name, "arguments": {}}, 2)


@pytest.mark.parametrize("path", ["/mcp", "/account"])
def test_engines_are_listed_as_text_in_an_event(client: httpx.Client, path: str) -> None:
    submit(client, "Acme")
    session = opened(client, path)
    assert (
        client.post(path, json=message("notifications/initialized", number=None), headers=session).status_code
        == 202
    )
    tools = client.post(path, json=message("tools/list"), headers={**session, "accept": "application/json"})
    assert [one["name"] for one in tools.json()["result"]["tools"]] == ["organizations_listEngines"]
    answer = client.post(path, json=call(), headers=session)
    assert answer.headers["content-type"].startswith("text/event-stream")
    data = answer.text.split("data: ", 1)[1]
    [content] = json.loads(data)["result"]["content"]
    [engine] = json.loads(content["text"])
    assert (engine["name"], engine["id"][:4]) == ("Acme", "eng_")


def test_json_for_who_accepts_nothing_else(client: httpx.Client) -> None:
    session = {**opened(client), "accept": "application/json"}
    assert client.post("/mcp", json=call(), headers=session).json()["result"]["content"][0]["text"] == "[]"


def test_a_version_nobody_knows_is_answered_with_one_that_is(client: httpx.Client) -> None:
    answer = client.post("/mcp", json=message("initialize", {"protocolVersion": "1999-01-01"}), headers=BOTH)
    assert answer.json()["result"]["protocolVersion"] == "2025-11-25"


def test_a_session_is_needed_and_ends(client: httpx.Client) -> None:
    assert client.post("/mcp", json=call(), headers=BOTH).status_code == 400
    session = opened(client)
    assert client.delete("/mcp", headers=session).status_code == 204
    assert client.post("/mcp", json=call(), headers=session).status_code == 404


@pytest.mark.parametrize(
    ("sent", "code"),
    [(call("engines_create"), -32602), (message("tools/call"), -32602), (message("resources/list"), -32601)],
)
def test_what_is_not_offered(client: httpx.Client, sent: dict[str, Any], code: int) -> None:
    assert client.post("/mcp", json=sent, headers=opened(client)).json()["error"]["code"] == code


def test_what_is_no_request(client: httpx.Client) -> None:
    assert client.get("/mcp", headers=BOTH).status_code == 405
    assert client.post("/mcp", json=call(), headers={"accept": "text/html"}).status_code == 406
    assert client.post("/mcp", content=b"{", headers=BOTH).status_code == 400
    assert client.post("/mcp", json=[1], headers=BOTH).status_code == 400
    assert client.post("/mcp", json=call(), headers={**BOTH, "x-api-key": "wrong"}).status_code == 401
    assert (
        "result"
        in client.post(
            "/mcp", json=message("ping"), headers={**opened(client), "accept": "application/json"}
        ).json()
    )


def test_faults_are_of_the_call_alone(sandbox: SandboxServer, client: httpx.Client) -> None:
    sandbox.faults.add("mcp", "status=503")
    session = opened(client)
    assert client.post("/mcp", json=message("tools/list"), headers=session).status_code == 200
    assert client.post("/mcp", json=call(), headers=session).status_code == 503
    assert client.post("/mcp", json=call(), headers=session).status_code == 200
