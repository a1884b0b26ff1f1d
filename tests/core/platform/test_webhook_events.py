"""What a believed body says: of any shape, and never a reason to raise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.platform.job import COMPLETED, FAILED, MAX_MESSAGE, News
from reconciler.core.platform.webhook import MAX_BODY, Event, Subject, read_event, subject_of
from reconciler.core.values import MAX_ID

COMPLETE = {"type": "provisioning.completed", "jobId": "pjb_1", "engineId": "eng_1"}
FAIL = COMPLETE | {"type": "provisioning.failed"}
NOTHING = Event(None, None, None, None)


def read(document: Any, **more: Any) -> Event:
    event = read_event(json.dumps(document | more).encode())
    assert event is not None
    return event


def test_completed() -> None:
    event = read_event(json.dumps(COMPLETE | {"brandVoices": ["a", "b"], "instructions": 6}).encode(), "op-1")
    summary = {"brandVoices": 2, "instructions": 6}
    assert event == Event(COMPLETE["type"], "pjb_1", "eng_1", COMPLETED, None, summary, "op-1")
    assert event.news == News("pjb_1", COMPLETED, None, summary)
    assert subject_of(json.dumps(COMPLETE).encode()) == Subject("provisioning.completed", "pjb_1")


@pytest.mark.parametrize("name", ["error", "errorMessage", "reason", "message"])
def test_every_spelling_of_the_reason(name: str) -> None:
    event = read(FAIL, **{name: "The crawl\nfailed \x1b[31m"})
    assert (event.status, event.error) == (FAILED, "The crawl failed [31m")
    assert event.news == News("pjb_1", FAILED, "The crawl failed [31m")


def test_the_first_reason_that_holds_a_text() -> None:
    assert read(FAIL, error=None, errorMessage="", reason={"a": 1}, message="last").error == "last"
    assert read(FAIL, error="first", errorMessage="second").error == "first"
    assert read(FAIL, error=["no"], message=7).error is None
    assert len(read(FAIL, error="x" * 100_000).error or "") == MAX_MESSAGE


def test_a_failure_has_no_summary_and_a_success_no_reason() -> None:
    assert read(FAIL, brandVoices=[1]).summary is None
    assert read(COMPLETE, error="odd").error is None


@pytest.mark.parametrize(
    ("more", "summary"),
    [
        ({}, None),
        ({"brandVoices": [], "glossaryItems": 0}, {"brandVoices": 0, "glossaryItems": 0}),
        ({"summary": {"brandVoiceIds": ["a"], "glossaryItems": 12}}, {"brandVoices": 1, "glossaryItems": 12}),
        ({"result": {"instructionsCount": 3}}, {"instructions": 3}),
        ({"summary": {"odd": 1}, "instructions": [1, 2]}, {"instructions": 2}),
        (
            {"summary": None, "result": [1], "instructions": -1, "brandVoices": True, "glossaryItems": 1.5},
            None,
        ),
        ({"summary": {"brandVoices": {"a": 1}}, "instructions": "6"}, None),
        ({"instructions": 10**100}, None),
    ],
)
def test_summaries_of_any_shape(more: dict[str, Any], summary: dict[str, int] | None) -> None:
    assert read(COMPLETE, **more).summary == summary


@pytest.mark.parametrize("kind", ["provisioning.started", "provisioning.Completed", "other", "completed"])
def test_a_type_that_is_not_known_only_names_a_job(kind: str) -> None:
    event = read(COMPLETE, type=kind, error="x", brandVoices=[1])
    assert event == Event(kind, "pjb_1", "eng_1", None)
    assert event.news is None


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        True,
        [],
        {},
        "",
        " ",
        " a",
        "a ",
        "a\nb",
        "a\x00",
        "\ud800",
        "\u202e",
        "x" * (MAX_ID + 1),
    ],
)
def test_words_that_cannot_be_used_are_as_good_as_missing(value: Any) -> None:
    assert read({"type": value, "jobId": value, "engineId": value}) == NOTHING
    assert read(COMPLETE, jobId=value).news is None
    assert subject_of(json.dumps({"type": value, "jobId": value}).encode()) == Subject(None, None)


def test_words_as_long_as_they_may_be() -> None:
    assert read(COMPLETE, jobId="x" * MAX_ID).job_id == "x" * MAX_ID


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"7",
        b'"text"',
        b"[]",
        b"[{}]",
        b"{",
        b"{}{}",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 1} // no',
        b'{"a": "\n"}',
        b"\xff",
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',  # half a surrogate pair, as UTF-8 forbids it
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        "{}".encode("utf-32-le"),
        b"<html></html>",
        b"type=provisioning.completed&jobId=pjb_1",
        b'{"a":' * 100_000,
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a": ' + b"9" * (MAX_BODY - 7) + b"}",
    ],
)
def test_bodies_that_are_no_object(body: bytes) -> None:
    assert read_event(body) is None
    assert subject_of(body) is None


@pytest.mark.parametrize(
    "odd",
    [
        "NaN",
        "-Infinity",
        "1e99999",
        "-0",
        "9" * 4000,
        '"\\ud800"',
        '"\\ud83d\\ude00"',
        '"\\u0000"',
        "[" * 300 + "]" * 300,
        "{" * 0 + '{"summary": {"summary": {}}}',
    ],
)
def test_odd_values_hurt_nobody(odd: str) -> None:
    names = ("other", "error", "summary", "result", "brandVoices", "engineId")
    for kind in (COMPLETE["type"], FAIL["type"]):
        for name in names:
            body = f'{{"type": "{kind}", "jobId": "pjb_1", "{name}": {odd}}}'.encode()
            event = read_event(body)
            assert event is not None
            assert (event.type, event.job_id) == (kind, "pjb_1")
            for text in (event.engine_id, event.error):
                assert text is None or text.encode()
            json.dumps([event.summary]).encode("ascii")


def test_of_a_key_twice_the_last_counts_for_all_readers() -> None:
    body = b'{"jobId": "pjb_1", "type": "provisioning.failed", "jobId": "pjb_2", "type": "provisioning.completed"}'
    event, subject = read_event(body), subject_of(body)
    assert event == Event("provisioning.completed", "pjb_2", None, COMPLETED)
    assert subject == Subject("provisioning.completed", "pjb_2")


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["type", "jobId", "engineId", "error", "reason", "summary", "result", "brandVoices"])
kinds = st.sampled_from(["provisioning.completed", "provisioning.failed"])


@given(st.dictionaries(names, documents | kinds, max_size=6))
def test_any_object_is_read_alike_by_both(document: dict[str, Any]) -> None:
    body = json.dumps(document).encode()
    event, subject = read_event(body, "op"), subject_of(body)
    assert event is not None
    assert subject == (event.type, event.job_id)
    assert event.operation_id == "op"
    assert (event.status is not None) == (
        document.get("type") in ("provisioning.completed", "provisioning.failed")
    )


def test_no_secret_of_ours_stays_in_an_event() -> None:
    event = read(FAIL, jobId="job_sk_0123456789", errorMessage="401 for sk_0123456789")
    clean = event.without(["sk_0123456789"])
    assert (clean.job_id, clean.error) == (None, "401 for •••")


@pytest.mark.parametrize("value", ["é", "a/b", "a b", "../x", "$(id)", "a\u200bb"])
def test_an_id_of_another_form_is_as_good_as_missing(value: str) -> None:
    event = read(COMPLETE, jobId=value, engineId=value)
    assert (event.job_id, event.engine_id) == (None, None)
