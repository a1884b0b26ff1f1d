"""The API key: from LINGO_API_KEY, its deprecated name, or the keyring where that extra is installed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reconciler.cli.stderr import warn
from reconciler.core.commands import reconcile
from reconciler.core.errors import InvalidInput

if TYPE_CHECKING:
    from reconciler.core.settings.model import Settings

DEPRECATED_KEY = "LINGODOTDEV_API_KEY"


def known_key(settings: Settings) -> str | None:
    """The API key where there is one, for what is done with it on this machine alone."""
    for name in ("LINGO_API_KEY", DEPRECATED_KEY):
        if key := os.environ.get(name, "").strip():
            return key
    from reconciler.adapters.system.keyring_store import key_from_keyring  # only without the variable

    return key_from_keyring(settings.api_url) or None


def api_key(settings: Settings) -> str:
    """The API key, to be sent. Raises `GuardRefused` where it would go to a host that only the repository names."""
    from reconciler.core.settings.trust import check_key_host

    check_key_host(settings)
    key = known_key(settings)
    if key is not None:
        if not os.environ.get("LINGO_API_KEY", "").strip() and os.environ.get(DEPRECATED_KEY, "").strip():
            warn(f"{DEPRECATED_KEY} is deprecated; use LINGO_API_KEY")
        return key
    raise InvalidInput(
        "no API key",
        hint=f"set LINGO_API_KEY; planning needs none. To try things out, run `{reconcile('sandbox')}`",
    )
