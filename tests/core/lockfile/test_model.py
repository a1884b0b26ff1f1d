"""The lockfile's format: what is written, what is read back, and what is refused in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.errors import ExitCode, LockfileError, Severity
from reconciler.core.lockfile.model import EMPTY, Lockfile, outgrown, parse, render
from tests.core.build import A, B, current, entry, lockfile, pending, superseded
from tests.core.strategies import entries, keys, lockfiles

FILE = "engines.lock.json"
GOOD = lockfile(
    {
        "acme": entry(current("2", B), pending("3", A), superseded("1", A)),
        "blog": entry(current("4", A)),
    },
    old=entry(current("5", A)),
)


@given(lockfiles())
def test_what_was_rendered_parses_to_the_same(lock: Lockfile) -> None:
    assert parse(render(lock), FILE) == lock


@given(lockfiles())
def test_the_file_is_sorted_ends_with_a_newline_and_leaves_out_what_has_no_value(lock: Lockfile) -> None:
    text = render(lock).decode()
    document = json.loads(text)
    assert text == json.dumps(document, ensure_ascii=False, sort_keys=True, indent=2) + "\n"
    newer = ("hold", "insteadOf", "pruning", "revision", "updating")
    assert document["version"] == (2 if any(f'"{name}": ' in text for name in newer) else 1)
    assert "null" not in text
    assert '": {}' not in text.replace('"engines": {}', "")
    assert '": ""' not in text


def test_the_top_level_of_an_entry_is_what_applications_read() -> None:
    document = json.loads(render(GOOD))
    assert document["engines"]["acme"]["engineId"] == "eng_2"
    assert document["engines"]["acme"]["pending"]["engineId"] == "eng_3"
    assert [one["engineId"] for one in document["engines"]["acme"]["superseded"]] == ["eng_1"]
    assert document["retired"]["old"][0]["engineId"] == "eng_5"
    assert document["retired"]["old"][0]["retiredAt"] == "2026-11-24T11:00:00Z"


def test_an_empty_lockfile_is_two_keys() -> None:
    assert render(EMPTY) == b'{\n  "engines": {},\n  "version": 1\n}\n'
    assert parse(render(EMPTY), FILE) == EMPTY


@given(lockfiles(), keys, entries)
def test_a_change_of_one_key_leaves_every_other_line_alone(lock: Lockfile, key: str, new: object) -> None:
    before = json.loads(render(lock))["engines"]
    after = json.loads(render(parse(render(lock), FILE).with_entry(key, new)))["engines"]  # type: ignore[arg-type]
    before.pop(key, None)
    del after[key]
    assert after == before


def test_documents_that_nobody_touched_are_written_byte_for_byte() -> None:
    lock = parse(render(GOOD), FILE)
    changed = render(lock.with_entry("blog", None))
    start, end = render(lock).index(b'    "acme"'), render(lock).index(b'    "blog"')
    assert render(lock)[start:end].rstrip(b",\n") in changed


def test_an_entry_that_is_none_or_empty_takes_the_key_out() -> None:
    assert "blog" not in GOOD.with_entry("blog", None).engines
    assert "blog" not in GOOD.with_entry("blog", entry()).engines
    assert GOOD.with_entry("nobody", None) == GOOD


def test_entries_are_typed_when_asked_for() -> None:
    assert GOOD.entry("nobody") is None
    assert GOOD.entry("blog") == entry(current("4", A))
    assert [one.entry for one in GOOD.retired_of("old")] == [entry(current("5", A))]
    assert GOOD.retired_of("blog") == ()
    assert GOOD.with_retired("old", ()).retired == {}


# ── what is refused ────────────────────────────────────────────────────────────────────────────────────────────


def refusal(content: bytes) -> LockfileError:
    with pytest.raises(LockfileError) as caught:
        parse(content, FILE)
    error = caught.value
    assert error.exit_code is ExitCode.INVALID
    assert error.message.startswith(FILE)
    assert error.hint
    return error


def test_conflict_markers_are_named_with_their_line() -> None:
    content = render(GOOD).replace(b'    "blog"', b'<<<<<<< HEAD\n    "blog"', 1)
    error = refusal(content)
    assert "conflict markers" in error.message
    assert error.diagnostics[0].line == content[: content.index(b"<<<<")].count(b"\n") + 1


def test_a_file_truncated_anywhere_says_that_it_ends_in_the_middle() -> None:
    content = render(GOOD)
    for cut in range(len(content) - 2):
        assert "is incomplete" in refusal(content[:cut]).message


def test_a_file_that_lost_its_last_newline_is_still_whole() -> None:
    assert parse(render(GOOD).rstrip(), FILE) == GOOD


def test_a_byte_order_mark_is_read_over() -> None:
    assert parse(b"\xef\xbb\xbf" + render(GOOD), FILE) == GOOD


@pytest.mark.parametrize(
    "content", [b'{"version": 1, "engines": {"\xff": {}}}', '{"version": 1}'.encode("utf-16")]
)
def test_what_is_not_utf8_is_refused(content: bytes) -> None:
    assert "not UTF-8" in refusal(content).message


def test_a_newer_version_asks_for_an_upgrade() -> None:
    error = refusal(b'{"version": 3, "engines": {}, "novelty": true}')
    assert "version 3" in error.message
    assert "upgrade" in (error.hint or "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"{}", '"version": 1'),
        (b'{"version": "1", "engines": {}}', '"version": 1'),
        (b'{"version": true, "engines": {}}', '"version": 1'),
        (b'{"version": 0, "engines": {}}', '"version": 1'),
        (b'{"version": 1, "engines": {}, "serial": 7}', "unknown key `serial`"),
        (b'{"version": 1}', "`engines`"),
        (b'{"version": 1, "engines": []}', "`engines`"),
        (b'{"version": 1, "engines": {"acme": "eng_1"}}', "`engines`"),
        (b'{"version": 1, "engines": {"acme": {"superseded": 5}}}', "`engines`"),
        (b'{"version": 1, "engines": {}, "retired": []}', "`retired`"),
        (b'{"version": 1, "engines": {}, "retired": {"a": {}}}', "`retired`"),
        (b'{"version": 1, "engines": {}, "retired": {"a": ["eng_1"]}}', "`retired`"),
        (b'{"version": 1, "engines": {},}', "not valid JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"version": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b'{"version": 1, "engines": {"a": {}, "a": {}}}', "duplicate key `a`"),
        (
            b'{"version": 1, "engines": {"a": {"engineId": "x", "engineId": "y"}}}',
            "duplicate key `engineId`",
        ),
        (b'{"version": 1, "engines": {}, "engines": {}}', "duplicate key `engines`"),
        (b'{"version": 1, "engines": {"a": {"b": 1}}, "engines": {}}', "duplicate key `engines`"),
    ],
)
def test_files_edited_by_hand_are_refused_in_words(content: bytes, said: str) -> None:
    assert said in refusal(content).message


@pytest.mark.parametrize("key", ["acme", "engineId", "pending", "old"])
def test_a_key_that_a_merge_left_there_twice_is_seen_in_the_usual_layout(key: str) -> None:
    """JSON would silently keep the second one, and an engine would be lost."""
    lines = render(GOOD).splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if line.strip().startswith(f'"{key}":'.encode()))
    indent = len(lines[at]) - len(lines[at].lstrip())
    doubled = b" " * indent + f'"{key}": {{\n      "engineId": "eng_lost"\n    }},\n'.encode()
    assert f"duplicate key `{key}`" in refusal(b"".join([*lines[:at], doubled, *lines[at:]])).message


def test_a_whole_half_that_a_merge_left_there_twice_is_seen() -> None:
    halves = render(GOOD).replace(
        b'  "retired"', render(GOOD)[4 : render(GOOD).index(b'  "retired"')] + b'  "retired"'
    )
    assert "duplicate key `engines`" in refusal(halves).message


@given(st.binary(max_size=40))
def test_no_bytes_make_anything_but_a_lockfile_or_an_error_of_ours(content: bytes) -> None:
    for candidate in (content, b'{"version": 1, "engines": ' + content + b"}"):
        hint: str | None = "a lockfile needs none"
        try:
            parse(candidate, FILE)
        except LockfileError as error:
            hint = error.hint
        assert hint


@pytest.mark.parametrize(("size", "warns"), [(79_999_999, False), (80_000_000, True), (130_000_000, True)])
def test_a_lockfile_near_what_git_hosts_refuse_is_warned_of(size: int, warns: bool) -> None:
    found = outgrown(size, FILE)
    assert (found is not None) is warns
    if found is not None:
        assert found.severity is Severity.WARNING
        assert found.message.startswith(f"{FILE} has {size // 1_000_000} MB; ")
        assert "each team's folder a project" in (found.hint or "")
