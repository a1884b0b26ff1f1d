"""Engines that can be imported, each with the key that it would have: from an engine file that waits for one, or from
its name.

A name becomes a key by its letters and digits. Two engines never get one key, and no engine gets one that has an
engine: whoever imports by hand may name another.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from reconciler.core.commands import KEY as ANY_KEY
from reconciler.core.commands import reconcile
from reconciler.core.errors import UsageError
from reconciler.core.platform.listing import ListedEngine
from reconciler.core.values import KEY

_LONGEST = 80  # characters of a key
_MOST_DIGITS = 6


class Offer(NamedTuple):
    """`key` is None where there is none that it can have; then `why_not` says why, and `hint` is a command."""

    engine: ListedEngine
    key: str | None
    why_not: str | None = None
    hint: str | None = None


class Taken(NamedTuple):
    """What keys are not free: those with an entry in the lockfile, those with an engine file, of which some wait for an
    engine, by the name in it, and names that lost answers are about, with their keys.
    """

    recorded: Collection[str] = ()
    files: Collection[str] = ()
    waiting: Mapping[str, str] = {}
    lost: Mapping[str, str] = {}


def key_from(name: str | None) -> str | None:
    """`Acme (Corp.) Größe` → `acme-corp-größe`; None for a name without letters and digits."""
    if name is None:
        return None
    plain = unicodedata.normalize("NFKC", name).lower()
    words = "".join(letter if letter.isalnum() else " " for letter in plain).split()
    key = "-".join(words)[:_LONGEST].strip("-")
    return key if KEY.accepts(key) else None


def offers_for(engines: Iterable[ListedEngine], taken: Taken) -> tuple[Offer, ...]:
    """An offer for each engine, in the order of their names."""
    named = sorted(engines, key=lambda one: (one.name is None, (one.name or "").casefold(), one.engine_id))
    return tuple(_offer(engine, taken) for engine in named)


def _offer(engine: ListedEngine, taken: Taken) -> Offer:
    name = engine.name
    lost = taken.lost.get(name or "")
    if lost is not None:
        why = f"a create call of `{lost}` that got no answer may have created it"
        return Offer(engine, None, why, reconcile("resolve", "--find", arguments=[lost]))
    key = taken.waiting.get(name or "") or key_from(name)
    if key is None:
        return _refused(engine, "its name gives no key")
    if key in taken.recorded:
        return _refused(engine, f"`{key}` has an engine already")
    alike = next((one for one in taken.files if one.casefold() == key.casefold() and one != key), None)
    if alike is not None:
        return _refused(engine, f"its key would be `{key}`, and there is `{alike}`")
    return Offer(engine, key)


def _refused(engine: ListedEngine, why: str) -> Offer:
    return Offer(engine, None, why, reconcile("import", arguments=[ANY_KEY, engine.engine_id]))


def without_collisions(chosen: Sequence[Offer]) -> tuple[Offer, ...]:
    """The same, where no two have one key."""
    keys = Counter(one.key for one in chosen if one.key is not None)
    return tuple(
        one
        if one.key is None or keys[one.key] == 1
        else _refused(one.engine, f"{keys[one.key]} engines would have the key `{one.key}`")
        for one in chosen
    )


def numbers_in(text: str, most: int) -> tuple[int, ...]:
    """The numbers that `1, 3-5` or `all` stand for, each once and in order; none for an empty text.

    Raises `UsageError` for anything else, and for numbers beyond `most`.
    """
    words = text.replace(",", " ").replace(" - ", "-").split()
    if [word.lower() for word in words] in (["all"], ["*"]):
        return tuple(range(1, most + 1))
    if [word.lower() for word in words] in (["none"], ["0"]):
        return ()
    found: set[int] = set()
    for word in words:
        first, dash, last = word.partition("-")
        low, high = _number(first, word, most), _number(last, word, most) if dash else None
        if high is not None and high < low:
            raise UsageError(
                f"`{word[:40]}` is not a range", hint="write the smaller number first, as in 3-5"
            )
        found.update(range(low, (low if high is None else high) + 1))
    return tuple(sorted(found))


def _number(text: str, word: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise UsageError(
            f"`{word[:40]}` is not a number", hint="write numbers and ranges, such as 1,3-5, or `all`"
        )
    number = int(text)
    if not 1 <= number <= most:
        raise UsageError(f"there is no number {number}", hint=f"choose from 1 to {most}")
    return number
