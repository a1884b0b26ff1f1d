"""What the platform's answers about an engine mean, and what of them is told."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.platform.engine import (
    Denied,
    Details,
    Found,
    Gone,
    NotOffered,
    Throttled,
    Unreadable,
    judge_engine,
    judge_refusal,
    pause_before,
)
from reconciler.core.values import LINE

ENGINE = {"id": "eng_1", "name": "Acme", "description": "Ours", "targetLocales": ["de", "fr"]}


def found(**fields: object) -> Found:
    answer = judge_engine("eng_1", 200, json.dumps({"id": "eng_1", **fields}).encode())
    assert isinstance(answer, Found)
    return answer


def test_an_engine() -> None:
    answer = judge_engine("eng_1", 200, json.dumps(ENGINE).encode())
    assert answer == Found(Details("Acme", "Ours", ("de", "fr")), Details("Acme", "Ours", ("de", "fr")))


def test_what_is_not_told_is_not_known() -> None:
    assert found() == Found()
    assert found(name="", targetLocales="de").told == Details()


def test_what_is_told_to_be_empty_is_known() -> None:
    assert found(description=None, targetLocales=[]).told == Details(None, "", ())
    assert found(description=" \n").told == Details(None, "", None)


def test_what_does_not_count_in_a_file_does_not_count_here() -> None:
    told = found(name="Acmé ", description="a \r\nb\n\n", targetLocales=["de", "de"]).told
    assert told == Details("Acmé", "a\nb", ("de",))


def test_a_locale_is_told_as_engine_files_have_it() -> None:
    answer = found(targetLocales=["pt-br", "zh_hant_TW", "DE", "not a locale", 5])
    assert answer.told.locales == ("pt-BR", "zh-Hant-TW", "de", "not a locale")
    assert answer.details.locales == ()
    assert "the locale pt-br" in answer.left_out


def test_what_no_file_can_have_is_told_fit_for_a_line() -> None:
    answer = found(name="\x1b[31mEvil\n::error::x", description="a\x00b")
    assert answer.details == Details()
    assert answer.told == Details("[31mEvil ::error::x", "a b", None)
    assert answer.left_out == ("its description",)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b'"eng_1"', b'{"id": ', b"\xff", b"[" * 100_000]
)
def test_an_answer_that_is_no_engine(body: bytes) -> None:
    assert isinstance(judge_engine("eng_1", 200, body), Unreadable)


def test_an_answer_about_another_engine() -> None:
    answer = judge_engine("eng_1", 200, b'{"id": "eng_2", "name": "Acme"}')
    assert answer == Unreadable("the platform's answer is about another engine: eng_2", 200)


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (404, Gone()),
        (405, NotOffered(405)),
        (501, NotOffered(501)),
        (401, Denied(401, "no")),
        (403, Denied(403, "no")),
        (429, Throttled("no")),
        (410, Unreadable("the platform answered 410: no", 410)),
        (503, Unreadable("the platform answered 503: no", 503)),
        (302, Unreadable("the platform answered 302: no", 302)),
    ],
)
def test_refusals(status: int, meaning: object) -> None:
    assert judge_refusal(status, b'{"message": "no"}') == meaning
    assert judge_engine("eng_1", status, b'{"message": "no"}') == meaning


@pytest.mark.parametrize(
    ("status", "after", "pause"),
    [
        (429, "2", 2.0),
        (429, None, None),
        (429, "3600", None),
        (429, "soon", None),
        (503, "2", None),
        (200, "2", None),
    ],
)
def test_only_a_short_wait_is_worth_it(status: int, after: str | None, pause: float | None) -> None:
    assert pause_before(status, after) == pause


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(ANYTHING, ANYTHING, ANYTHING)
def test_nothing_that_is_told_can_act(name: object, description: object, locales: object) -> None:
    body = json.dumps({"name": name, "description": description, "targetLocales": locales}).encode()
    answer = judge_engine("eng_1", 200, body)
    if isinstance(answer, Found):
        assert answer.told.name is None or LINE.accepts(answer.told.name)
        assert all(LINE.accepts(one) for one in answer.told.locales or ())
        assert "\x1b" not in (answer.told.description or "")
    else:
        assert isinstance(answer, Unreadable)  # NaN is no JSON
