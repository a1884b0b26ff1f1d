"""A verified webhook as GitHub's `repository_dispatch` carries it: written by the relay, read by `collect --event`.

GitHub allows ten properties at the top of a `client_payload`, and less than 64 KB altogether
(https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event). So the payload is flat, and a body
that does not fit is left out: what is left is a hint to look at that job, and proves nothing.

Whoever may write to the repository may send such an event. The reader therefore believes nothing in it before it has
verified the body's signature itself.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from reconciler.core.errors import InvalidInput
from reconciler.core.platform.webhook import MAX_BODY, MAX_SIGNATURES, Signed, subject_of
from reconciler.core.values import ID

EVENT_TYPE = "lingo-provisioning"
VERSION = 1
MAX_REQUEST = (
    64_000  # bytes of the whole request. GitHub does not say which KB it means; this is less than either
)

_HINT = 'pass what a receiver with --relay sends; in GitHub Actions: --event "$GITHUB_EVENT_PATH"'
_LONGEST = {"webhookId": 256, "timestamp": 12, "signature": MAX_SIGNATURES}


class Dispatched(NamedTuple):
    """What a payload says, none of it verified. Without `signed` and `body` it cannot be, and is only a hint."""

    signed: Signed | None
    body: bytes | None
    operation_id: str | None
    job_id: str | None = None


def payload_of(
    webhook_id: str, timestamp: str, signature: str, operation_id: str | None, body: bytes
) -> dict[str, Any]:
    """The `client_payload` for a delivery. The body is left out when the request would be too large with it."""
    subject = subject_of(body)
    values = {
        "version": VERSION,
        "webhookId": webhook_id,
        "timestamp": timestamp,
        "signature": signature,
        "body": _text(body),
        "operationId": operation_id,
        "jobId": subject.job_id if subject is not None else None,
        "type": subject.type if subject is not None else None,
    }
    payload = {name: value for name, value in values.items() if value is not None}
    if len(request_of(payload)) > MAX_REQUEST:
        del payload["body"]
    return payload


def request_of(payload: dict[str, Any]) -> bytes:
    """The content of the request that sends it. Everything in it is ASCII, so that its size is the same in bytes, in
    characters, and after GitHub has written it anew."""
    document = {"event_type": EVENT_TYPE, "client_payload": payload}
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def read_payload(document: object) -> Dispatched:
    """What is in the event file of GitHub Actions, or in its `client_payload` alone; both as parsed from JSON.

    Properties that are not known are left alone. Raises `InvalidInput` for everything that the relay cannot have sent.
    """
    payload = document
    if isinstance(document, dict) and "client_payload" in document:
        payload = document["client_payload"]
    if not isinstance(payload, dict):
        raise InvalidInput(
            "this is not a relayed webhook: it has no client_payload that is an object", hint=_HINT
        )
    _check_version(payload.get("version"))
    signed, body = _signed(payload), _body(payload)
    if body is not None and signed is None:
        raise _bad("webhookId, timestamp and signature", "are missing, so its body cannot be verified")
    return Dispatched(signed, body, _operation(payload), _job(payload))


def _check_version(version: object) -> None:
    if type(version) is not int:  # True would be one
        raise InvalidInput("this is not a relayed webhook: its payload has no version", hint=_HINT)
    if version > VERSION:
        raise InvalidInput(
            f"this webhook was relayed by a newer reconcile; this one supports payloads of version {VERSION}",
            hint="upgrade reconcile here",
        )
    if version != VERSION:
        raise _bad("version", "never existed")


def _signed(payload: dict[Any, Any]) -> Signed | None:
    """The three headers; None where there is none of them."""
    given = [payload.get(name) for name in _LONGEST]
    if all(value is None for value in given):
        return None
    return Signed(*(_header(payload, name) for name in _LONGEST))


def _header(payload: dict[Any, Any], name: str) -> bytes:
    value = payload.get(name)
    if not isinstance(value, str) or not value:
        raise _bad(name, "is missing or not text")
    if len(value) > _LONGEST[name] or not value.isascii() or not value.isprintable():
        raise _bad(name, "is too long, or contains invalid characters")
    return value.encode("ascii")


def _body(payload: dict[Any, Any]) -> bytes | None:
    value = payload.get("body")
    if value is None:
        return None
    if not isinstance(value, str):
        raise _bad("body", "is not text")
    try:
        body = value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _bad("body", "contains half of a character") from error
    if len(body) > MAX_BODY:
        raise _bad("body", "is too long")
    return body


def _operation(payload: dict[Any, Any]) -> str | None:
    value = payload.get("operationId")
    if value is None:
        return None
    if not ID.accepts(value):
        raise _bad("operationId", "is not an operation ID")
    return value


def _job(payload: dict[Any, Any]) -> str | None:
    value = payload.get("jobId")
    if value is None:
        return None
    if not ID.accepts(value):
        raise _bad("jobId", "is not a job ID")
    return value


def _bad(name: str, what: str) -> InvalidInput:
    return InvalidInput(f"this is not a relayed webhook: its {name} {what}", hint=_HINT)


def _text(body: bytes) -> str | None:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None
