"""What of a main text counts, its digest, and figures for people: words and tokens.

The text that a library takes out of a page still differs from one visit to the next: "updated 3 hours ago", a request
ID, `?utm_source=…` in an address, one view more. None of that is news to an engine, so none of it reaches the digest.
The rules are versioned like fingerprints. A new version compares with nothing that an older one recorded, and says so.
"""

from __future__ import annotations

import re
import unicodedata

from reconciler.core.digests import sha256
from reconciler.core.patterns import lazy_pattern

DIGEST_VERSION = "m1"

_MONTHS = (
    r"(?:jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|févr(?:ier)?|mar(?:ch|s|zo)?|märz|apr(?:il)?|avril|abril|may|mai|mayo|"
    r"jun[ei]?|juin|junio|jul[yi]?|juillet|julio|aug(?:ust)?|août|agosto|sep(?:t(?:ember|embre|iembre)?)?|"
    r"o[ck]t(?:ober|obre|ubre)?|nov(?:ember|embre|iembre)?|de[cz](?:ember)?|déc(?:embre)?|diciembre)\b\.?"
)
_TIME = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:\s?[ap]\.?m\b\.?)?"
_ZONE = r"(?:\s?(?:Z|UTC|GMT|[A-Z]{2,4}T|[+-]\d\d:?\d\d))"
_DATES = lazy_pattern(
    r"(?<![\w.-])(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,?\s+)?(?:"
    r"\d{4}-\d\d-\d\d|\d{4}/\d\d?/\d\d?|\d\d?[./]\d\d?[./](?:\d{4}|\d\d)|\d{4}年\d\d?月\d\d?日|"
    rf"\d\d?(?:st|nd|rd|th|\.)?\s(?:de\s|of\s)?{_MONTHS}(?:,?\s(?:de\s)?\d{{4}})?|"
    rf"{_MONTHS}\s\d\d?(?:st|nd|rd|th)?(?:,?\s\d{{4}})?|{_MONTHS},?\s(?:de\s)?\d{{4}}"
    rf")(?:(?:,?\s(?:at\s|um\s|à\s)?|T){_TIME}{_ZONE}?)?(?![\w-])"
    # A time alone may be opening hours. With seconds or a zone it is when something happened.
    rf"|(?<![\w:.])(?:{_TIME}{_ZONE}|\d\d?:\d\d:\d\d)(?![\w:])",
    re.IGNORECASE,
)
_AGO = lazy_pattern(
    r"\b(?:an?|one|a few|\d+)\s(?:second|minute|hour|day|week|month|year|sec|min|hr)s?\sago\b|\bjust now\b|"
    r"\bvor\s(?:einem|einer|\d+)\s(?:Sekunde|Minute|Stunde|Tag|Woche|Monat|Jahr)(?:n|en|e)?\b|"
    r"\bil y a\s(?:une?|\d+)\s(?:seconde|minute|heure|jour|semaine|mois|an)s?\b|"
    r"\bhace\s(?:una?|\d+)\s(?:segundo|minuto|hora|día|semana|mes|año)(?:s|es)?\b|\d+\s?(?:秒|分|時間|日|か月|年)前",
    re.IGNORECASE,
)
_COUNTERS = lazy_pattern(
    r"\b\d[\d,.\u202f ]{0,15}[km]?\s?(?:views?|likes?|shares?|comments?|followers?|claps?|reads?|downloads?|upvotes?|"
    r"reactions?|min(?:ute)?s?(?: of)? read(?:ing)?)\b",
    re.IGNORECASE,
)
_NONCES = lazy_pattern(  # each look ahead stays within one word, so that the whole is linear
    r"(?<![\w-])(?:(?i:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
    # Letters and digits in turn: no word and no number looks like this, a product's code is shorter.
    r"|(?i:(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{16,})"
    r"|(?=[A-Za-z_-]*\d)(?=[0-9A-Z_-]*[a-z])(?=[0-9a-z_-]*[A-Z])[A-Za-z0-9_-]{20,}={0,2})(?![\w-])"
)
_LONG_NUMBERS = lazy_pattern(r"(?<![\d.,])\d{13,}(?![\d.,])")  # moments in milliseconds, counters of requests
_COPYRIGHT = lazy_pattern(r"(?:©|\(c\)|copyright\b).{0,120}", re.IGNORECASE)
_URL = lazy_pattern(r"https?://[^\s<>\"')\]]+")
_TRACKING = lazy_pattern(
    r"(?:utm_\w+|mc_[ce]id|[a-z]*clid|gclsrc|_ga|_gl|_hs\w+|hsa_\w+|igshid|mkt_tok|oly_\w+|ref|ref_src|spm|"
    r"session_?id|sid|phpsessid|jsessionid|nonce|token|csrf\w*|cache_?bust(?:er)?|cb|_|ts|timestamp|rand)",
    re.IGNORECASE,
)
_SESSION_PATH = lazy_pattern(r";(?:jsessionid|phpsessid|sid)=[^/?#]*", re.IGNORECASE)
_INVISIBLE = dict.fromkeys(
    [0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, *range(0x200E, 0x2010), *range(0x202A, 0x202F)]
)
_NO_BLANKS = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # scripts that are written without
_WORD = lazy_pattern(rf"[{_NO_BLANKS}]|[^\W_{_NO_BLANKS}]+(?:['’\-][^\W_]+)*")
_LONGEST_LINE = 20_000  # characters by which patterns go; a longer line is cut into pieces


def normalized(text: str) -> str:
    """`text` without what does not count, one paragraph a line. Linear in its length."""
    clean = unicodedata.normalize("NFC", text).translate(_INVISIBLE)
    lines = (_line(piece) for line in clean.splitlines() for piece in _pieces(line))
    return "\n".join(line for line in lines if line)


def text_digest(text: str) -> str:
    """Of a main text as the library gave it: `m1:sha256:…`."""
    return f"{DIGEST_VERSION}:sha256:{sha256(normalized(text).encode('utf-8', 'surrogatepass'))}"


def word_count(text: str) -> int:
    """Words; where a script has no blanks between them, characters."""
    return sum(1 for _ in _WORD.finditer(text))


def token_estimate(text: str) -> int:
    """About how many tokens a language model takes the text for: within a third for most languages.

    Four bytes of ASCII make one, other alphabets need one for two letters, Chinese, Japanese and Korean one a letter.
    """
    ascii_letters = wide = 0
    for letter in text:
        if letter < "\x80":
            ascii_letters += 1
        elif letter >= "\u2e80":
            wide += 1
    others = len(text) - ascii_letters - wide
    return -(-ascii_letters // 4) + -(-others // 2) + wide


def _pieces(line: str) -> list[str]:
    line = " ".join(line.split())
    return [line[start : start + _LONGEST_LINE] for start in range(0, len(line), _LONGEST_LINE)]


def _line(line: str) -> str:
    line = _URL.sub(lambda found: without_tracking(found[0]), line)
    for pattern in (_AGO, _DATES, _COUNTERS, _NONCES, _LONG_NUMBERS):
        line = pattern.sub("", line)
    if _COPYRIGHT.fullmatch(line.strip()):
        return ""
    line = " ".join(line.split())
    return line if any(letter.isalnum() for letter in line) else ""


def without_tracking(url: str) -> str:
    """An address without the parameters that name a visit or a campaign instead of a page, and without fragment."""
    address = url.partition("#")[0]
    place, mark, query = address.partition("?")
    kept = [one for one in query.split("&") if one and not _TRACKING.fullmatch(one.partition("=")[0])]
    return _SESSION_PATH.sub("", place) + (mark + "&".join(kept) if kept else "")
