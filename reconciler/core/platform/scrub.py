"""Takes our secrets out of what comes from outside, before anything of it is stored, printed, committed or posted.

A platform, or a gateway in front of it, may repeat the key of a request in what it says. So answers and messages are
scrubbed whole, before they are read: whichever field of them is used, now or later, no secret is in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

BLOT = "•••"
_SHORTEST = 8  # characters; anything shorter is in many a text by chance


def scrub(text: str, secrets: Iterable[str]) -> str:
    """The text with each secret blotted out."""
    for secret in secrets:
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, BLOT)
    return text


def scrub_body(body: bytes, *secrets: str) -> bytes:
    """An answer or message the same way; in JSON also where a secret is spelled with escapes."""
    told = [secret for secret in secrets if len(secret) >= _SHORTEST]
    if b"\\" in body:
        try:
            document = json.loads(body)
            scrubbed = _scrubbed(document, told)
        except (ValueError, RecursionError):
            return _replaced(body, told)  # no JSON, or half of one
        return body if scrubbed == document else json.dumps(scrubbed).encode()
    return _replaced(body, told)


def _replaced(body: bytes, secrets: list[str]) -> bytes:
    for secret in secrets:
        body = body.replace(secret.encode(), BLOT.encode())
    return body


def _scrubbed(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, str):
        return scrub(value, secrets)
    if isinstance(value, list):
        return [_scrubbed(one, secrets) for one in value]
    if isinstance(value, dict):
        return {scrub(name, secrets): _scrubbed(one, secrets) for name, one in value.items()}
    return value
