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
_makers: dict[str, Callable[..., Any]] = {}


def sha1(*parts: bytes) -> str:
    """Of the parts together, the last of which may be large. Only for what nobody gains by forging."""
    return _hex("sha1", parts)


def sha256(*parts: bytes) -> str:
    """As `sha1`."""
    return _hex("sha256", parts)


def _hex(name: str, parts: tuple[bytes, ...]) -> str:
    global _left
    if _left >= 0:
        _left -= len(parts[-1])
        if _left < 0:
            _makers.clear()
    make = _makers.get(name)
    if make is None:
        make = _makers[name] = _maker(name)
    digest = make(parts[0], usedforsecurity=False)
    for part in parts[1:]:
        digest.update(part)
    text: str = digest.hexdigest()
    return text


def _maker(name: str) -> Callable[..., Any]:
    own = _module_of(name) if _left >= 0 else None
    if own is None:
        import hashlib as own
    made: Callable[..., Any] = getattr(own, name)
    return made


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
