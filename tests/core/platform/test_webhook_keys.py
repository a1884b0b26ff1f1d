"""What a delivery is judged by: the headers, the keys, and the path it came to."""

from __future__ import annotations

import base64
import random

import pytest

from reconciler.core.errors import InvalidInput
from reconciler.core.platform.webhook import Signed, SigningKeys, operation_in, parse_secrets, signed_in

VECTOR = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD, NEW = b"o" * 24, b"n" * 64


def secret_of(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


HEADERS = [(b"webhook-id", b"1"), (b"webhook-timestamp", b"2"), (b"webhook-signature", b"3")]


def test_the_three_headers_in_any_order_among_others() -> None:
    others = [
        (b"host", b"x"),
        (b"accept", b"a"),
        (b"accept", b"b"),
        (b"svix-id", b"9"),
        (b"Webhook-Id", b"9"),
    ]
    chance = random.Random(7)
    for _ in range(50):
        headers = [*HEADERS, *others]
        chance.shuffle(headers)
        assert signed_in(headers) == Signed(b"1", b"2", b"3")


@pytest.mark.parametrize("name", [name for name, _ in HEADERS])
def test_each_header_exactly_once(name: bytes) -> None:
    assert signed_in([header for header in HEADERS if header[0] != name]) is None
    assert signed_in([*HEADERS, (name, b"4")]) is None
    assert signed_in([(name, b"4"), *HEADERS]) is None
    assert signed_in([*HEADERS, (name, dict(HEADERS)[name])]) is None
    assert signed_in([(b"a", b""), (b"a", b""), *(one for one in HEADERS if one[0] != name)]) is None
    assert signed_in([]) is None


def test_secrets_in_any_white_space() -> None:
    text = f"\n {secret_of(OLD)}\t{secret_of(NEW)}\r\n\n{secret_of(OLD)}"
    keys = parse_secrets(text)
    assert keys == SigningKeys([OLD, NEW])
    assert len(keys) == 2
    assert keys != SigningKeys([NEW, OLD])
    assert keys != "keys"
    assert hash(keys) == hash(SigningKeys([OLD, NEW]))
    assert SigningKeys([OLD]) + SigningKeys([OLD, NEW]) == keys
    assert len(parse_secrets("")) == len(parse_secrets(" \n")) == 0


@pytest.mark.parametrize("size", range(24, 65))
def test_every_length_of_key(size: int) -> None:
    assert parse_secrets(secret_of(b"\xfe" * size)) == SigningKeys([b"\xfe" * size])


GOOD = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize(
    "word",
    [
        GOOD,
        "whsec_",
        "whsec-" + GOOD,
        "WHSEC_" + GOOD,
        "whsec_whsec_" + GOOD,
        "'whsec_" + GOOD + "'",
        '"whsec_' + GOOD + '"',
        "LINGO_WEBHOOK_SECRET=whsec_" + GOOD,
        "whsec_" + GOOD + ",",
        "whsec_" + GOOD[:-1],
        "whsec_" + GOOD + "=",
        "whsec_" + GOOD + "====",
        "whsec_" + GOOD[:10] + "=" + GOOD[10:],
        "whsec_" + GOOD[:10] + "!" + GOOD[11:],
        "whsec_" + GOOD[:10] + "é" + GOOD[11:],
        "whsec_" + GOOD[:10] + "\ud800" + GOOD[11:],
        "whsec_" + GOOD[:10] + "\x00" + GOOD[11:],
        "\ufeffwhsec_" + GOOD,
        "whsec_" + base64.urlsafe_b64encode(b"\xff" * 24).decode(),
        secret_of(b"k" * 23),
        secret_of(b"k" * 65),
        secret_of(b"k" * 25)[:-3] + "x==",  # bits that no encoder leaves
        secret_of(b"k" * 25).rstrip("="),
        "whsec_" + (b"k" * 32).hex() + "/",
        "whpk_" + GOOD,
    ],
)
def test_what_is_no_secret_is_refused_and_not_repeated(word: str) -> None:
    for text, place in ((word, ""), (f"{VECTOR} {word}\n{VECTOR}", "number 2 of 3")):
        with pytest.raises(InvalidInput) as caught:
            parse_secrets(text, "the file x")
        error = caught.value
        assert error.message.startswith("the file x")
        assert place in error.message
        assert error.hint is not None
        assert "whsec_" in error.hint
        assert error.__cause__ is error.__context__ is None  # they would hold the word
        said = f"{error!r} {error} {error.message} {error.hint}"
        secret = word.rpartition("whsec_")[2]
        assert not any(secret[at : at + 6] in said for at in range(len(secret) - 5)), said


def test_keys_are_never_shown() -> None:
    keys = parse_secrets(f"{VECTOR} {secret_of(NEW)}")
    for shown in (repr(keys), str(keys), f"{keys}", f"{[keys]}"):
        assert "2 signing keys" in shown
        assert GOOD[:6] not in shown
        assert "nnnn" not in shown


@pytest.mark.parametrize("word", ["a", "0", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", "A_b-9", "x" * 128])
def test_an_operation_in_the_path(word: str) -> None:
    assert operation_in(f"/{word}") == word


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "a",
        "//a",
        "/a/",
        "/a/b",
        "/.",
        "/..",
        "/a.b",
        "/a b",
        "/a\n",
        "/é",
        "/a%2f",
        "/a?b",
        "/a;b",
        "/a\x00",
        "/\ud800",
        "/٣",
        "/" + "x" * 129,
    ],
)
def test_a_path_without_an_operation(path: str) -> None:
    assert operation_in(path) is None
