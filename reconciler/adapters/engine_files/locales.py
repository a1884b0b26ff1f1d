"""Whether a locale is written as BCP-47 wants it. langcodes knows; this asks it once for each spelling.

langcodes takes a while to import and some twenty microseconds a call, while ten thousand engine files name the same
few locales over and over: hence the late import and the cache.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from reconciler.core.engine.locales import COMMON, locale_meant
from reconciler.core.patterns import lazy_pattern

_LANGUAGE = lazy_pattern("[a-z]{2,3}")  # a private tag, `x-…`, is none
_NO_LANGUAGE = frozenset({"und", "mul", "mis", "zxx"})


class LocaleProblem(NamedTuple):
    message: str
    hint: str


@lru_cache(maxsize=4096)
def locale_problem(written: str) -> LocaleProblem | None:
    """What is wrong with a locale tag, or None when it is valid and in canonical form (`pt-BR`, `zh-Hant-TW`)."""
    if written in COMMON:
        return None
    from langcodes import Language
    from langcodes.tag_parser import LanguageTagError

    shown = written if len(written) <= 40 else written[:40] + "…"
    try:
        language = Language.get(written.strip().replace("_", "-"))
    except LanguageTagError:
        return LocaleProblem(f"`{shown}` is not a locale", _hint(written))
    canonical = language.to_tag()
    if not _LANGUAGE.fullmatch(language.language or "") or language.language in _NO_LANGUAGE:
        return LocaleProblem(f"`{shown}` does not name a language", _hint(written))
    if not language.is_valid() or language.extlangs:
        return LocaleProblem(f"`{shown}` is not a known locale", _hint(written))
    if canonical != written:
        return LocaleProblem(f"`{shown}` is not in canonical form", f"write `{canonical}`")
    return None


def _hint(written: str) -> str:
    meant = locale_meant(written)
    return f"did you mean `{meant}`?" if meant else "use a BCP-47 tag such as `de`, `pt-BR` or `zh-Hant-TW`"
