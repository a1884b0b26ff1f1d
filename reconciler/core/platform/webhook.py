"""Webhooks the way Standard Webhooks signs them: who may be believed, and what a believed body says (docs/platform.md).

Stricter than the public library, which this was compared with: every value is checked against its exact form before it
is used, one bad entry among the signatures costs nothing but itself, and nothing that a sender writes can raise. A
signature is compared as the text it must be, so that there is one spelling of it only.

The signature covers id, timestamp and body. It does not cover the path, hence not the operation id in it: a reader that
knows the operation's job must find the same job in the body.
"""

from __future__ import annotations

import binascii
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from reconciler.core.errors import InvalidInput
from reconciler.core.patterns import lazy_pattern
from reconciler.core.platform.job import COMPLETED, FAILED, News, counts_of, reason_of
from reconciler.core.platform.scrub import scrub
from reconciler.core.values import ID, MAX_ID

TOLERANCE = 300.0  # seconds that a timestamp may lie before or after our clock
MAX_BODY = 256 * 1024  # bytes
MAX_SIGNATURES = 4096  # bytes of them all: 85 signatures, where one or two are usual

SECRET_PREFIX = "whsec_"  # noqa: S105 # what every secret begins with is none
_KEY_BYTES = range(24, 65)

_ID = lazy_pattern(rb"[!-~]{1,256}")
_MOMENT = lazy_pattern(rb"[1-9][0-9]{0,11}")
_SIGNATURES = lazy_pattern(rb"[ -~]{1,%d}" % MAX_SIGNATURES)
_V1 = b"v1,"
_V1_LENGTH = len(_V1) + 44  # of "v1," and a SHA-256 in base64

_STATUS_OF = {"provisioning.completed": COMPLETED, "provisioning.failed": FAILED}


class Verdict(StrEnum):
    """What is to be thought of a delivery. Only VERIFIED may be believed."""

    VERIFIED = "verified"
    MALFORMED = "malformed"  # a header that cannot be one of these
    STALE = "stale"
    FORGED = "bad_signature"  # or signed with a key that is not among ours


class SigningKeys:
    """The keys that a sender may have signed with; several while a secret is being replaced. Shows none of them."""

    __slots__ = ("_keys", "_signers")

    def __init__(self, keys: Iterable[bytes] = ()) -> None:
        self._keys = tuple(dict.fromkeys(keys))
        # Made once and copied for each message: half the time of starting with the key.
        self._signers = tuple(hmac.new(key, digestmod="sha256") for key in self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SigningKeys) and self._keys == other._keys

    def __hash__(self) -> int:
        return hash(self._keys)

    def __add__(self, other: SigningKeys) -> SigningKeys:
        return SigningKeys(self._keys + other._keys)

    def __repr__(self) -> str:
        return f"<{len(self._keys)} signing keys>"

    def sign(self, content: bytes) -> list[bytes]:
        """The base64 of each key's signature."""
        signatures = []
        for signer in self._signers:
            own = signer.copy()
            own.update(content)
            signatures.append(binascii.b2a_base64(own.digest(), newline=False))
        return signatures


class Signed(NamedTuple):
    """The three headers, as bytes just as they came."""

    webhook_id: bytes
    timestamp: bytes
    signature: bytes


def parse_secrets(text: str, name: str = "the webhook secret") -> SigningKeys:
    """The keys in `whsec_…` words separated by blanks or lines; none for a text without words.

    Raises `InvalidInput`, whose message says which word is wrong, and repeats nothing of it.
    """
    words = text.split()
    keys = []
    for number, word in enumerate(words, start=1):
        key = _key_in(word)
        if key is None:
            which = f"{name}, number {number} of {len(words)}," if len(words) > 1 else name
            raise InvalidInput(
                f"{which} is not a signing secret",
                hint=f"copy it in full: {SECRET_PREFIX} followed by the base64 of 24 to 64 bytes",
            )
        keys.append(key)
    return SigningKeys(keys)


def _key_in(word: str) -> bytes | None:
    encoded = word.removeprefix(SECRET_PREFIX)
    if encoded == word:
        return None
    try:
        key = binascii.a2b_base64(encoded.encode("ascii"), strict_mode=True)
    except ValueError:
        return None
    if len(key) not in _KEY_BYTES or binascii.b2a_base64(key, newline=False).decode() != encoded:
        return None
    return key


def signed_in(headers: Sequence[tuple[bytes, bytes]]) -> Signed | None:
    """The three among a request's headers, whose names are in lower case; None unless each is there exactly once."""
    found = dict(headers)
    if len(found) != len(headers) and any(
        sum(name == wanted for name, _ in headers) != 1 for wanted in _NAMES
    ):
        return None
    webhook_id, timestamp, signature = map(found.get, _NAMES)
    if webhook_id is None or timestamp is None or signature is None:
        return None
    return Signed(webhook_id, timestamp, signature)


_NAMES = (b"webhook-id", b"webhook-timestamp", b"webhook-signature")


def verify(
    signed: Signed, body: bytes, keys: SigningKeys, now: float, tolerance: float = TOLERANCE
) -> Verdict:
    """Whether a holder of one of the keys signed this; `now` is in unix seconds. Never raises.

    Every signature is compared with every key's, each in constant time, however soon one matches: so the time
    taken depends on how many there are and on the body's length, and on nothing that is secret.
    """
    webhook_id, timestamp, signature = signed
    if not (_ID.fullmatch(webhook_id) and _MOMENT.fullmatch(timestamp) and _SIGNATURES.fullmatch(signature)):
        return Verdict.MALFORMED
    if abs(now - int(timestamp)) > tolerance:
        return Verdict.STALE
    candidates = [
        entry[len(_V1) :]
        for entry in signature.split(b" ")
        if len(entry) == _V1_LENGTH and entry.startswith(_V1)
    ]
    matched = False
    for expected in keys.sign(b"%b.%b.%b" % (webhook_id, timestamp, body)):
        for candidate in candidates:
            matched |= hmac.compare_digest(expected, candidate)
    return Verdict.VERIFIED if matched else Verdict.FORGED


class Subject(NamedTuple):
    """What a body is about, as far as it says: both None where it says nothing that can be used."""

    type: str | None
    job_id: str | None


class Event(NamedTuple):
    """What a verified body tells. `status` is `completed`, `failed`, or None for a type that we do not know: such a
    one says no more than *look at this job*. `operation_id` came in the path, unsigned."""

    type: str | None
    job_id: str | None
    engine_id: str | None
    status: str | None
    error: str | None = None
    summary: Mapping[str, int] | None = None
    operation_id: str | None = None

    def without(self, secrets: Sequence[str]) -> Event:
        """The same with no secret of ours in it; an ID that held one is none."""
        job, engine = (
            one if one and scrub(one, secrets) == one else None for one in (self.job_id, self.engine_id)
        )
        error = None if self.error is None else scrub(self.error, secrets)
        return self._replace(job_id=job, engine_id=engine, error=error)

    @property
    def news(self) -> News | None:
        """The same as every other source tells it; None when no job or no status is known."""
        if self.job_id is None or self.status is None:
            return None
        return News(self.job_id, self.status, self.error, self.summary)


def subject_of(body: bytes) -> Subject | None:
    """What the body is about; None when it is no JSON object in UTF-8, and so no webhook of the platform."""
    document = _object(body)
    if document is None:
        return None
    return Subject(_word(document.get("type")), _id(document.get("jobId")))


def read_event(body: bytes, operation_id: str | None = None) -> Event | None:
    """All that a verified body tells; None when it is no JSON object. Unknown and missing fields are fine."""
    document = _object(body)
    if document is None:
        return None
    kind = _word(document.get("type"))
    status = _STATUS_OF.get(kind) if kind is not None else None
    return Event(
        kind,
        _id(document.get("jobId")),
        _id(document.get("engineId")),
        status,
        reason_of(document) if status == FAILED else None,
        counts_of(document) if status == COMPLETED else None,
        operation_id,
    )


def operation_in(path: str) -> str | None:
    """The operation id at the end of a callback's path, `/<operation id>`; None for anything else."""
    word = path[1:]
    return word if path.startswith("/") and ID.accepts(word) else None


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _id(value: Any) -> str | None:
    return value if ID.accepts(value) else None


def _word(value: Any) -> str | None:
    """A text that can stand in a file and in a line of text; anything else is as good as missing."""
    if isinstance(value, str) and 0 < len(value) <= MAX_ID and value.isprintable() and value.strip() == value:
        return value
    return None
