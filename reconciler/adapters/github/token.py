"""Whose name the relay speaks in: a token that somebody made, or those that a GitHub App gets for an hour each.

An App proves itself with a JWT that its private key signs
(https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app), and gets a token for one
installation. Ours asks for one repository and for what a dispatch needs, and for no more. PyJWT and cryptography are
loaded only here: whoever has a plain token needs neither.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from reconciler.adapters.github.client import Answer, GitHub
from reconciler.core.errors import InvalidInput

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

EXTRA = "run `pip install 'PyJWT[crypto]'` in the environment that reconcile runs in"
_BACKDATED = 60  # seconds, for clocks that differ; GitHub's own advice
_JWT_LIFE = 540  # seconds; GitHub allows 600 from its own clock's now
_MARGIN = 300.0  # seconds before its end at which a token is renewed
_MIN_BITS = 2048
_PEM_BYTES = 65536


class NoToken(NamedTuple):
    """What GitHub answered instead of giving one, and what may help."""

    answer: Answer
    hint: str


class Token(Protocol):
    async def current(self, github: GitHub) -> str | NoToken:
        """One that should still be good for a while."""
        ...

    def refused(self) -> bool:
        """GitHub does not know this one (any more): whether `current` should be asked for another, at once. That is
        said once, until one was `taken`."""
        ...

    def taken(self) -> None:
        """GitHub accepted it."""
        ...


class PlainToken:
    """From the environment: the same until the receiver is started anew."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def current(self, github: GitHub) -> str | NoToken:
        return self._token

    def refused(self) -> bool:
        return False

    def taken(self) -> None:
        """Nothing hangs on it."""


class AppToken:
    """Installation tokens of an App. Without an installation's id the one of the repository is looked up.

    `clock` gives unix seconds.
    """

    def __init__(
        self,
        app_id: str,
        key: RSAPrivateKey,
        repository: tuple[str, str],
        installation: str | None,
        clock: Callable[[], float],
    ) -> None:
        self._app_id = app_id
        self._key = key
        self._owner, self._repo = repository
        self._given = installation
        self._found: str | None = None
        self._clock = clock
        self._token = ""
        self._renew_at = 0.0
        self._doubted = False

    async def current(self, github: GitHub) -> str | NoToken:
        if self._token and self._clock() < self._renew_at:
            return self._token
        installation = self._given or self._found or await self._find(github)
        return installation if isinstance(installation, NoToken) else await self._renew(github, installation)

    def taken(self) -> None:
        self._doubted = False

    def refused(self) -> bool:
        self._token = ""
        again, self._doubted = not self._doubted, True
        return again

    async def _find(self, github: GitHub) -> str | NoToken:
        answer = await github.ask("GET", "repos", self._owner, self._repo, "installation", token=self._jwt())
        number = answer.document.get("id")
        if answer.status != 200 or type(number) is not int:
            return self._without(answer)
        self._found = str(number)
        return self._found

    async def _renew(self, github: GitHub, installation: str) -> str | NoToken:
        wanted = {"repositories": [self._repo], "permissions": {"contents": "write"}}
        answer = await github.ask(
            *("POST", "app", "installations", installation, "access_tokens"),
            token=self._jwt(),
            content=json.dumps(wanted).encode(),
        )
        token = answer.document.get("token")
        if answer.status != 201 or not isinstance(token, str) or not fits_header(token):
            self._found = None  # it may have been installed anew
            return self._without(answer)
        now = self._clock()
        life = max(0.0, _moment(answer.document) - now)
        self._token, self._renew_at = token, now + max(life - _MARGIN, life / 2)
        return token

    def _without(self, answer: Answer) -> NoToken:
        hints = {
            401: "check RECONCILE_RELAY_APP_ID, that the key belongs to this App, and this machine's clock",
            404: f"check that the App is installed on {self._owner}/{self._repo}, and RECONCILE_RELAY_INSTALLATION_ID",
        }
        usual = f"install the App on {self._owner}/{self._repo} with Contents: read and write"
        return NoToken(answer, hints.get(answer.status or 0, usual))

    def _jwt(self) -> str:
        import jwt

        now = int(self._clock())
        claims = {"iss": self._app_id, "iat": now - _BACKDATED, "exp": now + _JWT_LIFE}
        return jwt.encode(claims, self._key, algorithm="RS256")


def _moment(document: Mapping[str, Any]) -> float:
    """When the token ends, in unix seconds; 0 where it is not told."""
    try:
        return datetime.fromisoformat(str(document.get("expires_at"))).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def fits_header(token: str) -> bool:
    return 0 < len(token) <= 4096 and all("!" <= letter <= "~" for letter in token)


def read_app_key(path: Path) -> RSAPrivateKey:
    """The App's private key as GitHub gives it, in PEM form. Raises `InvalidInput`, which repeats nothing of it."""
    try:
        import jwt  # noqa: F401 # that it is missing should be told at once, not an hour later
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise InvalidInput("a GitHub App's key needs PyJWT and cryptography", hint=EXTRA) from error
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        key = load_pem_private_key(_read_pem(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it has a passphrase
        raise _bad_key(path, "does not contain a readable private key (PEM, without a passphrase)") from error
    if not isinstance(key, RSAPrivateKey):
        raise _bad_key(path, "contains a key that is not RSA")
    if key.key_size < _MIN_BITS:
        raise _bad_key(path, f"contains a key shorter than {_MIN_BITS} bits")
    return key


def _read_pem(path: Path) -> bytes:
    from reconciler.adapters.storage.durable_files import read_regular

    content = read_regular(path, str(path))
    if content is None:
        raise _bad_key(path, "does not exist")
    if len(content) > _PEM_BYTES:
        raise _bad_key(path, "is too large to be a key")
    return content


def _bad_key(path: Path, what: str) -> InvalidInput:
    return InvalidInput(
        f"RECONCILE_RELAY_APP_KEY_FILE: {path} {what}",
        hint="use the .pem file that GitHub generated for the App",
    )
