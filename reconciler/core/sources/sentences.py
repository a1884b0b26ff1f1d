"""Which sentences of a page changed, told from a digest of each and its first words.

A whole copy of each page in the repository would show more. But pages belong to others, and a repository is copied and
kept for ever, so no more is kept of a sentence than people need to recognise it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from reconciler.core.digests import sha256
from reconciler.core.frozen import dataclass
from reconciler.core.patterns import lazy_pattern
from reconciler.core.sources.main_text import normalized
from reconciler.core.sources.state import MAX_SENTENCES
from reconciler.core.values import as_line

OPENING = 60  # characters that are kept of a sentence
SHOWN = 12  # sentences of a difference that are kept, of each side
LONGEST = 300  # characters of one that is new
_HEX = 8
# Enough to tell sentences apart; where one is cut wrongly, both looks cut it alike.
_ENDS = lazy_pattern(r"(?<=[.!?…])[\"'”’»)\]]*\s+|(?<=[。！？])")


@dataclass(frozen=True, slots=True)
class TextChange:
    """What a text lost and what it gained: `lost` by the first words, `gained` in full up to a bound. `more` counts
    what is left out of both.
    """

    lost: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()
    more: int = 0


def kept_of(text: str) -> tuple[str, ...]:
    """What is kept of a main text: `<8 hex digits> <first words>` for each of its first sentences."""
    return tuple(f"{_id(one)} {_opening(one)}" for one in sentences(text)[:MAX_SENTENCES])


def sentences(text: str) -> list[str]:
    """One line each, of what counts in a main text."""
    return list(_sentences(normalized(text)))


def _sentences(text: str) -> Iterator[str]:
    for line in text.splitlines():
        for part in _ENDS.split(line):
            sentence = " ".join(part.split())
            if any(map(str.isalnum, sentence)):
                yield as_line(sentence)


def change(kept: Sequence[str], text: str) -> TextChange:
    """What differs between the sentences that were kept and a text as it is now. Empty where the change is further
    down than what was kept.
    """
    now = sentences(text)
    whole = len(kept) < MAX_SENTENCES
    bound = 2 * MAX_SENTENCES if whole else MAX_SENTENCES  # comparing takes time that grows with both
    rest = len(now) - bound if whole else 0
    now = now[:bound]
    before, after = [one[:_HEX] for one in kept], [_id(one) for one in now]
    lost: list[str] = []
    gained: list[str] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for what, start, end, new_start, new_end in matcher.get_opcodes():
        if what != "equal":
            lost += kept[start:end]
            gained += now[new_start:new_end]
    moved = {one[:_HEX] for one in lost} & {_id(one) for one in gained}
    lost = [one for one in lost if one[:_HEX] not in moved]
    gained = [one for one in gained if _id(one) not in moved]
    more = max(0, len(lost) - SHOWN) + max(0, len(gained) - SHOWN) + max(0, rest)
    return TextChange(
        tuple(_opening(one[_HEX + 1 :]) for one in lost[:SHOWN]),
        tuple(_cut(one, LONGEST) for one in gained[:SHOWN]),
        more,
    )


def _id(sentence: str) -> str:
    plain = re.sub(r"\W+", "", sentence.casefold())
    return sha256(plain.encode("utf-8", "replace"))[:_HEX]


def _opening(sentence: str) -> str:
    return _cut(sentence, OPENING)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
