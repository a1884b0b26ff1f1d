"""SHA-1 and SHA-256 in hex: by Python's own code for the first few, by OpenSSL's for the rest.

OpenSSL hashes five times as fast, but takes 3 ms to load, and a short command hashes two kilobytes. Where Python has no
code of its own (it may be built without), OpenSSL's is loaded at once, as the standard library's `random` does.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

_FEW = 1 << 19  # bytes, from where on OpenSSL saves more than it costs
_left = _FEW
_own: dict[str, Callable[..., Any]] = {}
_openssl: dict[str, Callable[..., Any]] = {}


def sha1(data: bytes, more: bytes = b"") -> str:
    """Of both together, without a copy. Only for what nobody gains by forging."""
    digest = (_openssl.get("sha1") or _maker("sha1", data, more))(data, usedforsecurity=False)
    digest.update(more)
    text: str = digest.hexdigest()
    return text


def sha256(data: bytes, more: bytes = b"") -> str:
    """The same."""
    digest = (_openssl.get("sha256") or _maker("sha256", data, more))(data, usedforsecurity=False)
    digest.update(more)
    text: str = digest.hexdigest()
    return text


def _maker(name: str, data: bytes, more: bytes) -> Callable[..., Any]:
    global _left
    _left -= len(data) + len(more)
    if name not in _own and (module := _module_of(name)) is not None:
        _own[name] = getattr(module, name)
    if _left >= 0 and name in _own:
        return _own[name]
    import hashlib

    _openssl.update(sha1=hashlib.sha1, sha256=hashlib.sha256)
    return _openssl[name]


def _module_of(name: str) -> Any:
    """Python's own, which has one name or another; None where it was left out."""
    with suppress(ImportError):
        if name == "sha1":
            import _sha1  # type: ignore[import-not-found]

            return _sha1
        with suppress(ImportError):  # before Python 3.12
            import _sha2  # type: ignore[import-not-found]

            return _sha2
        import _sha256  # type: ignore[import-not-found]

        return _sha256
    return None
