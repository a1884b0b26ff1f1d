"""Push webhooks of GitHub and GitLab: who may be believed, and whether a push is one of the branch that is followed.

A believed one says no more than *look at the remote now*. GitHub signs the body (`X-Hub-Signature-256`), GitLab signs
it the way of Standard Webhooks where the hook has a signing token, and otherwise sends its secret along
(`X-Gitlab-Token`). Secrets are compared in constant time.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.core.errors import InvalidInput
from reconciler.core.patterns import lazy_pattern
from reconciler.core.platform.webhook import (
    SECRET_PREFIX,
    Signed,
    SigningKeys,
    Verdict,
    parse_secrets,
    verify,
)

MAX_PUSH = 1 << 20  # bytes; GitHub sends up to 25 MB, and such a push is seen at the next look
MIN_SECRET = 16  # characters
_FORM = b"payload="
_QUOTED = lazy_pattern(rb"%([0-9A-Fa-f]{2})")
_STANDARD = (b"webhook-id", b"webhook-timestamp", b"webhook-signature")

Headers = Iterable[tuple[bytes, bytes]]


class PushSecrets(NamedTuple):
    """Any of them may have been used, so that one can be replaced. Shows none of them."""

    plain: tuple[bytes, ...]
    keys: SigningKeys

    def __repr__(self) -> str:
        return f"<{len(self.plain)} secrets>"


class Answer(NamedTuple):
    """What the sender is told. `looks` says whether the remote is to be looked at; `outcome` is for log and metrics."""

    status: int
    outcome: str
    message: str

    @property
    def looks(self) -> bool:
        return self.outcome == "accepted"


class Followed(NamedTuple):
    """What is followed. `repository` is the path on its host (`acme/engines`), None where the address has no host."""

    branch: str
    repository: str | None


def push_secrets(text: str, name: str) -> PushSecrets:
    """The secrets in words separated by blanks or lines. Raises `InvalidInput`, which repeats none of them."""
    words = text.split()
    for word in words:
        if len(word) < MIN_SECRET or not word.isascii() or not word.isprintable():
            raise InvalidInput(
                f"{name} must be at least {MIN_SECRET} ASCII characters without spaces",
                hint="run `openssl rand -hex 32` to create one, and enter it at GitHub or GitLab",
            )
    signing = " ".join(word for word in words if word.startswith(SECRET_PREFIX))
    return PushSecrets(tuple(word.encode() for word in words), parse_secrets(signing, name))


def repository_in(address: str) -> str | None:
    """The repository's path in a remote's address, in lower case; None for one without a host, such as a folder's."""
    scheme, separator, rest = address.partition("://")
    if separator:
        host, _, path = rest.partition("/")
        if scheme == "file" or not host:
            return None
    else:
        host, colon, path = address.partition(":")
        if not colon or "/" in host:
            return None
    return _path(path)


def _path(path: str) -> str:
    return path.strip("/").removesuffix(".git").lower()


def judge(headers: Headers, body: bytes, secrets: PushSecrets, followed: Followed, now: float) -> Answer:
    """What to do about a request; the names of its headers are in lower case. Never raises."""
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in fields and (name.startswith((b"x-hub-", b"x-git")) or name in _STANDARD):
            return Answer(400, "malformed", "a header is duplicate")
        fields[name] = value
    if not secrets.plain:
        return Answer(403, "forged", "no secret is configured, so no push is believed")
    if (refused := _refusal(fields, body, secrets, now)) is not None:
        return refused
    return _wanted(fields, body, followed)


def _refusal(fields: Mapping[bytes, bytes], body: bytes, secrets: PushSecrets, now: float) -> Answer | None:
    """Why the sender is not believed. The strongest proof that it brings has to hold."""
    if (given := fields.get(b"x-hub-signature-256")) is not None:
        made = [b"sha256=" + hmac.new(key, body, "sha256").hexdigest().encode() for key in secrets.plain]
        return None if _among(given, made) else Answer(401, "forged", "no signature matches")
    signed = [fields.get(name) for name in _STANDARD]
    if len(secrets.keys) and all(one is not None for one in signed):
        verdict = verify(Signed(*(one or b"" for one in signed)), body, secrets.keys, now)
        if verdict is Verdict.VERIFIED:
            return None
        stale = verdict is Verdict.STALE
        return Answer(
            401,
            "stale" if stale else "forged",
            "the timestamp is too old" if stale else "no signature matches",
        )
    if (given := fields.get(b"x-gitlab-token")) is not None:
        return None if _among(given, secrets.plain) else Answer(401, "forged", "the token does not match")
    return Answer(401, "forged", "the request is not signed")


def _among(given: bytes, wanted: Sequence[bytes]) -> bool:
    """Whether it is one of them. Digests are compared, so that not even a length shows in the time taken."""
    digest = hmac.digest(b"push", given, "sha256")
    found = False
    for one in wanted:
        found |= hmac.compare_digest(digest, hmac.digest(b"push", one, "sha256"))
    return found


def _wanted(fields: Mapping[bytes, bytes], body: bytes, followed: Followed) -> Answer:
    event = (fields.get(b"x-github-event") or fields.get(b"x-gitlab-event") or b"").decode("latin-1").lower()
    if event == "ping":
        return Answer(200, "ignored", "pong")
    if event not in ("push", "push hook", "system hook"):
        return Answer(200, "ignored", "this is not a push")
    document = _document(body)
    if document is None:
        return Answer(400, "malformed", "the body is not the JSON of a push")
    if event == "system hook" and document.get("object_kind") != "push":
        return Answer(200, "ignored", "this is not a push")
    if document.get("ref") != f"refs/heads/{followed.branch}":
        return Answer(200, "ignored", "this is a push to another branch")
    if followed.repository is not None and followed.repository not in _repositories(document):
        return Answer(200, "ignored", "this is a push to another repository")
    return Answer(202, "accepted", "looking at the branch")


def _document(body: bytes) -> dict[str, Any] | None:
    if body.startswith(_FORM):  # as GitHub sends it where the hook's content type is a form
        quoted = body[len(_FORM) :].partition(b"&")[0].replace(b"+", b" ")
        body = _QUOTED.sub(lambda found: bytes((int(found[1], 16),)), quoted)
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _repositories(document: Mapping[str, Any]) -> set[str]:
    """Every way in which a push names its repository, as paths."""
    found = set()
    for part in (document.get("repository"), document.get("project")):
        if not isinstance(part, dict):
            continue
        for name in ("full_name", "path_with_namespace"):
            if isinstance(part.get(name), str):
                found.add(_path(part[name]))
        for name in ("clone_url", "ssh_url", "git_http_url", "git_ssh_url", "http_url", "url"):
            if isinstance(part.get(name), str) and (path := repository_in(part[name])) is not None:
                found.add(path)
    return found
