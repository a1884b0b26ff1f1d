"""A big lockfile is read as texts: to the same values as by the exact reader, and never where that one would refuse.

The two readers are compared on whole lockfiles and on files that were damaged in many ways.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.engine.spec import LifecycleOptions, Output
from reconciler.core.errors import LockfileError
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.working_copy import WorkingCopy
from reconciler.core.lockfile import model
from reconciler.core.lockfile.fast_path import recorded_files
from reconciler.core.lockfile.merge import merge
from reconciler.core.lockfile.model import EMPTY, Lockfile, read_exactly, render
from reconciler.core.lockfile.names import engines_of, names_of, unresolved_in
from reconciler.core.lockfile.text.entry import EntryText
from reconciler.core.plan.saved import entry_digest
from tests.core.build import A, B, C, current, entry, lockfile, pending, superseded, uncertain
from tests.core.strategies import currents, entries, journals, lockfiles

FILE = "engines.lock.json"
OUTPUTS = LifecycleOptions(True, (Output("i18n.json", pointer="/engineId"), Output("env", key="ENGINE")))
FULL = lockfile(
    {
        "acme": entry(current("2", B), pending("3", A), superseded("1", A), superseded("0", C, "failed")),
        "blog": replace(entry(current("4", A, summary={"instructions": 6})), kept=OUTPUTS),
        "café": replace(entry(None, uncertain("5", A)), uncertain=(uncertain("6", B),)),
    },
    old=entry(current("7", A)),
)


@pytest.fixture(autouse=True)
def _every_file_is_big(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "BIG", 0)


def as_texts(lock: Lockfile) -> Lockfile:
    """The same lockfile, read as texts."""
    model._last.clear()
    read = model.parse(render(lock), FILE)
    assert all(isinstance(one, EntryText) for one in read.engines.values())
    return read


def with_an_entry(lock: Lockfile) -> Lockfile:
    """As the exact reader gives it, to which a file without any entry goes in any case."""
    return read_exactly(render(lock.with_entry("z", entry(current("9", A)))), FILE)


@given(lockfiles().map(with_an_entry))
def test_the_values_are_the_same(lock: Lockfile) -> None:
    texts = as_texts(lock)
    assert texts == lock
    assert lock == texts
    assert {key: texts.entry(key) for key in lock.engines} == {key: lock.entry(key) for key in lock.engines}
    assert all(texts.retired_of(key) == lock.retired_of(key) for key in lock.retired)
    assert [dict(one) for one in texts.engines.values()] == list(texts.engines.values())
    assert all(entry_digest(texts, key) == entry_digest(lock, key) for key in (*lock.engines, *lock.retired))


@given(lockfiles().map(with_an_entry))
def test_what_is_asked_without_reading_them_is_the_same(lock: Lockfile) -> None:
    lock = read_exactly(render(lock), "lock")  # in the order of the file
    texts = as_texts(lock)
    for key, document in lock.engines.items():
        text = texts.engines[key]
        assert list(names_of(text)) == list(names_of(document))
        assert [name in text for name in RARE] == [name in document for name in RARE]
        assert [text.get(name) for name in RARE] == [document.get(name) for name in RARE]
        paths = ["engines/a.yaml", "b.md", "c", *document.get("files", {})]
        assert [recorded_files(text, path) for path in paths] == [
            recorded_files(document, path) for path in paths
        ]
    assert engines_of(texts) == engines_of(lock)
    assert unresolved_in(texts) == unresolved_in(lock)
    wanted = {name for one in lock.engines.values() for name in names_of(one)}
    assert WorkingCopy(texts, wanted).homes == WorkingCopy(lock, wanted).homes


RARE = ("pending", "uncertain", "superseded", "hold", "outputs", "protect", "engineId", "spec", "nothing")


@given(lockfiles().map(with_an_entry), entries)
def test_they_are_written_as_they_would_be_anew(lock: Lockfile, new: Any) -> None:
    texts = as_texts(lock)
    texts.check()
    assert render(texts) == render(lock)
    for key in ("acme", "new"):
        assert render(texts.with_entry(key, new)) == render(lock.with_entry(key, new))
        assert render(texts.with_entry(key, None)) == render(lock.with_entry(key, None))


@given(lockfiles().map(with_an_entry), journals())
def test_a_journal_folds_into_them_alike(lock: Lockfile, records: list[Any]) -> None:
    assert render(fold(as_texts(lock), records)) == render(fold(lock, records))


@given(
    lockfiles().map(with_an_entry), lockfiles().map(with_an_entry), st.none() | lockfiles().map(with_an_entry)
)
def test_they_merge_alike(ours: Lockfile, theirs: Lockfile, base: Lockfile | None) -> None:
    texts = merge(base and as_texts(base), as_texts(ours), as_texts(theirs))
    documents = merge(base, ours, theirs)
    assert render(texts.lockfile) == render(documents.lockfile)
    assert texts.doubled == documents.doubled


@given(currents(), currents())
def test_texts_are_equal_where_their_values_are(one: Any, two: Any) -> None:
    [first, second] = (as_texts(EMPTY.with_entry("a", entry(each))).engines["a"] for each in (one, two))
    assert (first == second) is (dict(first) == dict(second))
    laid_out_otherwise = model.parse(
        render(EMPTY.with_entry("a", entry(one))).replace(b"\n      ", b"\n       "), FILE
    )
    assert first == laid_out_otherwise.engines["a"]


def test_the_same_content_is_read_once() -> None:
    content = render(FULL)
    assert model.parse(content, FILE) is model.parse(bytes(bytearray(content)), "another name")


# ── damaged files ──────────────────────────────────────────────────────────────────────────────────────────────────

HUGE = "a number of 5,000 digits"
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.0, 1e400, 2**53, 2**70, HUGE, "", "\x00", "\x7f", "\ud800", "a\nb", "../x", "/etc",
    ".git/config", "v1:x", "sha256:00", "x" * 10_001, "e\u0301", "2026-13-01T00:00:00Z", "failed", "in_progress",
    "uncertain", "link", "content", "https://u:p@h", [], ["de"], ["DE"], [[]], {}, {"a": 1}, {"name": "x"},
    {"file": "a", "key": "K"}, [{"file": "a", "key": "K"}], [{"file": "../a", "key": "K"}], [{}] * 11,
)  # fmt: skip


def _written(document: Any) -> bytes:
    return (json.dumps(document, ensure_ascii=False, sort_keys=True, indent=2) + "\n").encode(
        "utf-8", "surrogatepass"
    )


MARK = "the odd value"
# To lay a whole file out takes Python a while, so each place is marked once, and the values are put there as bytes.
WRITTEN_ODD = [_written(value).rstrip(b"\n") for value in ODD]


def outcome(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except LockfileError as error:
        return str(error)


def compared(content: bytes) -> bool:
    """Whether the file was read as texts. Both readers come to the same, also with what is looked at later."""
    model._last.clear()
    texts = outcome(lambda: model.parse(content, FILE))
    exact = outcome(lambda: read_exactly(content, FILE))
    assert texts == exact
    if not isinstance(texts, Lockfile) or not isinstance(exact, Lockfile):
        return False
    if not any(isinstance(one, EntryText) for one in texts.engines.values()):
        return False  # it was left to the exact reader, which comes to the same as itself
    for key in exact.engines:
        assert outcome(lambda key=key: texts.entry(key)) == outcome(lambda key=key: exact.entry(key))  # type: ignore[misc]
        paths = ["engines/a.yaml", *exact.engines[key].get("files", ())]
        assert [recorded_files(texts.engines[key], one) for one in paths] == [
            recorded_files(exact.engines[key], one) for one in paths
        ]
    assert outcome(texts.check) == outcome(exact.check)
    assert outcome(lambda: render(texts)) == outcome(lambda: render(exact))
    return True


def paths_in(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    inner = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    )
    return [at, *(path for name, one in inner for path in paths_in(one, (*at, name)))]


def test_odd_values_anywhere() -> None:
    read_as_texts = 0
    for path in paths_in(json.loads(render(FULL)))[1:]:
        document = json.loads(render(FULL))
        place = document
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = MARK
        before, after = _written(document).split(f'"{MARK}"'.encode())
        line = before.rpartition(b"\n")[2]
        indent = b"\n" + line[: len(line) - len(line.lstrip())]
        for value in WRITTEN_ODD:
            read_as_texts += compared(before + value.replace(b"\n", indent) + after)
    assert read_as_texts > 1000  # it is no test of the exact reader alone


def test_keys_that_are_missing_unknown_or_renamed() -> None:
    for path in paths_in(json.loads(render(FULL)))[1:]:
        for change in ("remove", "rename", "add"):
            document = json.loads(render(FULL))
            place = document
            for name in path[:-1]:
                place = place[name]
            if change == "add" or isinstance(place, list):
                (place.insert(0, "x") if isinstance(place, list) else place.update(more=1))
            else:
                value = place.pop(path[-1])
                place |= {path[-1] + "x": value} if change == "rename" else {}
            compared(_written(document))


TOKENS = [
    *rb'" \ { } [ ] , : 0 - e NaN null 1.5 \u0000 \ud800 \udc00 \ud83d\ude00'.split(),
    *(b"\n", b" ", b"\t", b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf"),
]


def test_damaged_bytes() -> None:
    """Bytes that are cut out, put in or repeated, lines that are doubled or swapped; always the same ones."""
    chance, content = random.Random(1), render(FULL)
    read_as_texts = 0
    for _ in range(3000):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 2)):
            at = chance.randrange(len(damaged))
            match chance.randrange(4):
                case 0:
                    del damaged[at : at + chance.randint(1, 4)]
                case 1:
                    damaged[at:at] = chance.choice(TOKENS)
                case 2:
                    damaged[at : at + 1] = chance.choice(TOKENS)
                case _:
                    lines = bytes(damaged).split(b"\n")
                    one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
                    lines.insert(one, lines[two])
                    damaged = bytearray(b"\n".join(lines))
        read_as_texts += compared(bytes(damaged))
    assert read_as_texts > 100


@pytest.mark.parametrize(
    "again",
    [b'      "engineId": "eng_9",\n', b'    "acme": {\n      "engineId": "eng_9"\n    },\n'],
    ids=["of an entry", "of the file"],
)
def test_a_key_that_is_there_twice_is_seen(again: bytes) -> None:
    content = render(FULL)
    at = content.index(again.splitlines(keepends=True)[0].split(b":")[0])
    with pytest.raises(LockfileError, match="duplicate key"):
        model.parse(content[:at] + again + content[at:], FILE)


def test_deep_nesting_is_refused_in_words() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    content = render(FULL).replace(b'"acme": {', b'"acme": {"spec": ' + deep + b",", 1)
    with pytest.raises(LockfileError, match="nested too deeply"):
        model.parse(content, FILE)


def test_a_text_that_a_person_laid_out_is_written_as_a_run_does() -> None:
    content = render(FULL)
    other = content.replace(b'\n      "engineId"', b'\n      "engineId" ', 1)
    assert other != content
    read = model.parse(other, FILE)
    assert isinstance(read.engines["acme"], EntryText)
    assert render(read) == content


def test_where_msgspec_is_missing_the_exact_reader_reads_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    model._last.clear()
    monkeypatch.setitem(sys.modules, "reconciler.core.lockfile.text.entry", None)
    read = model.parse(render(FULL), FILE)
    assert read == FULL
    assert all(isinstance(one, dict) for one in read.engines.values())


def test_what_a_run_wrote_is_known_when_it_is_read_again_and_nothing_else_is() -> None:
    lock = with_an_entry(as_texts(FULL))
    content = render(lock)
    model.written(lock, len(content), model.digest_of(content))
    other = content.replace(b"eng_", b"enG_", 1)
    assert len(other) == len(content)
    assert model.parse(other, FILE) == read_exactly(other, FILE) != lock
    model.written(lock, len(content), model.digest_of(content))
    assert model.parse(content, FILE) is lock
    assert model.parse(content, FILE) == read_exactly(content, FILE)
    assert model.digest_of(content) == f"sha256:{hashlib.sha256(content).hexdigest()}"
