"""Locales everybody uses, and what somebody may have meant by something that is not a locale.

Language names and country codes are the usual mistakes. Only words that are *not* valid language codes are here: `se`
is Northern Sami and `kr` is Kanuri, and nobody can tell whether that was meant.
"""

from __future__ import annotations

from reconciler.core.suggest import did_you_mean

# Canonical tags that need no look into the registry, whose import takes longer than reading a hundred files.
_COMMON = """
af am ar ar-AE ar-EG ar-SA az be bg bn bs ca cs cy da de de-AT de-CH de-DE el en en-AU en-CA en-GB en-IE en-IN
en-US es es-419 es-AR es-CL es-CO es-ES es-MX es-US et eu fa fi fil fr fr-BE fr-CA fr-CH fr-FR ga gl gu he hi
hr hu hy id is it it-CH it-IT ja ja-JP ka kk km kn ko ko-KR lo lt lv mk ml mn mr ms my nb nb-NO ne nl nl-BE
nl-NL nn no pa pl pl-PL pt pt-BR pt-PT ro ru ru-RU si sk sl sq sr sr-Cyrl sr-Latn sv sv-SE sw ta te th tr
tr-TR uk ur uz vi zh zh-CN zh-HK zh-Hans zh-Hant zh-Hant-HK zh-Hant-TW zh-TW zu
"""
COMMON = frozenset(_COMMON.split())

# English and own names of the languages people localize into, and the country codes often taken for them.
_MEANT = {
    "arabic": "ar", "bulgarian": "bg", "catalan": "ca", "catala": "ca", "chinese": "zh", "cn": "zh", "mandarin": "zh",
    "croatian": "hr", "hrvatski": "hr", "czech": "cs", "cesky": "cs", "cz": "cs", "danish": "da", "dansk": "da",
    "dk": "da", "dutch": "nl", "nederlands": "nl", "english": "en", "estonian": "et", "eesti": "et", "finnish": "fi",
    "suomi": "fi", "flemish": "nl-BE", "french": "fr", "francais": "fr", "français": "fr", "german": "de",
    "deutsch": "de",
    "greek": "el", "gr": "el", "hebrew": "he", "hindi": "hi", "hungarian": "hu", "magyar": "hu", "indonesian": "id",
    "irish": "ga", "italian": "it", "italiano": "it", "japanese": "ja", "jp": "ja", "korean": "ko", "latvian": "lv",
    "lithuanian": "lt", "malay": "ms", "norwegian": "no", "norsk": "no", "persian": "fa", "farsi": "fa", "polish": "pl",
    "polski": "pl", "portuguese": "pt", "portugues": "pt", "português": "pt", "brazilian": "pt-BR", "romanian": "ro",
    "russian": "ru", "serbian": "sr", "srpski": "sr", "slovak": "sk", "slovenian": "sl", "spanish": "es",
    "espanol": "es", "español": "es", "castellano": "es", "swedish": "sv", "svenska": "sv", "thai": "th",
    "turkish": "tr", "turkce": "tr", "türkçe": "tr", "ua": "uk", "ukrainian": "uk", "urdu": "ur", "vietnamese": "vi",
    "vn": "vi", "welsh": "cy",
}  # fmt: skip


def locale_meant(written: str) -> str | None:
    """The locale that was probably meant by `written`, or None when nothing comes to mind."""
    word = written.strip().casefold().replace("_", "-")
    if word in _MEANT:
        return _MEANT[word]
    language, _, rest = word.partition("-")
    if rest and language in _MEANT:
        return _MEANT[language]
    close = did_you_mean(word, _MEANT) if len(word) > 3 else None
    return _MEANT[close] if close and close[0] == word[0] else None
