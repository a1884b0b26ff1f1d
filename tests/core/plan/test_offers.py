"""Which key an engine gets that is imported with others, and what a person may answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.errors import UsageError
from reconciler.core.plan.offers import Taken, key_from, numbers_in, offers_for, without_collisions
from reconciler.core.platform.listing import ListedEngine
from reconciler.core.values import KEY


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Acme", "acme"),
        ("Acme Corp. (Web) 2", "acme-corp-web-2"),
        ("  -- Acme -- ", "acme"),
        ("Größe & Söhne", "größe-söhne"),
        ("日本語 サイト", "日本語-サイト"),
        ("Ａｃｍｅ ²", "acme-2"),
        ("marketing/website", "marketing-website"),
        ("../../etc/passwd", "etc-passwd"),
        (".git", "git"),
        ("a" * 200, "a" * 80),
        ("***", None),
        ("", None),
        (None, None),
    ],
)
def test_a_name_becomes_a_key(name: str | None, key: str | None) -> None:
    assert key_from(name) == key


@given(st.text())
def test_whatever_a_name_becomes_is_a_key(name: str) -> None:
    key = key_from(name)
    assert key is None or KEY.accepts(key)
    assert key is None or "/" not in key


def offer(name: str | None, taken: Taken) -> tuple[str | None, str | None, str | None]:
    [made] = offers_for([ListedEngine("eng_1", name)], taken)
    return made.key, made.why_not, made.hint


def test_an_engine_file_that_waits_for_one_gets_it() -> None:
    taken = Taken(files=["shop/web"], waiting={"Shop": "shop/web"})
    assert offer("Shop", taken) == ("shop/web", None, None)
    assert offer("Acme", Taken(files=["acme"])) == ("acme", None, None)


@pytest.mark.parametrize(
    ("name", "taken", "why", "hint"),
    [
        ("Acme", Taken(recorded=["acme"]), "`acme` has an engine already", "reconcile import '<KEY>' eng_1"),
        ("Acme", Taken(files=["ACME"]), "there is `ACME`", "reconcile import '<KEY>' eng_1"),
        ("***", Taken(), "its name gives no key", "reconcile import '<KEY>' eng_1"),
        (None, Taken(), "its name gives no key", "reconcile import '<KEY>' eng_1"),
        ("Acme", Taken(lost={"Acme": "web"}), "got no answer may have", "reconcile resolve web --find"),
    ],
)
def test_an_engine_without_a_key_has_a_reason_and_a_command(
    name: str | None, taken: Taken, why: str, hint: str
) -> None:
    key, why_not, command = offer(name, taken)
    assert key is None
    assert why in (why_not or "")
    assert command == hint


def test_offers_are_sorted_by_name_and_those_without_come_last() -> None:
    engines = [ListedEngine("eng_1"), ListedEngine("eng_2", "b"), ListedEngine("eng_3", "A")]
    assert [one.engine.engine_id for one in offers_for(engines, Taken())] == ["eng_3", "eng_2", "eng_1"]


def test_two_that_are_chosen_never_get_one_key() -> None:
    engines = [ListedEngine("eng_1", "Acme"), ListedEngine("eng_2", "Acme!"), ListedEngine("eng_3", "Shop")]
    offers = offers_for(engines, Taken())
    chosen = {one.engine.engine_id: one for one in without_collisions(offers)}
    assert [chosen[one].key for one in ("eng_1", "eng_2", "eng_3")] == [None, None, "shop"]
    assert chosen["eng_1"].why_not == "2 engines would have the key `acme`"
    assert without_collisions(offers[1:]) == offers[1:]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", ()),
        ("  ", ()),
        ("none", ()),
        ("0", ()),
        ("all", (1, 2, 3, 4, 5)),
        ("ALL", (1, 2, 3, 4, 5)),
        ("*", (1, 2, 3, 4, 5)),
        ("2", (2,)),
        ("3,1", (1, 3)),
        ("1 3", (1, 3)),
        ("1, 3-5", (1, 3, 4, 5)),
        ("1 - 3", (1, 2, 3)),
        ("2-2,2", (2,)),
    ],
)
def test_numbers_and_ranges(text: str, numbers: tuple[int, ...]) -> None:
    assert numbers_in(text, 5) == numbers


@pytest.mark.parametrize(
    "text", ["6", "0-2", "-1", "1-", "a", "1.5", "3-1", "1-6", "²", "1-2-3", "9" * 40, "1 all"]
)
def test_any_other_answer_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        numbers_in(text, 5)
