"""The journal's format: torn ends are no loss, unreadable lines are never passed over, copies merge by union."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.errors import ExitCode, JournalError
from reconciler.core.ledger.journal import (
    JobSummary,
    Record,
    Settlement,
    UncertainOutcome,
    parse,
    render,
    union,
)
from tests.core.build import T0, A, accepted, begin, ended
from tests.core.strategies import journals

FILE = "journal.jsonl"
SOME: list[Record] = [
    begin("1", A, 1),
    accepted("1", 2),
    ended("1", 3, "failed", "it bröke"),
    JobSummary("op_1", {"instructions": 6}, T0),
    UncertainOutcome("op_2", "nobody knows", T0),
    Settlement("op_2", "engine", T0, engine_id="eng_2"),
]


@given(journals())
def test_what_was_rendered_parses_to_the_same(records: list[Record]) -> None:
    content = render(records)
    parsed, whole = parse(content, FILE)
    assert parsed == union(records)
    assert whole == len(content)


def test_a_line_is_one_json_object_with_its_version_and_type() -> None:
    lines = [json.loads(line) for line in render(SOME).splitlines()]
    assert [line["type"] for line in lines] == [
        "begin",
        "accepted",
        "ended",
        "summary",
        "uncertain",
        "resolved",
    ]
    assert all(line["v"] == 1 for line in lines)
    assert lines[1]["engineId"] == "eng_1"
    assert "jobId" not in lines[5]


def test_a_last_line_torn_at_any_byte_is_as_if_it_had_not_been_written() -> None:
    everything = render(SOME)
    for cut in range(len(everything) + 1):
        content = everything[:cut]
        records, whole = parse(content, FILE)
        complete = content.count(b"\n")
        assert list(records) == SOME[:complete]
        assert content[:whole] == render(SOME[:complete])


def test_appending_after_the_whole_lines_gives_a_readable_journal_again() -> None:
    torn = render(SOME)[:-5]
    _, whole = parse(torn, FILE)
    assert list(parse(torn[:whole] + render(SOME[-1:]), FILE)[0]) == SOME


def test_blank_lines_and_repeated_lines_count_for_nothing() -> None:
    content = b"\n" + render(SOME) + b"\n  \n" + render(SOME[:2])
    assert list(parse(content, FILE)[0]) == SOME


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"<<<<<<< HEAD", "not valid JSON"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b'{"v":1,"type":"begin"', "not valid JSON"),
        (b"[" * 50_000, "nested too deeply"),
        (b"[]", "not a JSON object"),
        (b'"begin"', "not a JSON object"),
        (b'{"type":"begin"}', "version nothing"),
        (b'{"v":3,"type":"begin"}', "version 3, but this reconcile supports versions up to 2"),
        (b'{"v":true,"type":"begin"}', "version True"),
        (b'{"v":1}', "unknown type"),
        (b'{"v":1,"type":"party"}', "unknown type"),
        (b'{"v":1,"type":["begin"]}', "unknown type"),
        (b'{"v":1,"type":"uncertain","operation":"op"}', "wrong fields"),
        (b'{"v":1,"type":"uncertain","operation":"op","reason":"r","x":1}', "wrong fields"),
        (b'{"v":1,"type":"uncertain","operation":"","reason":"r","at":"t"}', "`operation` must be an ID"),
        (b'{"v":1,"type":"uncertain","operation":"op","reason":"r","at":5}', "`at` must be a time"),
        (
            b'{"v":1,"type":"accepted","operation":"op","jobId":1,"engineId":"e","at":"t"}',
            "`jobId` must be an ID",
        ),
        (
            b'{"v":1,"type":"ended","operation":"op","result":"failed","error":[],"at":"t"}',
            "`error` must be one line",
        ),
        (
            b'{"v":1,"type":"refused","operation":"op","message":"m","status":"x","final":true,"at":"t"}',
            "`status` is malformed",
        ),
        (
            b'{"v":1,"type":"refused","operation":"op","message":"m","status":4,"final":1,"at":"t"}',
            "`final` is malformed",
        ),
        (
            b'{"v":1,"type":"begin","operation":"op","key":"k","fingerprint":"v1:f","spec":5,"files":{},"at":"t"}',
            "`spec`: it must be an object",
        ),
        (
            b'{"v":1,"type":"begin","operation":"op","key":"k","fingerprint":"v1:f","spec":{},"files":{},"at":"t"}',
            "`name` must be one line",
        ),
    ],
)
def test_an_unreadable_line_is_an_error_with_its_number(line: bytes, said: str) -> None:
    content = render(SOME[:2]) + line + b"\n" + render(SOME[2:])
    with pytest.raises(JournalError) as caught:
        parse(content, FILE)
    error = caught.value
    assert said in error.message
    assert "line 3" in error.message
    assert error.diagnostics[0].line == 3
    assert error.exit_code is ExitCode.INVALID
    assert "keep a copy" in (error.hint or "")


@given(st.binary(max_size=60))
def test_no_bytes_make_anything_but_records_or_an_error_of_ours(content: bytes) -> None:
    for candidate in (content, b'{"v":1,"type":"ended",' + content + b"}\n"):
        whole = candidate.rfind(b"\n") + 1
        hint: str | None = "records need none"
        try:
            _, whole = parse(candidate, FILE)
        except JournalError as error:
            hint = error.hint
        assert hint
        assert whole == candidate.rfind(b"\n") + 1


# ── union: two copies of a journal are one set of facts ────────────────────────────────────────────────────────


def as_set(records: tuple[Record, ...]) -> set[bytes]:
    return {render([record]) for record in records}


@given(journals(), journals(), journals())
def test_union_is_commutative_associative_and_idempotent(
    one: list[Record], two: list[Record], three: list[Record]
) -> None:
    assert as_set(union(one, two)) == as_set(union(two, one))
    assert union(union(one, two), three) == union(one, union(two, three)) == union(one, two, three)
    assert union(one, one) == union(one)
    assert as_set(union(one, two)) == as_set(union(one)) | as_set(union(two))


@given(journals())
def test_reading_two_copies_after_each_other_is_their_union(records: list[Record]) -> None:
    assert parse(render(records) + render(records[::-1]), FILE)[0] == union(records, records[::-1])
