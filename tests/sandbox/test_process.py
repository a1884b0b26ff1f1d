"""What Lingo's own clients ask an engine. The bodies are what the published SDKs for JavaScript and Python send."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from reconciler.sandbox.server import SandboxServer
from tests.sandbox.far_ends import submit

JAVASCRIPT = {
    "params": {"fast": False},
    "sourceLocale": "en",
    "targetLocale": "de",
    "data": {
        "greeting": "Hello, {name}!",
        "cart/items": ["One", 2, None],
        "chat": [{"name": "Ann", "text": "Hi"}],
    },
    "reference": {"en": {"greeting": "Hello"}, "de": {}},
    "hints": {"greeting": ["checkout"]},
    "sessionId": "tz4a98xxat96iws9zmbrgj3a",
    "triggerType": "ci",
    "metadata": {"filePath": "src/en.json"},
}
PYTHON = {
    "params": {"fast": True},
    "sourceLocale": None,
    "targetLocale": "pt-BR",
    "data": {"text": "Hello"},
    "sessionId": "V1StGXR8_Z5jdHi6B-myT",
}


def localized(client: httpx.Client, body: dict[str, Any]) -> Any:
    answer = client.post("/process/localize", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_texts_are_translated_and_the_rest_stays(client: httpx.Client) -> None:
    answer = localized(client, JAVASCRIPT)
    assert answer["data"] == {
        "greeting": "[de] Ĥéļļö, {name}!",
        "cart/items": ["[de] Öñé", 2, None],
        "chat": [{"name": "Ann", "text": "[de] Ĥî"}],
    }
    assert answer["model"] == "sandbox/pseudo"
    assert answer["usage"]["inputTokens"] > 0
    assert localized(client, PYTHON)["data"] == {"text": "[pt-BR] Ĥéļļö"}
    assert localized(client, JAVASCRIPT | {"targetLocale": "en"})["data"] == JAVASCRIPT["data"]


def test_an_engine_must_exist_and_may_still_be_filled(sandbox: SandboxServer, client: httpx.Client) -> None:
    submit(client, "Acme")
    (engine,) = [one["id"] for one in client.get("/sandbox/engines").json()["engines"]]
    assert localized(client, PYTHON | {"engineId": engine})["data"] == {"text": "[pt-BR] Ĥéļļö"}
    for unknown in ("eng_unknown", 5, {"a": 1}):
        answer = client.post("/process/localize", json=PYTHON | {"engineId": unknown})
        assert (answer.status_code, answer.json()["message"]) == (404, "No such engine")


def test_the_language_is_recognized(client: httpx.Client) -> None:
    assert client.post("/process/recognize", json={"text": "Wo ist die Bestellung?"}).json() == {
        "locale": "de"
    }


def test_an_estimate_adds_up(client: httpx.Client) -> None:
    items = [{"targetLocale": "de", "sourceChars": 400}, {"targetLocale": "fr", "sourceChars": 10}]
    answer = client.post("/process/estimate", json={"items": [*items, items[0]]}).json()
    assert answer["approximate"] is True
    assert [(one["targetLocale"], one["sourceChars"]) for one in answer["byLocale"]] == [
        ("de", 800),
        ("fr", 10),
    ]
    totals = answer["totals"]
    assert totals["sourceChars"] == 810
    assert totals["estimatedOutputTokens"] == sum(one["estimatedOutputTokens"] for one in answer["byLocale"])
    by_locale = sum(one["estimatedCostUsd"] for one in answer["byLocale"])
    assert totals["estimatedTotalCostUsd"] == pytest.approx(by_locale, abs=1e-6)


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("localize", [], "body"),
        ("localize", {"targetLocale": "de"}, "data"),
        ("localize", {"data": {}}, "targetLocale"),
        ("localize", {"data": {}, "targetLocale": "not a locale"}, "targetLocale"),
        ("localize", {"data": {}, "targetLocale": "de", "sourceLocale": "?"}, "sourceLocale"),
        ("recognize", {}, "text"),
        ("recognize", {"text": " "}, "text"),
        ("estimate", {"items": []}, "items"),
        ("estimate", {"items": [{"targetLocale": "de"}]}, "items[0].sourceChars"),
        ("estimate", {"items": [{"targetLocale": "de", "sourceChars": -1}]}, "items[0].sourceChars"),
        ("estimate", {"items": [{"targetLocale": "de", "sourceChars": True}]}, "items[0].sourceChars"),
        ("estimate", {"items": [5]}, "items[0]"),
    ],
)
def test_what_makes_no_sense_is_refused(client: httpx.Client, path: str, body: object, said: str) -> None:
    answer = client.post(f"/process/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(said)


def test_deep_data_is_refused_and_a_key_is_needed(client: httpx.Client) -> None:
    deep = '{"a":' * 200 + '"x"' + "}" * 200
    answer = client.post("/process/localize", content=f'{{"targetLocale": "de", "data": {deep}}}')
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "data: too many objects within one another",
    )
    assert client.post("/process/localize", json=PYTHON, headers={"X-API-Key": "x"}).status_code == 401
    assert client.get("/process/localize").status_code == 405


def test_faults_can_be_asked_for(sandbox: SandboxServer, client: httpx.Client) -> None:
    sandbox.faults.add("process", "status=503")
    assert client.post("/process/recognize", json={"text": "x"}).status_code == 503
    submit(client, "Acme", description="[sandbox: process-status=402 times=1]")
    (engine,) = [one["id"] for one in client.get("/sandbox/engines").json()["engines"]]
    statuses = [
        client.post("/process/localize", json=PYTHON | {"engineId": engine}).status_code for _ in range(2)
    ]
    assert statuses == [402, 200]
