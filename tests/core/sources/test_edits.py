"""Records of sources that somebody edited by hand."""

from __future__ import annotations

from reconciler.core.frozen import replace
from reconciler.core.sources.edits import edits_of_sources
from reconciler.core.sources.state import EngineRecord, Seen, SourcesState, render

URL = "https://acme.example/brand"
SEEN = Seen("2026-11-24T11:00:00Z", 200, digest="m1:sha256:" + "a" * 64, reader="r/1")
OTHER = "m1:sha256:" + "b" * 64


def content(seen: Seen, engine: str = "eng_1") -> bytes:
    return render(SourcesState({engine: EngineRecord({URL: seen})}))


def said(now: bytes) -> list[str]:
    return [one.message for one in edits_of_sources(content(SEEN), now, "engines.sources.json", "the base")]


def test_another_digest_by_the_same_reader_was_edited() -> None:
    assert said(content(replace(SEEN, digest=OTHER))) == [
        "engines.sources.json was edited by hand since the base: what is recorded of the sources of eng_1"
    ]


def test_what_runs_write_was_not() -> None:
    for now in (
        content(SEEN),
        content(replace(SEEN, digest=OTHER, reader="r/2")),
        content(replace(SEEN, digest=OTHER), "eng_2"),
        b"",
        b"{",
    ):
        assert said(now) == []
    unread = content(replace(SEEN, digest=None))
    assert edits_of_sources(unread, content(SEEN), "engines.sources.json", "the base") == []
