"""A guess at a text's language, cheap enough for thousands of pages: its letters, and else its commonest small words.

Only for people who preview a source. Where nothing stands out, it says nothing.
"""

from __future__ import annotations

from collections import Counter

from reconciler.core.patterns import lazy_pattern

_SAMPLE = 20_000  # letters that are looked at
_ENOUGH = 3  # small words that must be found
_SCRIPTS = (
    ("ja", "\u3040", "\u30ff"),
    ("ko", "\uac00", "\ud7af"),
    ("th", "\u0e00", "\u0e7f"),
    ("el", "\u0370", "\u03ff"),
    ("he", "\u0590", "\u05ff"),
    ("hi", "\u0900", "\u097f"),
    ("ar", "\u0600", "\u06ff"),
    ("zh", "\u4e00", "\u9fff"),
)
_SMALL_WORDS = {
    "en": "the and of to is that for with are this you not be from have",
    "de": "der die und das ist nicht mit den ein eine auf für sich werden wird",
    "fr": "le les des et est une pour dans que qui sur pas avec vous nous",
    "es": "el los las que una por con para del está como más su pero y",
    "it": "il che di per una sono della con non gli nel più anche è",
    "pt": "o os que uma para com não do da em mais são você pelo",
    "nl": "de het een en van is niet dat op voor met zijn te wordt",
    "sv": "och att det som är en på för med inte av till ett",
    "da": "og at det er en på til af ikke med der som et",
    "nb": "og at det er en på til av ikke med som et fra jeg",
    "fi": "ja on ei että se oli joka mutta myös ovat kun tai",
    "pl": "i w nie na się że jest do z to jak dla przez",
    "cs": "a je se na že v to s který pro jsou jako není",
    "tr": "ve bir bu için ile da de olarak daha çok gibi olan",
    "hu": "a az és hogy nem egy is ez van meg csak vagy",
    "ro": "și în de la care nu este pe cu un o din mai sunt",
    "id": "yang dan di untuk dengan ini itu tidak dari dalam adalah",
    "vi": "và của là có không được cho các một những trong",
    "ru": "и в не на что с это как по но из для",
    "uk": "і в не на що з це як та але для від",
    "bg": "и в не на че с това как по но от за",
}
_WORD = lazy_pattern(r"[^\W\d_]+")


def language_of(text: str) -> str:
    """Such as `de`; empty where unsure."""
    sample = text[:_SAMPLE]
    letters = sum(map(str.isalpha, sample))
    for language, first, last in _SCRIPTS:
        share = sum(first <= letter <= last for letter in sample)
        if share * (10 if language == "ja" else 3) > letters > 0:
            return language
    counts = Counter(word.lower() for word in _WORD.findall(sample))
    found = {
        language: sum(counts[word] for word in words.split()) for language, words in _SMALL_WORDS.items()
    }
    best, second = sorted(found, key=lambda language: -found[language])[:2]
    return best if found[best] >= _ENOUGH and found[best] > found[second] else ""
