"""Taking text out of pages that were made to prevent it, and bodies that were made to burst."""

from __future__ import annotations

import asyncio
import os
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.adapters.web.compression import Body, TooLarge, Unreadable
from reconciler.adapters.web.extraction import Readers, require_libraries
from reconciler.adapters.web.extraction import Unreadable as NotRead
from reconciler.adapters.web.limits import Limits
from reconciler.adapters.web.page_text import Read, read
from reconciler.core.errors import InvalidInput
from reconciler.core.sources.look import PageKind
from tests.adapters.web.articles import page

PAGE = page("x").encode()
MARKUP = st.text(alphabet="<>/!-=\"' \n&;#x0aApPdDiIvVsScCrRtTmMeE\u0000\u202e\x1b[", max_size=300)


async def _read(*bodies: bytes, limits: Limits) -> list[Read | str]:
    found: list[Read | str] = []
    async with Readers(limits) as readers:
        for body in bodies:
            try:
                found.append(await readers.read(body, "text/html", ""))
            except NotRead as error:
                found.append(str(error))
    return found


def test_a_page_that_takes_too_long_is_given_up_and_the_next_one_is_read() -> None:
    endless = b"<html><body>" + b"".join(b"<p>%d <b>words of a page</b>" % one for one in range(200_000))
    slow, fine = asyncio.run(_read(endless, PAGE, limits=Limits(read=0.5, readers=1)))
    assert slow == "took longer than 0.5 s to read"
    assert isinstance(fine, Read)
    assert fine.kind == PageKind.TEXT


def test_a_page_that_takes_too_much_memory_ends_its_process_alone() -> None:
    wide = b"<html><body>" + b"<p>x<b>" * 1_000_000
    bad, fine = asyncio.run(_read(wide, PAGE, limits=Limits(memory=200 << 20, readers=1)))
    assert isinstance(bad, str)
    assert bad.startswith("cannot be read")
    assert isinstance(fine, Read)


def test_the_process_knows_no_secret_and_ends_with_its_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINGO_API_KEY", "key-7c1f")
    monkeypatch.setenv("HTTPS_PROXY", "http://u:key-7c1f@proxy")

    async def environments() -> tuple[list[str], list[int]]:
        async with Readers(Limits(readers=1)) as readers:
            await readers.read(PAGE, "text/html", "")
            numbers = [one._process.pid for one in readers._idle]
            return [Path(f"/proc/{number}/environ").read_text() for number in numbers], numbers

    found, numbers = asyncio.run(environments())
    assert found
    assert all("7c1f" not in one for one in found)
    assert not [number for number in numbers if os.path.exists(f"/proc/{number}")]


def test_modules_beside_the_caller_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository may hold a `trafilatura.py`, and `reconcile` is run in it."""
    for name in ("trafilatura", "lxml", "json", "struct"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    (found,) = asyncio.run(_read(PAGE, limits=Limits(readers=1)))
    assert isinstance(found, Read)
    assert not (tmp_path / "ran").exists()


def test_missing_libraries_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.adapters.web.extraction._NEEDED", ("h2", "no_such_library"))
    with pytest.raises(InvalidInput) as raised:
        require_libraries()
    assert "no_such_library" in raised.value.message
    assert "`pip install h2 lxml_html_clean protego trafilatura` in the environment" in (
        raised.value.hint or ""
    )


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(st.binary(max_size=400), MARKUP.map(str.encode)),
    st.sampled_from(["text/html", "text/plain", ""]),
)
def test_no_bytes_break_the_reader(body: bytes, media_type: str) -> None:
    found = read(body, media_type, "utf-8")
    assert found.kind in list(PageKind)
    assert found.title.isprintable()
    assert (found.digest is not None) == (found.kind == PageKind.TEXT)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0",
        b"<",
        b"<html",
        b"<?xml version='1.0' encoding='x'?>",
        b"<!--",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]>&b;",
    ],
)
def test_beginnings_of_pages(body: bytes) -> None:
    assert read(body, "text/html", "").digest is None


def test_entities_are_not_fetched_and_do_not_grow(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key-7c1f")
    bomb = '<!DOCTYPE html [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    bomb += f'<!ENTITY x SYSTEM "file://{tmp_path}/secret">]>' + page("x").replace("<p>", "<p>&b;&b; &x;")
    found = read(bomb.encode(), "application/xhtml+xml", "")
    assert "7c1f" not in found.text
    assert len(found.text) < 2 * len(bomb)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress", "x" * 400])
def test_encodings_that_nobody_asked_for(encoding: str) -> None:
    with pytest.raises(Unreadable, match="not asked for"):
        Body(encoding, 100, 100)


@given(st.binary(max_size=2000), st.lists(st.integers(1, 50), min_size=1, max_size=9))
def test_pieces_of_any_size_are_the_same_body(content: bytes, sizes: list[int]) -> None:
    packed = zlib.compress(content)
    body = Body("deflate", 10_000, 10_000)
    place = 0
    while place < len(packed):
        size = sizes[place % len(sizes)]
        body.add(packed[place : place + size])
        place += size
    assert body.whole() == content


@given(st.binary(min_size=1, max_size=500))
def test_garbage_is_refused_or_bounded(garbage: bytes) -> None:
    body = Body("gzip", 1000, 1000)
    try:
        body.add(garbage)
        assert len(body.whole()) <= 1000
    except Unreadable:
        return


def test_a_bomb_is_stopped_at_the_limit() -> None:
    body = Body("gzip", 10 << 20, 1 << 20)
    with pytest.raises(TooLarge, match="larger than 1 MiB when decompressed"):
        body.add(zlib.compress(b"0" * (20 << 20), wbits=31))
    assert len(body._content) <= (1 << 20) + (1 << 16)


def test_a_body_may_be_cut_instead() -> None:
    body = Body("gzip", 10_000, 100, cut=True)
    body.add(zlib.compress(b"0123456789" * 1000, wbits=31))
    assert body.full
    assert body.whole() == b"0123456789" * 10
