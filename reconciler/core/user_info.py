"""Takes user names and passwords out of the addresses in a text, before anybody gets to see it.

People forget to encode `/`, `@` and blanks in a password, so the rules of URLs don't say where it ends: all up to the
last `@` goes. Rather too much is cut out than too little.
"""

from __future__ import annotations

MASK = "…"
USER_INFO = (
    r"(?<=://)(?:"
    r"[^\s/?#@:]*:(?!\d{1,5}(?:[/?#\s'\"]|$))[^\n]*@"  # `name:`, which is no port, and all up to the last `@`
    r"|\S*@)"
)


def without_user_info(text: str) -> str:
    """The text with `…@` for the user information of every address in it."""
    if "://" not in text:
        return text
    import re  # a plan that has nothing to show does without

    return re.sub(USER_INFO, f"{MASK}@", text)


def secret_parts(address: str) -> frozenset[str]:
    """What of an address must not be shown alone, either: a password, and the pieces that a program may take it for.

    For `http://ci:1234/word@host/` that are `1234/word`, `1234` and `word`, as a program may say "no route to ci:1234".
    """
    rest = address.partition("://")[2]
    user_info = rest.rpartition("@")[0]
    if not user_info:
        return frozenset()
    name, _, password = user_info.partition(":")
    whole = password or name  # `https://TOKEN@host`
    pieces = [whole]
    for mark in "/@:?#":
        pieces += [part for piece in pieces for part in piece.split(mark)]
    return frozenset(piece for piece in pieces if len(piece) > _SHORT)


_SHORT = 2  # letters that tell nothing, and that every text has
