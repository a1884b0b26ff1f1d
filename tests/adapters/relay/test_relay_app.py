"""The relay in a GitHub App's name: JWTs that GitHub verifies, and tokens that are renewed before they end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from reconciler.adapters.github.token import AppToken, read_app_key
from reconciler.core.errors import InvalidInput, ReconcileError
from tests.adapters.deliveries import fill, row
from tests.adapters.relayed import names, relay_of, run, sent
from tests.github_fake import App, FakeGitHub, Trouble, refusal

APP_ID = "Iv23liTheApp"


@cache
def key(bits: int = 2048) -> RSAPrivateKey:
    return generate_private_key(65537, bits)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inbox.db"


@pytest.fixture
def app() -> App:
    return App(key().public_key())


@pytest.fixture
def fake(app: App) -> FakeGitHub:
    made = FakeGitHub()
    made.tokens.clear()
    made.apps[APP_ID] = app
    return made


def token(
    installation: str | None = None,
    clock: Callable[[], float] = time.time,
    signing: RSAPrivateKey | None = None,
) -> AppToken:
    return AppToken(APP_ID, signing or key(), ("acme", "engines"), installation, clock)


def asked(fake: FakeGitHub) -> list[str]:
    return [f"{one.method} {one.path}" for one in fake.requests]


DISPATCH = "POST /repos/acme/engines/dispatches"
FIND = "GET /repos/acme/engines/installation"
RENEW = "POST /app/installations/4242/access_tokens"


def test_one_token_serves_many_events(path: Path, fake: FakeGitHub) -> None:
    async def work() -> None:
        async with relay_of(path, fake, token=token()) as scene:
            await scene.until(lambda: scene.counts.sent == 3)
            assert scene.counts.failed == 0

    fill(path, [row(1), row(2), row(3)])
    with fake:
        run(work())
    assert asked(fake) == [FIND, RENEW, DISPATCH, DISPATCH, DISPATCH]
    assert fake.requests[1].json() == {"repositories": ["engines"], "permissions": {"contents": "write"}}


def test_a_given_installation_is_not_looked_up(path: Path, fake: FakeGitHub) -> None:
    async def work() -> None:
        async with relay_of(path, fake, token=token("4242")) as scene:
            await scene.until(lambda: scene.counts.sent == 1)

    fill(path, [row(1)])
    with fake:
        run(work())
    assert asked(fake) == [RENEW, DISPATCH]


def test_a_token_is_renewed_before_it_ends(path: Path, fake: FakeGitHub, app: App) -> None:
    start = time.time()
    later = iter([0.0, 3000.0, 3290.0, 3310.0, 6000.0, 7000.0])

    async def work() -> None:
        async with relay_of(path, fake, token=token(clock=lambda: fake.clock())) as scene:
            for number, seconds in enumerate(later, start=1):
                fake.clock = lambda seconds=seconds: start + seconds  # type: ignore[misc]
                await scene.store(row(number))
                await scene.until(lambda number=number: scene.counts.sent == number)  # type: ignore[misc]
            assert scene.counts.failed == 0

    with fake:
        run(work())
    assert [path.rpartition("/")[2] for path in asked(fake)] == [
        *("installation", "access_tokens", "dispatches", "dispatches", "dispatches"),
        *("access_tokens", "dispatches", "dispatches", "access_tokens", "dispatches"),
    ]


def test_a_token_that_lives_shortly_is_renewed_often(path: Path, fake: FakeGitHub, app: App) -> None:
    now = time.time()

    async def work() -> None:
        nonlocal now
        async with relay_of(path, fake, token=token(clock=lambda: now)) as scene:
            for number in range(1, 5):
                await scene.store(row(number))
                await scene.until(lambda number=number: scene.counts.sent == number)  # type: ignore[misc]
                now += 0.7
            assert scene.counts.failed == 0

    app.life = 1.0
    fake.clock = lambda: now
    with fake:
        run(work())
    assert sent(fake) == names(1, 2, 3, 4)
    assert len(app.issued) == 4


def test_a_revoked_token_is_replaced_at_once(path: Path, fake: FakeGitHub, app: App) -> None:
    async def work() -> None:
        async with relay_of(path, fake, token=token()) as scene:
            await scene.store(row(1))
            await scene.until(lambda: scene.counts.sent == 1)
            fake.tokens[app.issued[0]] = 0.0
            await scene.store(row(2))
            await scene.until(lambda: scene.counts.sent == 2)
            assert (scene.counts.failed, scene.log[-1].count("relayed")) == (0, 1)

    with fake:
        run(work())
    assert asked(fake) == [FIND, RENEW, DISPATCH, DISPATCH, RENEW, DISPATCH]


def test_a_token_that_is_never_accepted_is_not_asked_for_in_a_hurry(path: Path, fake: FakeGitHub) -> None:
    async def work() -> None:
        async with relay_of(path, fake, token=token("4242")) as scene:
            await scene.until(lambda: scene.counts.failed >= 3)

    fill(path, [row(1)])
    refused = Trouble(refusal(401, "Bad credentials"))
    fake.troubles.extend([None, refused, *[None, refused] * 10])
    with fake:
        run(work())
    assert asked(fake)[:4] == [RENEW, DISPATCH, RENEW, DISPATCH]
    assert asked(fake).count(RENEW) <= 5


@pytest.mark.parametrize(
    ("signing", "installation", "repository", "hint"),
    [
        (generate_private_key(65537, 2048), None, "acme/engines", "check RECONCILE_RELAY_APP_ID"),
        (None, None, "acme/elsewhere", "that the App is installed on acme/engines"),
        (None, "17", "acme/engines", "and RECONCILE_RELAY_INSTALLATION_ID"),
        (None, "4242", "acme/elsewhere", "with Contents: read and write"),
    ],
    ids=["another key", "not installed", "another installation", "not for this repository"],
)
def test_an_app_that_gets_no_token_is_told_why(
    path: Path,
    fake: FakeGitHub,
    app: App,
    signing: RSAPrivateKey | None,
    installation: str | None,
    repository: str,
    hint: str,
) -> None:
    async def work() -> None:
        async with relay_of(path, fake, token=token(installation, signing=signing)) as scene:
            await scene.until(lambda: scene.counts.failed >= 2)
            assert " error " in scene.log[0]
            assert hint in scene.log[0]
            assert (scene.counts.sent, scene.counts.skipped) == (0, 0)
            app.repository = "acme/engines"
            fake.apps[APP_ID] = App((signing or key()).public_key(), installation=int(installation or 4242))
            await scene.until(lambda: scene.counts.sent == 1)

    app.repository = repository
    fill(path, [row(1)])
    with fake:
        run(work())


def test_github_being_down_while_a_token_is_renewed(path: Path, fake: FakeGitHub) -> None:
    async def work() -> None:
        async with relay_of(path, fake, token=token()) as scene:
            await scene.until(lambda: scene.counts.sent == 1)
            assert " warning " in scene.log[0]

    fill(path, [row(1)])
    down = Trouble(refusal(503, "down"))
    fake.troubles.extend([Trouble(hang_up=True), down, None, down, Trouble(hang_up=True), None, down])
    with fake:
        run(work())
    assert sent(fake) == names(1)


# ── the key's file ─────────────────────────────────────────────────────────────────────────────────────────────────


def pem(
    made: RSAPrivateKey | ec.EllipticCurvePrivateKey,
    encryption: KeySerializationEncryption | None = None,
    form: PrivateFormat = PrivateFormat.TraditionalOpenSSL,
) -> bytes:
    return made.private_bytes(Encoding.PEM, form, encryption or NoEncryption())


@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
def test_a_key_in_either_form_is_read(tmp_path: Path, form: PrivateFormat) -> None:
    file = tmp_path / "app.pem"
    file.write_bytes(pem(key(), form=form))
    assert read_app_key(file).private_numbers() == key().private_numbers()


BAD_KEYS = {
    "empty": (b"", "not contain a readable private key"),
    "no PEM": (b"\x00\xff" * 50, "not contain a readable private key"),
    "cut off": (pem(key())[:-200], "not contain a readable private key"),
    "a public key": (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "readable private key"),
    "with a passphrase": (pem(key(), BestAvailableEncryption(b"pass")), "without a passphrase"),
    "elliptic": (pem(ec.generate_private_key(ec.SECP256R1()), form=PrivateFormat.PKCS8), "not RSA"),
    "too short": (pem(key(1024)), "shorter than 2048 bits"),
    "too large": (b"x" * 70_000, "too large to be a key"),
}


@pytest.mark.parametrize(("content", "said"), BAD_KEYS.values(), ids=BAD_KEYS.keys())
def test_what_is_no_key_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "app.pem"
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match=said) as caught:
        read_app_key(file)
    assert "PRIVATE" not in str(caught.value)


@pytest.mark.parametrize("library", ["jwt", "cryptography.hazmat.primitives.serialization"])
def test_without_the_libraries_it_is_said_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)  # as Python marks what cannot be imported
    with pytest.raises(InvalidInput, match="needs PyJWT and cryptography") as caught:
        read_app_key(tmp_path / "app.pem")
    assert "PyJWT[crypto]" in (caught.value.hint or "")


def test_a_key_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="does not exist"):
        read_app_key(tmp_path / "app.pem")
    with pytest.raises(ReconcileError, match="not a regular file"):
        read_app_key(tmp_path)
