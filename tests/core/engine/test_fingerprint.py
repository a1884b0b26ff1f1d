"""Fingerprints ignore what they promise to ignore, and nothing else; blob ids are git's."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.core.engine.fingerprint import blob_id, fingerprint, fingerprint_of_record, same_meaning
from reconciler.core.engine.spec import Source, Spec, record_of
from tests.core.build import A, B
from tests.core.strategies import specs


def test_the_fingerprint_of_version_one_never_changes() -> None:
    """Were this to change, every engine of every user would look edited."""
    spec = Spec(
        "Acme",
        "Production",
        ("fr", "de"),
        (Source("link", "https://acme.com"), Source("content", "Sie-Form.\n")),
    )
    assert fingerprint(spec) == "v1:bba82524ad915c04802bbd1e988ee13471a2598f9cba1c7a6cc1182dd5dc797e"
    assert fingerprint(Spec("Acme")) == "v1:ccb95a036bbb7c29a851e5b779d987be6ac3f2f79e4ac7efcab3893312ce21c7"


@given(specs, st.integers(0, 2**32))
def test_order_blanks_files_and_unicode_form_do_not_count(spec: Spec, seed: int) -> None:
    locales, sources = list(spec.locales), list(spec.sources)
    Random(seed).shuffle(locales)
    Random(seed).shuffle(sources)
    other = Spec(
        unicodedata.normalize("NFD", spec.name) + " ",
        None if spec.description is None else unicodedata.normalize("NFD", spec.description) + "\n",
        tuple(locales),
        tuple(
            Source("content", one.payload.replace("\n", "\r\n") + " \n", "elsewhere.md")
            if one.type == "content"
            else one
            for one in sources
        ),
    )
    assume("\r" not in "".join(one.payload for one in spec.sources))
    assert fingerprint(other) == fingerprint(spec)


@given(specs)
def test_everything_else_counts(spec: Spec) -> None:
    different = [
        replace(spec, name=spec.name + "x"),
        replace(spec, description=(spec.description or "") + "x"),
        replace(spec, locales=(*spec.locales, "xx")),
        replace(spec, sources=(*spec.sources, Source("link", "x"))),
        replace(spec, sources=(*spec.sources, Source("content", "x"))),
    ]
    assert len({fingerprint(one) for one in [spec, *different]}) == 6


@given(specs)
def test_the_lockfile_alone_is_enough_to_compute_it_again(spec: Spec) -> None:
    record = json.loads(json.dumps(record_of(spec)))
    assert fingerprint_of_record(record) == fingerprint(spec)


def test_a_link_and_a_text_of_the_same_words_are_different() -> None:
    assert fingerprint(Spec("a", sources=(Source("link", "x"),))) != fingerprint(
        Spec("a", sources=(Source("content", "x"),))
    )


@pytest.mark.parametrize("version", ["v0:1", "v9:1", "odd"])
def test_a_fingerprint_of_another_version_is_compared_by_its_spec(version: str) -> None:
    assert same_meaning(version, record_of(A), fingerprint(A))
    assert not same_meaning(version, record_of(B), fingerprint(A))
    assert not same_meaning(version, None, fingerprint(A))


def test_a_fingerprint_of_this_version_is_believed() -> None:
    assert same_meaning(fingerprint(A), None, fingerprint(A))
    assert not same_meaning(fingerprint(B), record_of(A), fingerprint(A))


@pytest.mark.parametrize(
    ("content", "length", "id_"),
    [
        (b"", 40, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"),
        (b"hello\n", 40, "ce013625030ba8dba906f756967f9e9ca394464a"),
        (b"hello\r\n", 40, "ce013625030ba8dba906f756967f9e9ca394464a"),
        (b"", 64, "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"),
    ],
)
def test_blob_ids_are_those_of_git(content: bytes, length: int, id_: str) -> None:
    assert blob_id(content, length) == id_


def test_binary_content_keeps_its_line_ends() -> None:
    assert blob_id(b"\0\r\n") != blob_id(b"\0\n")
