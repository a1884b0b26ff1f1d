"""The API key from the system's keyring, for laptops: an optional extra, asked only when no variable has the key.

Store it once with `keyring set lingo-reconcile <host>`, such as `keyring set lingo-reconcile api.lingo.dev`.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from reconciler.adapters.system import trail

SERVICE = "lingo-reconcile"


def key_from_keyring(api_url: str) -> str | None:
    """The key stored for the host of this URL, or None: also when the extra or a keyring is not there."""
    try:
        import keyring  # an optional extra
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        key = keyring.get_password(SERVICE, urlsplit(api_url).hostname or "")
    except KeyringError:
        return None
    if key:
        trail.hide(key)
    return key
