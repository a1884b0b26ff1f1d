"""The API key from the system's keyring, for laptops: an optional extra, asked only when no variable has the key.

Store it once with `keyring set lingo-reconcile <host>`, such as `keyring set lingo-reconcile api.lingo.dev`. The key of
an environment with a variable of its own has that in front: `LINGO_API_KEY_STAGING@api.lingo.dev`.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from reconciler.adapters.system import trail
from reconciler.core.commands import KEY_VARIABLE

SERVICE = "lingo-reconcile"


def key_from_keyring(api_url: str, variable: str = KEY_VARIABLE) -> str | None:
    """The key stored for the host of this URL in the place of `variable`, or None: also when the extra or a keyring is
    not there.
    """
    try:
        import keyring  # an optional extra
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        host = urlsplit(api_url).hostname or ""
        key = keyring.get_password(SERVICE, host if variable == KEY_VARIABLE else f"{variable}@{host}")
    except KeyringError:
        return None
    if key:
        trail.hide(key)
    return key
