from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.errors import InvalidInput
from reconciler.core.platform.dispatch import (
    EVENT_TYPE,
    MAX_REQUEST,
    Dispatched,
    payload_of,
    read_payload,
    request_of,
)
from reconciler.core.platform.webhook import MAX_BODY, Signed, SigningKeys, Verdict, verify

KEYS = SigningKeys([b"k" * 32])
THEN = 1_700_000_000
BODY = (
    '{"type": "provisioning.completed",  "jobId":"pjb_1", "engineId": "eng_1", "name": "Müller 🚀"}'.encode()
)


def signature(body: bytes) -> str:
    return "v1," + KEYS.sign(b"msg_1.%d.%b" % (THEN, body))[0].decode()


def payload(body: bytes = BODY, operation: str | None = "op-1") -> dict[str, Any]:
    return payload_of("msg_1", str(THEN), signature(body), operation, body)


def over_the_wire(value: dict[str, Any]) -> Any:
    """The event file that GitHub Actions makes of it."""
    sent = json.loads(request_of(value))
    event = {"action": sent["event_type"], "branch": "main", "client_payload": sent["client_payload"]}
    return json.loads(json.dumps(event, indent=2, ensure_ascii=False))


def test_the_payload_is_flat_and_names_the_job() -> None:
    assert payload() == {
        "version": 1,
        "webhookId": "msg_1",
        "timestamp": str(THEN),
        "signature": signature(BODY),
        "body": BODY.decode(),
        "operationId": "op-1",
        "jobId": "pjb_1",
        "type": "provisioning.completed",
    }


def test_what_there_is_not_is_left_out() -> None:
    assert list(payload(b"{}", None)) == ["version", "webhookId", "timestamp", "signature", "body"]
    assert "body" not in payload(b"\xff{}")


def test_what_arrives_can_be_verified_byte_for_byte() -> None:
    for document in (over_the_wire(payload()), over_the_wire(payload())["client_payload"]):
        found = read_payload(document)
        assert found == Dispatched(
            Signed(b"msg_1", b"%d" % THEN, signature(BODY).encode()), BODY, "op-1", "pjb_1"
        )
        assert found.signed is not None
        assert found.body is not None
        assert verify(found.signed, found.body, KEYS, THEN) is Verdict.VERIFIED


@given(st.dictionaries(st.text(), st.text()))
def test_no_body_is_changed_on_the_way(values: dict[str, str]) -> None:
    for ascii_only in (True, False):
        try:
            body = json.dumps(values, ensure_ascii=ascii_only).encode()
        except UnicodeEncodeError:  # half of a character; the platform cannot send it
            continue
        assert read_payload(over_the_wire(payload(body))).body == body


@pytest.mark.parametrize("filling", ["x", "é", "字", "🚀", '"', "\\"])
def test_a_body_that_does_not_fit_is_left_out_and_its_job_stays(filling: str) -> None:
    sizes = []
    for count in range(0, 70_000, 997):
        body = json.dumps({"jobId": "pjb_1", "x": filling * count}, ensure_ascii=False).encode()
        made = payload(body)
        assert len(request_of(made)) <= MAX_REQUEST <= 64_000
        assert len(made) <= 10
        assert made["jobId"] == "pjb_1"
        sizes.append("body" in made)
    assert sizes[0]
    assert not sizes[-1]
    assert sizes == sorted(sizes, reverse=True)  # one limit, and no more
    found = read_payload(over_the_wire(made))
    assert (found.body, found.operation_id, found.job_id) == (None, "op-1", "pjb_1")


def test_the_request_is_exactly_at_the_limit() -> None:
    empty = len(request_of(payload(b'{"x":""}')))
    fits = b'{"x":"%b"}' % (b"x" * (MAX_REQUEST - empty))
    assert len(request_of(payload(fits))) == MAX_REQUEST
    assert "body" not in payload(fits[:-2] + b'x"}')


def test_unknown_properties_are_left_alone() -> None:
    assert read_payload(payload() | {"note": ["anything"]}) == read_payload(payload())


def test_a_hint_needs_no_signature() -> None:
    assert read_payload({"version": 1}) == Dispatched(None, None, None)
    assert read_payload({"version": 1, "jobId": "pjb_1"}).job_id == "pjb_1"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "no client_payload"),
        ([], "no client_payload"),
        ("text", "no client_payload"),
        ({"client_payload": None}, "no client_payload"),
        ({"client_payload": [1]}, "no client_payload"),
        ({"action": EVENT_TYPE, "client_payload": {}}, "no version"),
        ({"ref": "refs/heads/main"}, "no version"),
        ({"version": True}, "no version"),
        ({"version": "1"}, "no version"),
        ({"version": 0}, "never existed"),
        ({"version": 2}, "newer reconcile"),
        ({"version": 10**5000}, "newer reconcile"),
        (payload() | {"body": 7}, "body is not text"),
        (payload() | {"body": "\ud800"}, "half of a character"),
        (payload() | {"body": "x" * (MAX_BODY + 1)}, "body is too long"),
        (payload() | {"webhookId": None}, "webhookId is missing"),
        (payload() | {"webhookId": "msg\n1"}, "webhookId is too long, or"),
        (payload() | {"timestamp": THEN}, "timestamp is missing or not text"),
        (payload() | {"timestamp": "1" * 5000}, "timestamp is too long"),
        (payload() | {"signature": "v1,é"}, "signature is too long, or"),
        (payload() | {"signature": "v1," * 4096}, "signature is too long"),
        (payload() | {"signature": ["v1,x"]}, "signature is missing or not text"),
        ({"version": 1, "body": "{}"}, "cannot be verified"),
        (payload() | {"operationId": "../etc"}, "operationId is not an operation ID"),
        (payload() | {"operationId": 5}, "operationId is not an operation ID"),
        (payload() | {"jobId": ""}, "jobId is not a job ID"),
        (payload() | {"jobId": "\x1b[31m"}, "jobId is not a job ID"),
        (payload() | {"jobId": "j" * 201}, "jobId is not a job ID"),
    ],
)
def test_everything_else_is_refused(document: object, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        read_payload(document)
    assert caught.value.hint


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(payload())), _JSON)
def test_one_odd_value_never_crashes_it(name: str, value: Any) -> None:
    try:
        found = read_payload(over_the_wire(payload()) | {"client_payload": payload() | {name: value}})
    except InvalidInput:
        return
    assert found.body is None or found.signed is not None
