"""The API key: from the variable of the environment (LINGO_API_KEY unless `api_key_env` names another), or from the
keyring where that extra is installed. The key of one environment never stands in for that of another.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reconciler.cli.stderr import warn
from reconciler.core.commands import KEY_VARIABLE, reconcile
from reconciler.core.errors import InvalidInput

if TYPE_CHECKING:
    from reconciler.core.settings.model import Settings

DEPRECATED_KEY = "LINGODOTDEV_API_KEY"  # of LINGO_API_KEY, and of no other


def known_key(settings: Settings) -> str | None:
    """The API key where there is one, for what is done with it on this machine alone."""
    for name in _variables(settings):
        if key := os.environ.get(name, "").strip():
            return key
    from reconciler.adapters.system.keyring_store import key_from_keyring  # only without the variable

    return key_from_keyring(settings.api_url, settings.api_key_env) or None


def api_key(settings: Settings) -> str:
    """The API key, to be sent. Raises `GuardRefused` where it would go to a host that only the repository names."""
    from reconciler.core.settings.trust import check_key_host

    check_key_host(settings)
    key = known_key(settings)
    if key is not None:
        if is_deprecated(settings):
            warn(f"{DEPRECATED_KEY} is deprecated; use {KEY_VARIABLE}")
        return key
    own = "" if settings.api_key_env == KEY_VARIABLE else f" for the environment `{settings.environment}`"
    raise InvalidInput(
        f"no API key{own}",
        hint=f"set {settings.api_key_env}; planning needs none. To try things out, run `{reconcile('sandbox')}`",
    )


def is_deprecated(settings: Settings) -> bool:
    """Whether the key stands under the deprecated name alone."""
    new, *old = _variables(settings)
    return not os.environ.get(new, "").strip() and any(os.environ.get(one, "").strip() for one in old)


def _variables(settings: Settings) -> tuple[str, ...]:
    name = settings.api_key_env
    return (name, DEPRECATED_KEY) if name == KEY_VARIABLE else (name,)
