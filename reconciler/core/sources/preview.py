"""What an engine would learn from, before any is paid for: each link and each text, with its words and tokens."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.core.engine.spec import Desired, Source
from reconciler.core.errors import Diagnostic, Severity
from reconciler.core.frozen import dataclass
from reconciler.core.sources.links import Place, link_findings
from reconciler.core.sources.look import PageLook
from reconciler.core.sources.main_text import token_estimate, word_count

THIN = 50  # words; with fewer there is little to learn from


@dataclass(frozen=True, slots=True)
class SourcePreview:
    """One source. `name` is the address of a link, the path of a text, or empty for a text in the engine file; `look`
    is None for a text. `text` is what the engine would learn from, as far as it is known.
    """

    type: str
    name: str
    text: str = ""
    words: int = 0
    tokens: int = 0
    look: PageLook | None = None
    findings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class EnginePreview:
    """One engine file. `sources` are in its order."""

    key: str
    file: str
    sources: tuple[SourcePreview, ...] = ()

    @property
    def words(self) -> int:
        return sum(one.words for one in self.sources)

    @property
    def tokens(self) -> int:
        return sum(one.tokens for one in self.sources)

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        return tuple(found for one in self.sources for found in one.findings)


def preview_of(engine: Desired, places: Mapping[str, Place], looks: Mapping[str, PageLook]) -> EnginePreview:
    """`places` are those of its links, `looks` what was found there."""
    told = list(link_findings(engine.key, places, looks))
    return EnginePreview(
        engine.key,
        engine.file,
        tuple(_source(engine, source, places, looks, told) for source in engine.spec.sources),
    )


def _source(
    engine: Desired,
    source: Source,
    places: Mapping[str, Place],
    looks: Mapping[str, PageLook],
    told: list[Diagnostic],
) -> SourcePreview:
    if source.type == "content":
        words, tokens = word_count(source.payload), token_estimate(source.payload)
        thin = _thin(words, source.file or "a text", engine, None)
        return SourcePreview("content", source.file or "", source.payload, words, tokens, findings=thin)
    url = source.payload
    look, place = looks.get(url), places.get(url)
    text = (look.text if look is not None else None) or ""
    found = tuple(one for one in told if place is not None and (one.file, one.line, one.col) == place[:3])
    words = look.words if look is not None else 0
    if not found and look is not None:
        found = _thin(words, url, engine, place)
    return SourcePreview("link", url, text, words, token_estimate(text), look, found)


def _thin(words: int, name: str, engine: Desired, place: Place | None) -> tuple[Diagnostic, ...]:
    if words >= THIN:
        return ()
    file, line, col, excerpt = place or (engine.file, None, None, None)
    message = f"{name} has {words:,} {'word' if words == 1 else 'words'}, which is little to learn from"
    hint = "link a page with more text, or add a `content` source"
    return (Diagnostic(message, file, line, col, excerpt, hint, Severity.WARNING, engine.key),)
