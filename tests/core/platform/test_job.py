"""What answers and news mean. The rows are the tables of docs/platform.md."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.platform.job import (
    COMPLETED,
    FAILED,
    IN_PROGRESS,
    MAX_MESSAGE,
    Accepted,
    Again,
    MadeByJob,
    News,
    Refused,
    Uncertain,
    counts_of,
    judge_create,
    made_by_job,
    message_of,
    name_of_engine,
    news_in,
    reason_of,
    shorten,
    summary_of,
)
from reconciler.core.values import MAX_ID


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


class TestAccepted:
    def test_the_documented_answer(self) -> None:
        answer = judge_create(202, body(jobId="pjb_A1", engineId="eng_X1", status="in_progress"))
        assert answer == Accepted("pjb_A1", "eng_X1", IN_PROGRESS)

    def test_completed_in_the_same_answer(self) -> None:
        answer = judge_create(202, body(jobId="pjb_A1", engineId="eng_X1", status="completed", extra=[1]))
        assert answer == Accepted("pjb_A1", "eng_X1", COMPLETED)

    @pytest.mark.parametrize("status", ["queued", "COMPLETED", "", None, 3, ["completed"]])
    def test_an_unknown_status_is_still_running(self, status: object) -> None:
        answer = judge_create(202, body(jobId="pjb_A1", engineId="eng_X1", status=status))
        assert answer == Accepted("pjb_A1", "eng_X1", IN_PROGRESS)

    def test_any_success_counts(self) -> None:
        assert judge_create(200, body(jobId="j", engineId="e")) == Accepted("j", "e")
        assert judge_create(201, body(jobId="j", engineId="e")) == Accepted("j", "e")

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"<html>",
            b'{"jobId":"j","engineId":"e"',
            b"\xff\xfe\x00",
            b"null",
            b'["j"]',
            b'"j"',
            b"[" * 100_000,
            b"1" * 10_000,
        ],
        ids=["empty", "html", "cut", "bytes", "null", "list", "text", "deep", "number"],
    )
    def test_a_success_that_is_not_readable_is_uncertain(self, raw: bytes) -> None:
        assert isinstance(judge_create(202, raw), Uncertain)

    @pytest.mark.parametrize(
        "bad",
        [
            None,
            "",
            7,
            ["x"],
            " eng",
            "eng\n",
            "eng\x00",
            "\ud800",
            "x" * (MAX_ID + 1),
            "a\u202eb",
            "a b",
            "a/b",
            "é",
            "$(x)",
        ],
    )
    def test_an_id_that_is_none_is_uncertain(self, bad: object) -> None:
        for fields, name in (
            ({"jobId": bad, "engineId": "e"}, "jobId"),
            ({"jobId": "j", "engineId": bad}, "engineId"),
        ):
            answer = judge_create(202, json.dumps(fields).encode())
            assert isinstance(answer, Uncertain)
            assert f"its {name} is not an ID: " in answer.reason
            assert answer.reason.isascii()
            assert answer.reason.isprintable()
            assert len(answer.reason) < 160


class TestRefused:
    @pytest.mark.parametrize(
        ("status", "halts", "about_spec"),
        [
            (400, False, True),
            (413, False, True),
            (422, False, True),
            (401, True, False),
            (402, True, False),
            (403, True, False),
            (404, True, False),
            (405, True, False),
            (407, True, False),
            (409, False, False),
            (425, False, False),
            (301, True, False),
            (307, True, False),
        ],
    )
    def test_nothing_was_made(self, status: int, halts: bool, about_spec: bool) -> None:
        answer = judge_create(status, body(message="no"))
        assert isinstance(answer, Refused)
        assert answer.status == status
        assert (answer.halts, answer.about_spec) == (halts, about_spec)

    def test_no_connection_halts_and_says_nothing_about_the_spec(self) -> None:
        refused = Refused("refuses connections")
        assert (refused.halts, refused.about_spec) == (True, False)

    def test_a_redirect_says_what_to_check(self) -> None:
        answer = judge_create(307, b"")
        assert answer == Refused(
            "it redirects (HTTP 307), and redirects are not followed; check the API address", 307
        )

    @pytest.mark.parametrize("status", [100, 101, 199, 408, 500, 501, 502, 504, 520, 599, 600])
    def test_everything_else_is_uncertain(self, status: int) -> None:
        answer = judge_create(status, body(message="hm"))
        assert answer == Uncertain(f"the platform answered {status}: hm")


class TestAgain:
    @pytest.mark.parametrize(("header", "delay"), [("0", 0.0), ("7", 7.0), ("60", 60.0), (" 1.5 ", 1.5)])
    @pytest.mark.parametrize("status", [429, 503])
    def test_a_short_wait_is_honoured(self, status: int, header: str, delay: float) -> None:
        assert judge_create(status, body(message="wait"), header) == Again(Refused("wait", status), delay)

    @pytest.mark.parametrize("header", [None, "", "61", "86400", "-1", "soon", "nan", "inf", "1e999"])
    def test_a_quota_without_a_short_wait_ends_the_creating(self, header: str | None) -> None:
        answer = judge_create(429, body(message="quota"), header)
        assert answer == Refused("quota", 429)
        assert answer.halts
        assert not answer.about_spec

    def test_its_own_long_unavailability_ends_the_creating(self) -> None:
        answer = judge_create(503, body(message="maintenance"), "3600")
        assert answer == Refused("maintenance", 503)
        assert answer.halts

    @pytest.mark.parametrize(
        ("raw", "header"),
        [
            (b"<html>", "5"),
            (b"", "5"),
            (body(message="no server is available"), None),
            (body(message="no server is available"), "soon"),
            (body(message="no server is available"), "inf"),
            (body(message=None), "5"),
            (body(error="overloaded"), "5"),
            (b"[]", "5"),
        ],
    )
    def test_a_503_that_may_be_a_gateways_is_uncertain(self, raw: bytes, header: str | None) -> None:
        assert isinstance(judge_create(503, raw, header), Uncertain)


@given(st.integers(100, 999), st.binary(max_size=200), st.none() | st.text(max_size=10))
def test_any_answer_is_judged_and_an_engine_never_overlooked(
    status: int, raw: bytes, header: str | None
) -> None:
    answer = judge_create(status, raw, header)
    own = status == 503 and b"message" in raw
    if 200 <= status < 300 or (status >= 500 and not own):
        assert not isinstance(answer, Refused | Again)


class TestNews:
    def test_only_two_words_are_terminal(self) -> None:
        assert [News("j", word).terminal for word in (COMPLETED, FAILED, IN_PROGRESS, "Completed", "")] == [
            True,
            True,
            False,
            False,
            False,
        ]

    def test_only_a_failure_has_a_reason(self) -> None:
        assert news_in({"status": "completed", "message": "well done"}, "j") == News("j", COMPLETED)

    def test_an_odd_status_stays_one_printable_word(self) -> None:
        assert news_in({"status": "in\x1b[2J\n\ud800"}, "j") == News("j", "in [2J")

    @pytest.mark.parametrize(
        ("document", "reason"),
        [
            ({"error": "a", "errorMessage": "b", "reason": "c", "message": "d"}, "a"),
            ({"error": None, "errorMessage": "b", "reason": "c"}, "b"),
            ({"error": {"code": 1}, "reason": "c", "message": "d"}, "c"),
            ({"error": " \x00 ", "message": "d"}, "d"),
            ({"error": 7}, None),
            ({}, None),
        ],
    )
    def test_the_first_name_with_a_text_is_the_reason(
        self, document: dict[str, Any], reason: str | None
    ) -> None:
        assert reason_of(document) == reason


class TestSummary:
    @pytest.mark.parametrize(
        ("document", "counts"),
        [
            (
                {"brandVoices": 4, "glossaryItems": 12, "instructions": 6},
                {"brandVoices": 4, "glossaryItems": 12, "instructions": 6},
            ),
            (
                {"brandVoiceIds": ["a"], "glossaryItemIds": [], "instructionIds": ["x", "y"]},
                {"brandVoices": 1, "glossaryItems": 0, "instructions": 2},
            ),
            ({"summary": {"brandVoicesCount": 2}}, {"brandVoices": 2}),
            ({"result": {"instructions": ["a"]}, "summary": {}}, {"instructions": 1}),
            ({"summary": {"x": 1}, "brandVoices": 3}, {"brandVoices": 3}),
            ({"brandVoices": True, "glossaryItems": -1, "instructions": "6"}, None),
            ({"summary": [1, 2], "result": "x"}, None),
            ({}, None),
        ],
    )
    def test_counts_of_any_shape(self, document: dict[str, Any], counts: dict[str, int] | None) -> None:
        assert counts_of(document) == counts
        assert summary_of(json.dumps(document).encode()) == counts

    @pytest.mark.parametrize("raw", [b"", b"<html>", b"[]", b"3"])
    def test_no_document_no_counts(self, raw: bytes) -> None:
        assert summary_of(raw) is None


class TestMessages:
    def test_the_platforms_own_words(self) -> None:
        assert message_of(400, body(message=" too\nlong ", _tag="ValidationError")) == "too long"

    @pytest.mark.parametrize(
        "raw", [b"", b"<html>", b"[]", body(_tag="X"), body(message=""), body(message=3)]
    )
    def test_without_any_the_status_speaks(self, raw: bytes) -> None:
        assert message_of(402, raw) == "the organization hit its credit limit"
        assert message_of(418, raw) == "HTTP 418 without a readable message"

    @given(st.text(max_size=3 * MAX_MESSAGE))
    def test_shortened_texts_are_one_printable_line(self, text: str) -> None:
        line = shorten(text)
        assert line.isprintable()
        assert len(line) <= MAX_MESSAGE
        assert shorten(line) == line

    def test_a_long_text_is_cut_with_a_sign(self) -> None:
        line = shorten("a" * 10_000)
        assert line == "a" * (MAX_MESSAGE - 1) + "…"


@pytest.mark.parametrize(
    ("body", "made"),
    [
        (b'{"jobId": "pjb_1", "engineId": "eng_1"}', MadeByJob("eng_1")),
        (b'{"jobId": "pjb_1", "engineId": "eng_1", "engine": {"name": "Acme"}}', MadeByJob("eng_1", "Acme")),
        (b'{"jobId": "pjb_1", "engineId": "eng_1", "engineName": "Acme"}', MadeByJob("eng_1", "Acme")),
        (b'{"jobId": "pjb_1", "engineId": "eng_1", "engine": {"name": 7}}', MadeByJob("eng_1")),
        (b'{"jobId": "pjb_2", "engineId": "eng_1"}', None),
        (b'{"engineId": "eng_1"}', None),
        (b'{"jobId": "pjb_1", "engineId": "eng 1"}', None),
        (b'{"jobId": "pjb_1"}', None),
        (b"[]", None),
        (b"<html>", None),
    ],
)
def test_the_engine_of_a_job_is_what_the_platform_says_for_sure(body: bytes, made: MadeByJob | None) -> None:
    assert made_by_job("pjb_1", body) == made


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"id": "eng_1", "name": "Acme"}', "Acme"),
        (b'{"name": "Acme"}', "Acme"),
        (b'{"id": "eng_2", "name": "Acme"}', None),
        (b'{"name": ["Acme"]}', None),
        (b"{", None),
    ],
)
def test_the_name_of_an_engine(body: bytes, name: str | None) -> None:
    assert name_of_engine("eng_1", body) == name
