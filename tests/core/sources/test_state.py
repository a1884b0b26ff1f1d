"""The file beside the lockfile: its format, what is refused in it, and how two of them become one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.errors import LockfileError
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.sources.state import (
    EMPTY,
    EngineRecord,
    NewerSources,
    Seen,
    SourcesState,
    engine_ids,
    merge,
    parse,
    path_beside,
    render,
)

FILE = "engines.sources.json"
DIGEST = "m1:sha256:" + "a" * 64
SEEN = Seen(
    "2026-11-24T11:08:13Z",
    200,
    "https://acme.com/guide",
    '"v1"',
    "Tue, 24 Nov 2026 11:00:00 GMT",
    1234,
    DIGEST,
    "trafilatura/2.0",
    ("0a1b2c3d Use formal tone in German.",),
)
STATE = SourcesState(
    {"eng_A": EngineRecord({"https://acme.com/brand": SEEN}, {"engines/glossary.md": "sha256:" + "b" * 64})}
)


@pytest.mark.parametrize(
    ("lockfile", "beside"),
    [
        ("engines.lock.json", "engines.sources.json"),
        ("engines.staging.lock.json", "engines.staging.sources.json"),
        ("l10n/ids.json", "l10n/ids.sources.json"),
    ],
)
def test_each_lockfile_has_a_file_beside_it(lockfile: str, beside: str) -> None:
    assert path_beside(lockfile) == beside


def test_what_is_written_is_read() -> None:
    assert parse(render(STATE), FILE) == STATE
    assert render(STATE).endswith(b"}\n")
    assert parse(b"", FILE) == EMPTY


def _with(**changes: Any) -> bytes:
    document = json.loads(render(STATE))
    document["engines"]["eng_A"]["links"]["https://acme.com/brand"].update(changes)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", f"{FILE}:1:2: not valid JSON: it is incomplete"),
        (b"[]", f"{FILE}: the file must be an object, not `list`"),
        (b"{}", f"{FILE}: version must be 1, not `nothing`"),
        (b'{"version": true}', f"{FILE}: version must be 1, not `True`"),
        (b'{"version": 1, "x": 1}', f"{FILE}: unknown key `x` in the file"),
        (b'{"version": 1, "version": 1}', f"{FILE}: duplicate key `version`"),
        (b'{"version": 1, "engines": []}', f"{FILE}: engines must be an object, not `list`"),
        (b'{"version": 1, "engines": {"../x": {}}}', "a key of `engines` must be an ID"),
        (b'{"version": 1, "engines": {"eng_A": {"files": {"../x": "sha256:ab"}}}}', "must be a path inside"),
        (b'{"version": 1, "engines": {"eng_A": {"files": {"x": "md5"}}}}', "files.x must be a digest"),
        (b'{"version": 1, "engines": {"eng_A": {"links": {"ftp://x": {}}}}}', "must be a web address"),
        (b"<<<<<<< ours\n", "has an unresolved merge conflict"),
        (_with(lookedAt="yesterday"), "lookedAt must be a time in UTC"),
        (_with(status="200"), "status must be a whole number, not `200`"),
        (_with(digest="sha256:ab"), "digest must be a digest of a main text"),
        (_with(etag="\x1b[2J"), "etag must be one line"),
        (_with(finalUrl="javascript:alert(1)"), "finalUrl must be a web address"),
        (_with(sentences="text"), "sentences must be a list"),
        (_with(sentences=["a\n::error::b"]), "sentences must be a list"),
        (_with(sentences=["a"] * 201), "sentences must be a list of at most 200"),
        (_with(spell=1), "unknown key `spell`"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_what_to_do(content: bytes, told: str) -> None:
    with pytest.raises(LockfileError) as refused:
        parse(content, FILE)
    assert told in refused.value.message
    assert FILE in refused.value.message
    assert refused.value.hint is not None
    assert refused.value.message.isprintable()


def test_a_newer_version_is_left_alone() -> None:
    with pytest.raises(NewerSources, match="has version 2"):
        parse(b'{"version": 2, "pages": []}', FILE)


def test_engines_that_the_lockfile_does_not_name_are_dropped() -> None:
    spec = {"name": "a"}
    entry = {"engineId": "eng_A", "fingerprint": "v1:a", "spec": spec}
    past = {"engineId": "eng_B", "fingerprint": "v1:b", "spec": spec, "replacedAt": "2026-11-24T11:08:13Z"}
    lockfile = Lockfile({"acme": {**entry, "superseded": [past]}})
    assert engine_ids(lockfile) == {"eng_A", "eng_B"}
    state = SourcesState({name: EngineRecord() for name in ("eng_A", "eng_B", "eng_C")})
    assert set(state.of(lockfile).engines) == {"eng_A", "eng_B"}


_URLS = st.sampled_from(["https://a.example/", "https://b.example/"])
_SEEN = st.builds(
    Seen, st.sampled_from([f"2026-11-0{day}T00:00:00Z" for day in (1, 2, 3)]), st.sampled_from([200, 404])
)
_RECORDS = st.builds(
    EngineRecord,
    st.dictionaries(_URLS, _SEEN, max_size=2),
    st.dictionaries(st.just("a.md"), st.sampled_from(["sha256:aa", "sha256:bb"]), max_size=1),
)
_STATES = st.builds(SourcesState, st.dictionaries(st.sampled_from(["eng_A", "eng_B"]), _RECORDS, max_size=2))
QUICK = settings(max_examples=60, deadline=None)


@QUICK
@given(_STATES, _STATES, _STATES)
def test_merging_does_not_depend_on_the_side(
    base: SourcesState, ours: SourcesState, theirs: SourcesState
) -> None:
    assert merge(base, ours, theirs) == merge(base, theirs, ours)
    assert merge(None, ours, theirs) == merge(None, theirs, ours)


@QUICK
@given(_STATES, _STATES)
def test_what_only_one_side_changed_is_taken_from_it(base: SourcesState, ours: SourcesState) -> None:
    assert merge(base, ours, base) == ours
    assert merge(base, base, ours) == ours
    assert merge(base, ours, ours) == ours


def test_the_newer_look_at_a_link_wins() -> None:
    older, newer = Seen("2026-11-01T00:00:00Z", 200), Seen("2026-11-02T00:00:00Z", 404)
    sides = [SourcesState({"eng_A": EngineRecord({"https://a.example/": one})}) for one in (older, newer)]
    assert merge(None, *sides) == sides[1]


def test_an_engine_that_one_side_dropped_stays_dropped() -> None:
    assert merge(STATE, STATE, EMPTY) == EMPTY
