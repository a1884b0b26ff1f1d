"""Pseudo-translation: text that is visibly translated, can still be read, and keeps all that a program looks for in it.

Letters get accents, and the locale stands before the text: `Hello, {name}!` is `[de] Ĥéļļö, {name}!`. Placeholders,
tags, URLs and code stay as they are, and so does what has no letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.core.patterns import lazy_pattern

_DEEPEST = 64  # objects and lists within one another

_ACCENTS = str.maketrans("AaCcDdEeGgHhIiJjKkLlNnOoRrSsTtUuWwYyZz", "ÅåÇçÐðÉéĜĝĤĥÎîĴĵĶķĻļÑñÖöŔŕŠšŢţÛûŴŵÝýŽž")
_KEPT = lazy_pattern(
    r"https?://[^\s<>\"')\]]+"  # a URL
    r"|[\w.+-]+@[\w-]+\.[\w.-]+"  # an address
    r"|</?[A-Za-z!][^<>]*>|&\#?\w+;"  # a tag, an entity
    r"|`[^`]*`"  # code
    r"|%(?:\([\w.]+\)|\d+\$|\{[\w.]+\})?[-+0\#]?\d*(?:\.\d+)?[@A-Za-z%]|%\{[\w.]+\}"  # printf, Ruby
    r"|\$\{[^{}]*\}|\$[A-Za-z_]\w*|(?<!\w)[:@][A-Za-z_][\w.:]*"  # ${name}, $name, :name, @:key
    r"|\\[A-Za-z]|__\w+?__"  # \n as it is written, __name__
)
_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)
_WORDS = {
    "de": {"der", "die", "das", "und", "ist", "nicht", "ein", "eine", "sie", "wir"},
    "fr": {"le", "les", "et", "est", "une", "des", "pas", "vous", "nous", "bonjour"},
    "es": {"el", "los", "las", "y", "es", "una", "por", "hola", "usted", "para"},
    "it": {"il", "gli", "che", "è", "una", "per", "non", "ciao", "sono", "della"},
    "pt": {"os", "um", "uma", "não", "você", "olá", "para", "com", "são", "mais"},
}
_MARK = re.compile(r"\[([A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*)\] ")


class TooDeep(ValueError):
    """The data has objects within objects without end."""


def translated(data: object, locale: str, depth: int = 0) -> object:
    """The same data with every text in it translated; keys, numbers and the rest stay. Raises `TooDeep`."""
    if depth > _DEEPEST:
        raise TooDeep
    if isinstance(data, str):
        return pseudo(data, locale)
    if isinstance(data, dict):
        kept = {"name"} if data.keys() == {"name", "text"} else set()  # who says something in a chat
        return {
            key: value if key in kept else translated(value, locale, depth + 1) for key, value in data.items()
        }
    if isinstance(data, list):
        return [translated(value, locale, depth + 1) for value in data]
    return data


def pseudo(text: str, locale: str) -> str:
    """One text; blanks around it stay where they are."""
    pieces = list(_pieces(text))
    if not any(own and any(map(str.isalpha, piece)) for piece, own in pieces):
        return text
    said = "".join(piece.translate(_ACCENTS) if own else piece for piece, own in pieces)
    start = len(said) - len(said.lstrip())
    return f"{said[:start]}[{locale}] {said[start:]}"


def characters(data: object, depth: int = 0) -> int:
    """How many characters the texts in the data have. Raises `TooDeep`."""
    if depth > _DEEPEST:
        raise TooDeep
    if isinstance(data, str):
        return len(data)
    if isinstance(data, dict):
        return sum(characters(value, depth + 1) for value in data.values())
    return sum(characters(value, depth + 1) for value in data) if isinstance(data, list) else 0


def language_of(text: str) -> str:
    """A guess: by the locale that `pseudo` wrote, by script, by the commonest words; English otherwise."""
    if (marked := _MARK.match(text.lstrip())) is not None:
        return marked[1]
    for language, letters in _SCRIPTS:
        if letters.search(text):
            return language
    words = set(re.findall(r"\w+", text.lower()))
    best = max(_WORDS, key=lambda language: len(words & _WORDS[language]))
    return best if words & _WORDS[best] else "en"


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, and whether each is to be translated. Braces are kept with all that is in them, so a plural
    in ICU's syntax stays valid.
    """
    at = 0
    while at < len(text):
        brace = text.find("{", at)
        end = len(text) if brace < 0 else brace
        yield from _without_marks(text[at:end])
        if brace < 0:
            return
        at = _after_brace(text, brace)
        yield text[brace:at], False


def _without_marks(text: str) -> Iterator[tuple[str, bool]]:
    at = 0
    for found in _KEPT.finditer(text):
        yield text[at : found.start()], True
        yield found[0], False
        at = found.end()
    yield text[at:], True


def _after_brace(text: str, start: int) -> int:
    """Behind the brace that closes the one at `start`; only behind that one, where none does."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at + 1
    return start + 1
