"""What an engine would learn from, for a terminal: a few lines for each source, and the sum."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.core.sources.preview import EnginePreview, SourcePreview
from reconciler.render.phrases.sanitize import sanitize, shorten
from reconciler.render.phrases.style import Look
from reconciler.render.phrases.words import counted

_LINES, _WIDTH = 3, 160  # of each text that are shown
_TEXT = 4_000  # characters of each text in JSON
SCHEMA_VERSION = 1


def render_sources(engine: EnginePreview, look: Look) -> str:
    """No final newline."""
    head = f"{look.paint(sanitize(engine.key), 'bold')} would learn from {counted(len(engine.sources), 'source')}"
    blocks = ["\n".join(_block(one, look)) for one in engine.sources]
    total = f"Total: {counted(engine.words, 'word')}, about {counted(engine.tokens, 'token')} (estimate)."
    return look.shown("\n\n".join([f"{head} ({sanitize(engine.file)}):", *blocks, look.paint(total, "bold")]))


def _block(source: SourcePreview, look: Look) -> Iterator[str]:
    name = sanitize(shorten(source.name, 300)) or "text in the engine file"
    facts = [counted(source.words, "word"), f"about {counted(source.tokens, 'token')}"]
    page = source.look
    if page is not None:
        facts += [sanitize(page.language)] if page.language else []
        facts += [f"status {page.status}"] if page.status is not None else []
    yield f"  {source.type:<8} {name}"
    yield f"           {', '.join(facts)}"
    if page is not None and page.redirects:
        yield f"           leads to {sanitize(shorten(page.final_url, 300))}"
    if page is not None and page.title:
        yield f"           title: {sanitize(_cut(page.title))}"
    for finding in source.findings:
        yield look.paint(f"           ! {sanitize(shorten(finding.message, 600))}", "yellow")
    lines = [line.strip() for line in source.text.split("\n", 50) if line.strip()]
    yield from (look.paint(f"           {sanitize(_cut(line))}", "dim") for line in lines[:_LINES])
    if len(lines) > _LINES:
        yield f"           {look.ellipsis}"


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def sources_document(engine: EnginePreview) -> dict[str, Any]:
    """The same for programs. Of each text there are its first 4,000 characters."""
    return {
        "key": engine.key,
        "file": engine.file,
        "words": engine.words,
        "tokens": engine.tokens,
        "sources": [_document(one) for one in engine.sources],
    }


def _document(source: SourcePreview) -> dict[str, Any]:
    page = source.look
    values: dict[str, Any] = {
        "type": source.type,
        "name": source.name or None,
        "words": source.words,
        "tokens": source.tokens,
        "text": source.text[:_TEXT] or None,
        "cut": True if len(source.text) > _TEXT else None,
        "findings": [one.message for one in source.findings] or None,
    }
    if page is not None:
        values |= {
            "outcome": page.outcome.value,
            "reason": page.reason or None,
            "status": page.status,
            "finalUrl": page.final_url if page.redirects else None,
            "title": page.title[:300] or None,
            "language": page.language or None,
            "bytes": page.size or None,
        }
    return {name: value for name, value in values.items() if value is not None}
