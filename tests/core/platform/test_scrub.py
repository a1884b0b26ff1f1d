from __future__ import annotations

import json

import pytest

from reconciler.core.platform.scrub import scrub, scrub_body

KEY = "sk_0123456789/ab"


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"message": f"bad key {KEY}"}).encode(),
        b'{"message": "bad key sk_0123456789\\/ab", "deep": [{"a": "sk\\u005f0123456789/ab"}]}',
        json.dumps({KEY: [KEY, {"x": f"{KEY}{KEY}"}]}).encode(),
        f"<html>\\{KEY}".encode(),
        f'{{"half": "\\n{KEY}'.encode(),
    ],
)
def test_no_spelling_of_a_secret_stays(body: bytes) -> None:
    clean = scrub_body(body, KEY)
    assert KEY.encode() not in clean
    assert "•••" in clean.decode() or "\\u2022" in clean.decode()
    if body.startswith(b"{") and body.endswith(b"}"):
        assert KEY not in json.dumps(json.loads(clean))


@pytest.mark.parametrize(
    "body", [b"", b"\\", b'{"a": "\\u00e9\\n"}', b'{"a": "\\ud800"}', b"[" * 100_000 + b"\\"]
)
def test_what_holds_none_stays_as_it_is(body: bytes) -> None:
    assert scrub_body(body, KEY, "") == body


def test_what_is_too_short_to_be_a_secret_is_left_in_place() -> None:
    assert scrub("a test", ["test", ""]) == "a test"
    assert scrub(f"{KEY} and otherkey1", [KEY, "otherkey1"]) == "••• and •••"
