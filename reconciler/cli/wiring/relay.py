"""`webhook serve --relay`: where verified events go besides the inbox, and in whose name, from flag and environment."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.errors import InvalidInput, UsageError
from reconciler.core.patterns import lazy_pattern

if TYPE_CHECKING:
    from reconciler.adapters.github.token import Token
    from reconciler.adapters.relay.sender import Target

TOKEN = "RECONCILE_RELAY_TOKEN"  # noqa: S105 # a variable's name
FALLBACK = "GITHUB_TOKEN"
APP_ID = "RECONCILE_RELAY_APP_ID"
KEY_FILE = "RECONCILE_RELAY_APP_KEY_FILE"
INSTALLATION = "RECONCILE_RELAY_INSTALLATION_ID"
API = "GITHUB_API_URL"

_TARGET = lazy_pattern(r"github:([A-Za-z0-9][A-Za-z0-9_-]{0,99})/([A-Za-z0-9_.-]{1,100})")
_APP = lazy_pattern(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # a number, or a client id
_NUMBER = lazy_pattern(r"[1-9][0-9]{0,18}")


def relay_target(flag: str | None, environment: Mapping[str, str]) -> Target | None:
    """None without the flag. Raises `UsageError` for a flag, `InvalidInput` for a variable that cannot be used."""
    if flag is None:
        return None
    found = _TARGET.fullmatch(flag)
    if found is None or found[2] in (".", "..") or found[2].endswith(".git"):
        raise UsageError(
            "--relay must be github:OWNER/REPO", hint="write a repository such as github:acme/engines"
        )
    from reconciler.adapters.github.client import PUBLIC, github_endpoint
    from reconciler.adapters.relay.sender import Target

    owner, repo = found[1], found[2]
    endpoint = github_endpoint(environment.get(API) or PUBLIC)
    return Target(owner, repo, endpoint, _token((owner, repo), environment))


def _token(repository: tuple[str, str], environment: Mapping[str, str]) -> Token:
    app = {name: environment.get(name, "") for name in (APP_ID, KEY_FILE, INSTALLATION)}
    plain = environment.get(TOKEN)
    if not any(app.values()):
        return _plain_token(TOKEN if plain else FALLBACK, plain or environment.get(FALLBACK, ""))
    if plain:
        raise InvalidInput(f"both {TOKEN} and a GitHub App are set", hint="remove one of them")
    if not (app[APP_ID] and app[KEY_FILE]):
        raise InvalidInput(
            f"a GitHub App needs both {APP_ID} and {KEY_FILE}", hint="or set a token: " + TOKEN
        )
    if not _APP.fullmatch(app[APP_ID]):
        raise InvalidInput(
            f"{APP_ID} is not an App ID", hint="use the App ID or Client ID from the App's settings page"
        )
    if app[INSTALLATION] and not _NUMBER.fullmatch(app[INSTALLATION]):
        raise InvalidInput(f"{INSTALLATION} is not a number", hint="remove it to have it looked up")
    from reconciler.adapters.github.token import AppToken, read_app_key

    key = read_app_key(Path(app[KEY_FILE]))
    return AppToken(app[APP_ID], key, repository, app[INSTALLATION] or None, time.time)


def _plain_token(name: str, token: str) -> Token:
    from reconciler.adapters.github.token import PlainToken, fits_header

    if not token:
        raise InvalidInput(
            f"--relay needs a token: {TOKEN} is not set, nor {FALLBACK}, nor a GitHub App ({APP_ID})",
            hint="use a fine-grained token with Contents: read and write on that repository",
        )
    if not fits_header(token):
        raise InvalidInput(
            f"{name} contains a space, a line break or another invalid character",
            hint="set it to the token exactly as GitHub shows it",
        )
    return PlainToken(token)
