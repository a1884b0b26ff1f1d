"""Push webhooks: who is believed, and which pushes are about the branch that is followed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.errors import InvalidInput
from reconciler.core.watch.pushes import (
    Answer,
    Followed,
    PushSecrets,
    judge,
    push_secrets,
    repository_in,
)

SECRET = "a-secret-of-sixteen"
KEY = base64.b64encode(b"k" * 32).decode()
SECRETS = push_secrets(f"{SECRET} whsec_{KEY}", "THE_SECRET")
FOLLOWED = Followed("main", "acme/engines")
NOW = 1_800_000_000.0
PUSH: dict[str, Any] = {"ref": "refs/heads/main", "repository": {"full_name": "Acme/Engines"}}


def body(**more: Any) -> bytes:
    return json.dumps(PUSH | more).encode()


def github(content: bytes, secret: str = SECRET, event: str = "push") -> list[tuple[bytes, bytes]]:
    signature = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    return [(b"x-github-event", event.encode()), (b"x-hub-signature-256", f"sha256={signature}".encode())]


def gitlab(token: str = SECRET, event: str = "Push Hook") -> list[tuple[bytes, bytes]]:
    return [(b"x-gitlab-event", event.encode()), (b"x-gitlab-token", token.encode())]


def signed(content: bytes, key: bytes = b"k" * 32, at: float = NOW) -> list[tuple[bytes, bytes]]:
    stamp = str(int(at)).encode()
    made = base64.b64encode(hmac.new(key, b"id-1." + stamp + b"." + content, hashlib.sha256).digest())
    return [
        (b"x-gitlab-event", b"Push Hook"),
        (b"webhook-id", b"id-1"),
        (b"webhook-timestamp", stamp),
        (b"webhook-signature", b"v1," + made),
    ]


def answer(headers: list[tuple[bytes, bytes]], content: bytes, secrets: PushSecrets = SECRETS) -> Answer:
    return judge(headers, content, secrets, FOLLOWED, NOW)


PROJECT = {"project": {"path_with_namespace": "acme/engines"}, "repository": {"name": "engines"}}


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        (github(body()), body()),
        (github(body(), f"whsec_{KEY}"), body()),
        (github(form := b"payload=" + quote_plus(body().decode()).encode()), form),
        (gitlab(), body(**PROJECT)),
        (gitlab(event="System Hook"), body(**PROJECT, object_kind="push")),
        (signed(body(**PROJECT)), body(**PROJECT)),
        (
            gitlab(),
            body(repository={"git_ssh_url": "git@gitlab.example.com:acme/engines.git"}),
        ),
    ],
)
def test_a_verified_push_to_the_branch_is_accepted(
    headers: list[tuple[bytes, bytes]], content: bytes
) -> None:
    assert answer(headers, content) == Answer(202, "accepted", "looking at the branch")


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ([], "forged"),
        (github(body(), "another-secret-of-it"), "forged"),
        (github(body() + b" "), "forged"),
        ([(b"x-hub-signature-256", b"sha256=")], "forged"),
        ([(b"x-hub-signature-256", "sha256=ä".encode())], "forged"),
        ([(b"x-hub-signature", b"sha1=abc")], "forged"),
        (gitlab("another-secret-of-it"), "forged"),
        (gitlab(""), "forged"),
        (signed(body(), b"z" * 32), "forged"),
        (signed(body(), at=NOW - 3600), "stale"),
        # A proof that does not hold is not made up for by a weaker one.
        ([*github(body(), "another-secret-of-it"), *gitlab()], "forged"),
        ([*signed(body(), b"z" * 32), (b"x-gitlab-token", SECRET.encode())], "forged"),
    ],
)
def test_what_is_not_proved_is_refused(headers: list[tuple[bytes, bytes]], outcome: str) -> None:
    found = answer(headers, body())
    assert (found.status, found.outcome, found.looks) == (401, outcome, False)


def test_without_a_secret_nobody_is_believed() -> None:
    assert answer(github(body(), ""), body(), push_secrets("", "X")).status == 403


def test_a_proof_that_is_there_twice_has_no_single_meaning() -> None:
    assert answer([*github(body()), *github(body())], body()).status == 400


@pytest.mark.parametrize(
    ("headers", "content", "why"),
    [
        (github(b"{}", event="ping"), b"{}", "pong"),
        (github(b"{}", event="issues"), b"{}", "not a push"),
        (gitlab(event="Tag Push Hook"), b"{}", "not a push"),
        (gitlab(event="System Hook"), body(object_kind="tag_push"), "not a push"),
        (github(c := body(ref="refs/heads/other")), c, "another branch"),
        (github(c := body(ref="refs/tags/main")), c, "another branch"),
        (github(c := body(ref=7)), c, "another branch"),
        (github(c := body(repository={"full_name": "acme/other"})), c, "another repository"),
        (github(c := body(repository=[1])), c, "another repository"),
    ],
)
def test_other_news_is_ignored(headers: list[tuple[bytes, bytes]], content: bytes, why: str) -> None:
    found = answer(headers, content)
    assert (found.status, found.outcome) == (200, "ignored")
    assert why in found.message


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b"payload=%7b"])
def test_a_body_that_is_no_push_is_refused(content: bytes) -> None:
    assert answer(github(content), content).outcome == "malformed"


@given(st.lists(st.tuples(st.sampled_from([b"x-hub-signature-256", b"x-gitlab-token", b"webhook-id",
    b"webhook-timestamp", b"webhook-signature", b"x-github-event"]), st.binary(max_size=80))), st.binary())  # fmt: skip
def test_no_stranger_is_believed_or_raises(headers: list[tuple[bytes, bytes]], content: bytes) -> None:
    assert not answer(headers, content).looks


@pytest.mark.parametrize("text", ["short", "x" * 15, "sixteen-bytes-ok short", "naïve-secret-of-some-length"])
def test_a_weak_secret_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        push_secrets(text, "THE_SECRET")
    assert text not in f"{raised.value.message}{raised.value.hint}"


def test_secrets_are_not_shown() -> None:
    assert SECRET not in repr(SECRETS)


@pytest.mark.parametrize(
    ("address", "repository"),
    [
        ("https://github.com/Acme/Engines.git", "acme/engines"),
        ("https://token@github.com/acme/engines", "acme/engines"),
        ("git@github.com:acme/engines.git", "acme/engines"),
        ("ssh://git@gitlab.example.com:2222/group/sub/engines.git", "group/sub/engines"),
        ("file:///srv/engines.git", None),
        ("/srv/engines.git", None),
        ("../engines", None),
    ],
)
def test_the_repository_in_an_address(address: str, repository: str | None) -> None:
    assert repository_in(address) == repository
