"""Which known word somebody may have meant by an unknown one.

One place, so that a misspelt key, locale, setting and flag all get their hint by the same rule.
"""

from __future__ import annotations

from collections.abc import Iterable

_LIKENESS = 0.6  # difflib's ratio; below it a suggestion confuses more than it helps


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word closest to `word`, or None when none is close. Case does not count.

    Known words of equal closeness are taken in their order in `known`.
    """
    candidates = {known_word.casefold(): known_word for known_word in reversed(list(known))}
    folded = word.strip().casefold()
    if folded in candidates:
        return candidates[folded]
    if not folded or len(folded) > 100:
        return None
    import difflib

    closest = difflib.get_close_matches(folded, list(reversed(candidates)), n=1, cutoff=_LIKENESS)
    return candidates[closest[0]] if closest else None
