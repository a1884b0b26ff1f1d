"""Who is believed. The public library is the oracle wherever it is right; it is wrong about malformed input."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from reconciler.core.platform.webhook import (
    MAX_SIGNATURES,
    Signed,
    SigningKeys,
    Verdict,
    parse_secrets,
    subject_of,
    verify,
)
from tests.fuzz.webhook_fuzz import look_at, signed_by

VECTOR = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR_ID = b"msg_p5jXN8AQM9LWM0D4loKWxJek"
VECTOR_BODY = b'{"test": 2432232314}'
VECTOR_SIGNATURE = b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
THEN = 1614265330.0

OLD, NEW, STRANGE = b"o" * 24, b"n" * 64, b"s" * 32
NOW = 1_700_000_000.0
MOMENT = b"1700000000"
BODY = b'{"type":"provisioning.completed","jobId":"pjb_1"}'


def secret_of(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def entry(
    key: bytes = NEW, webhook_id: bytes = b"msg_1", moment: bytes = MOMENT, body: bytes = BODY
) -> bytes:
    return signed_by(key, b"%b.%b.%b" % (webhook_id, moment, body))


def verdict(
    signature: bytes | None = None,
    webhook_id: bytes = b"msg_1",
    moment: bytes = MOMENT,
    body: bytes = BODY,
    keys: Sequence[bytes] = (NEW,),
    now: float = NOW,
) -> Verdict:
    """Of a delivery that is right except for what is said here."""
    signature = entry(NEW, webhook_id, moment, body) if signature is None else signature
    return verify(Signed(webhook_id, moment, signature), body, SigningKeys(keys), now)


def vector(signature: bytes = VECTOR_SIGNATURE, body: bytes = VECTOR_BODY, now: float = THEN) -> Verdict:
    return verify(Signed(VECTOR_ID, b"1614265330", signature), body, parse_secrets(VECTOR), now)


def test_the_published_test_vector() -> None:
    assert vector() is Verdict.VERIFIED


def test_the_test_vector_with_any_byte_changed_is_forged() -> None:
    for place in range(len(VECTOR_SIGNATURE)):
        for byte in (b"A", b"g", b"=", b" ", b",", b"1"):
            changed = VECTOR_SIGNATURE[:place] + byte + VECTOR_SIGNATURE[place + 1 :]
            assert vector(changed) is (Verdict.VERIFIED if changed == VECTOR_SIGNATURE else Verdict.FORGED)
    for place in range(len(VECTOR_BODY)):
        changed = VECTOR_BODY[:place] + bytes([VECTOR_BODY[place] ^ 1]) + VECTOR_BODY[place + 1 :]
        assert vector(body=changed) is Verdict.FORGED
    assert vector(body=VECTOR_BODY + b"\n") is Verdict.FORGED


def test_a_signature_has_one_spelling() -> None:
    """The last character before `=` carries two bits that a lenient decoder drops."""
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = alphabet.index(VECTOR_SIGNATURE[-2:-1])
    for other in range(last - last % 4, last - last % 4 + 4):
        respelt = VECTOR_SIGNATURE[:-2] + alphabet[other : other + 1] + b"="
        assert base64.b64decode(respelt[3:]) == base64.b64decode(VECTOR_SIGNATURE[3:])
        assert vector(respelt) is (Verdict.VERIFIED if other == last else Verdict.FORGED)
    for respelt in (VECTOR_SIGNATURE + b"=", VECTOR_SIGNATURE.rstrip(b"="), VECTOR_SIGNATURE.upper()):
        assert vector(respelt) is Verdict.FORGED


# The library as oracle -----------------------------------------------------------------------------------------------


def the_library(secret: str, signed: Signed, body: bytes) -> bool:
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    headers = {name: value.decode("ascii") for name, value in zip(names, signed, strict=True)}
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def damaged(value: bytes, place: int) -> bytes:
    """A signature of the right form, wrong in one bit of 256."""
    digest = bytearray(base64.b64decode(value.removeprefix(b"v1,")))
    digest[place % 32] ^= 1 << (place % 8)
    return b"v1," + base64.b64encode(digest)


JobSummary = Callable[[bytes, bytes], bytes]  # key, content → an entry
MADE: list[JobSummary] = [
    signed_by,
    lambda key, content: damaged(signed_by(key, content), len(content)),
    lambda _, content: signed_by(STRANGE, content),
    lambda key, content: signed_by(key, content + b" "),
    lambda key, content: b"v1a," + signed_by(key, content)[3:],
    lambda key, content: b"v2," + signed_by(key, content)[3:],
]


def agree(
    key: bytes, webhook_id: bytes, offset: int, body: bytes, made: Sequence[JobSummary], shift: int = 0
) -> Verdict:
    """Both verifiers, by the same clock. `shift`: how far the signed moment is from the one in the header."""
    now = time.time()
    moment = int(now) + offset
    content = b"%b.%d.%b" % (webhook_id, moment + shift, body)
    signed = Signed(webhook_id, b"%d" % moment, b" ".join(make(key, content) for make in made))
    ours = verify(signed, body, SigningKeys([key]), now)
    assert (ours is Verdict.VERIFIED) == the_library(secret_of(key), signed, body), (signed, body)
    assert ours is not Verdict.MALFORMED
    return ours


# Not closer to the edge than a slow machine is late.
OFFSETS = st.integers(-280, 280) | st.integers(-(10**6), -320) | st.integers(320, 10**6)


@settings(max_examples=200)
@given(
    key=st.binary(min_size=24, max_size=64),
    webhook_id=st.binary(min_size=1, max_size=40).map(lambda data: bytes(33 + byte % 94 for byte in data)),
    offset=OFFSETS,
    body=st.text(st.characters(codec="utf-8"), max_size=200).map(str.encode),
    made=st.lists(st.sampled_from(MADE), min_size=1, max_size=5),
    shift=st.sampled_from([0, 0, 0, 1, -1]),
)
@example(key=NEW, webhook_id=b"a.1", offset=0, body=b"", made=[MADE[4], MADE[1], MADE[0]], shift=0)
def test_the_library_agrees(
    key: bytes, webhook_id: bytes, offset: int, body: bytes, made: list[JobSummary], shift: int
) -> None:
    agree(key, webhook_id, offset, body, made, shift)


def test_the_library_agrees_over_thousands_more() -> None:
    chance = random.Random(20261124)
    seen = dict.fromkeys(Verdict, 0)
    for _ in range(4000):
        key = chance.randbytes(chance.randint(24, 64))
        webhook_id = bytes(chance.randint(33, 126) for _ in range(chance.randint(1, 60)))
        body = "".join(
            chance.choice('{}[]":,é\U0001f600 \x00ab1') for _ in range(chance.randint(0, 80))
        ).encode()
        offset = chance.choice([0, 0, 0, -280, 280, -320, 320, -86400])
        made = chance.choices(MADE, k=chance.randint(1, 4))
        seen[agree(key, webhook_id, offset, body, made, chance.choice([0, 0, 0, 1]))] += 1
    assert min(seen[one] for one in (Verdict.VERIFIED, Verdict.FORGED, Verdict.STALE)) > 500, seen


# Headers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "webhook_id",
    [b"", b" ", b"a b", b"a\tb", b"a\n", b"\x00", b"\x7f", "é".encode(), b"\xff", b"a" * 257],
)
def test_an_id_that_cannot_be_one(webhook_id: bytes) -> None:
    assert verdict(webhook_id=webhook_id) is Verdict.MALFORMED


@pytest.mark.parametrize("webhook_id", [b"!", b"~" * 256, b"pjb_A1b2C3d4", b"msg_1.2.3", b"a,b;c='d'"])
def test_an_id_is_anything_that_can_be_seen(webhook_id: bytes) -> None:
    assert verdict(webhook_id=webhook_id) is Verdict.VERIFIED


@pytest.mark.parametrize(
    "moment",
    [
        b"",
        b"0",
        b"01700000000",
        b"+1700000000",
        b"-1700000000",
        b"1700000000.0",
        b"1_700_000_000",
        b" 1700000000",
        b"1700000000\n",
        b"1.7e9",
        b"0x6553f100",
        b"nan",
        b"inf",
        b"9" * 13,
        b"9" * 5000,
        "١٧٠٠٠٠٠٠٠٠".encode(),
        b"2023-11-14T22:13:20Z",
        b"\xff\xfe",
    ],
)
def test_a_timestamp_that_cannot_be_one(moment: bytes) -> None:
    assert verdict(moment=moment) is Verdict.MALFORMED


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"\t",
        b"v1,\x00",
        b"\xff",
        entry() + b"\n",
        entry() + b"\t" + entry(),
        b"v1," + b"A" * MAX_SIGNATURES,
    ],
)
def test_signatures_that_cannot_be_any(signature: bytes) -> None:
    assert verdict(signature) is Verdict.MALFORMED


@pytest.mark.parametrize(
    "signature",
    [
        b" ",
        b",",
        b"v1",
        b"v1,",
        b"v1,=",
        b"v1," + b"=" * 44,
        b"v1," + b"A" * 44,
        b"V1," + entry()[3:],
        b"v1, " + entry()[3:],
        b"v1:" + entry()[3:],
        b"v11," + entry()[3:],
        b"1," + entry()[3:],
        entry()[3:],
        entry() + b"A",
        entry() + b",v1",
        entry()[:-1],
        entry().replace(b",", b",,"),
        b"v1," + base64.b64encode(base64.b64decode(entry()[3:]) + b"\0"),
        b"v1," + base64.b64decode(entry()[3:]).hex().encode(),
        b"v1a," + entry()[3:],
        b"v2," + entry()[3:],
        entry(STRANGE),
        entry(body=b""),
        entry(webhook_id=b"msg_2"),
        entry(moment=b"1700000001"),
    ],
)
def test_signatures_of_which_none_fits(signature: bytes) -> None:
    assert verdict(signature) is Verdict.FORGED


@pytest.mark.parametrize(
    "others",
    [
        [b"v1a,xyz"],
        [b"v1,"],
        [b"v1,!!!!"],
        [b"junk"],
        [b""],
        [b"", b""],
        [b"v1," + b"A" * 44],
        [entry(STRANGE)],
    ],
)
def test_one_bad_entry_costs_nothing_but_itself(others: list[bytes]) -> None:
    assert verdict(b" ".join([*others, entry()])) is Verdict.VERIFIED
    assert verdict(b" ".join([entry(), *others])) is Verdict.VERIFIED
    assert verdict(b" ".join(others) or b" ") is Verdict.FORGED


def test_as_many_signatures_as_fit() -> None:
    strange = b" ".join([entry(STRANGE)] * 84)
    assert verdict(strange + b" " + entry()) is Verdict.VERIFIED
    assert verdict(strange + b" " + entry() + b" " + entry(STRANGE)) is Verdict.MALFORMED


def test_keys_are_replaced_without_a_gap() -> None:
    both = entry(OLD) + b" " + entry(NEW)
    for keys in ([OLD], [NEW], [OLD, NEW], [NEW, OLD]):
        assert verdict(both, keys=keys) is Verdict.VERIFIED
    assert verdict(entry(OLD), keys=[NEW, OLD]) is Verdict.VERIFIED
    assert verdict(entry(OLD), keys=[NEW]) is Verdict.FORGED
    assert verdict(both, keys=[STRANGE]) is Verdict.FORGED


def test_without_keys_nothing_is_believed() -> None:
    assert verdict(keys=[]) is Verdict.FORGED


@pytest.mark.parametrize("way", [1, -1])
def test_tolerance_reaches_both_ways(way: int) -> None:
    for off in (0.0, 1.0, 299.999, 300.0):
        assert verdict(now=NOW + way * off) is Verdict.VERIFIED
    for off in (300.001, 301.0, 1e6, 1e15, float("inf")):
        assert verdict(now=NOW + way * off) is Verdict.STALE
    signed = Signed(b"msg_1", MOMENT, entry())
    assert verify(signed, BODY, SigningKeys([NEW]), NOW + way * 10.5, 10.0) is Verdict.STALE
    assert verify(signed, BODY, SigningKeys([NEW]), NOW + way * 10.0, 10.0) is Verdict.VERIFIED
    assert verify(signed, BODY, SigningKeys([NEW]), NOW, 0.0) is Verdict.VERIFIED


def test_a_stale_delivery_tells_nothing_about_its_signature() -> None:
    assert verdict(entry(STRANGE), now=NOW + 400) is verdict(now=NOW + 400) is Verdict.STALE


def test_any_body_can_be_signed() -> None:
    for body in (b"", b"\x00", b"\xff\xfe\xfd", b"x" * 300_000, "{}é".encode("utf-16")):
        assert verdict(body=body) is Verdict.VERIFIED
        assert verdict(entry(body=body + b"\0"), body=body) is Verdict.FORGED


def test_a_signed_text_cannot_be_cut_elsewhere() -> None:
    """Id, timestamp and body are joined by dots, and an id may hold some: the body that is left is never an object."""
    webhook_id = b"msg.1700000001"
    signature = entry(webhook_id=webhook_id)
    shifted = MOMENT + b"." + BODY
    assert verdict(signature, b"msg", b"1700000001", shifted) is Verdict.VERIFIED
    assert subject_of(shifted) is None


@given(st.binary(max_size=300))
@example(b"")
@settings(max_examples=200)
def test_what_a_fuzzer_sends(data: bytes) -> None:
    look_at(data)
