"""Lists of engines in whatever shape: what is read, what is left out, and that nothing raises."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.platform.listing import MOST_ENGINES, ListedEngine, Listing, NotListed, listing_of
from reconciler.core.values import ID, LINE

ACME = {"id": "eng_1", "name": "Acme", "createdAt": "2026-11-24T11:08:13Z"}
AT = 1795518493.0


@pytest.mark.parametrize(
    "document",
    [
        [ACME],
        {"engines": [ACME]},
        {"data": {"items": [ACME]}, "hasMore": False, "total": 1},
        {"result": {"edges": [{"node": ACME}]}},
        [{"engine": ACME}],
        {"organizations": [{"id": "org_1", "name": "Acme Inc", "engines": [ACME]}]},
        {"eng_1": {"title": "Acme", "created_at": AT}},
        [{"engineId": "eng_1", "id": "row_7", "name": "Acme", "created": AT * 1000}],
        [{**ACME, "brandVoices": [{"id": "bv_1", "name": "Voice", "engineId": "eng_1"}]}],
        {"id": "req_1", "data": [ACME, ACME]},
        ACME,
    ],
)
def test_an_engine_is_found_wherever_it_stands(document: Any) -> None:
    assert listing_of(document) == Listing((ListedEngine("eng_1", "Acme", AT),))


@pytest.mark.parametrize(
    ("document", "ids"),
    [
        ([{"id": "abc"}, {"id": "def"}], ["abc", "def"]),
        ({"id": "req-1", "engines": [{"id": "abc"}]}, ["abc"]),
        ([{"id": "org", "engines": [{"id": "abc", "tags": [{"id": "t1"}]}]}], ["abc"]),
        ({"engines": [{"id": "abc", "tags": [{"id": "t1"}]}]}, ["abc"]),
    ],
)
def test_ids_of_another_kind_count_where_engines_stand(document: Any, ids: list[str]) -> None:
    assert [one.engine_id for one in listing_of(document).engines] == ids


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2026-11-24T11:08:13Z", AT),
        ("2026-11-24T12:08:13+01:00", AT),
        ("2026-11-24 11:08:13", AT),
        ("2026-11-24T11:08:13.000000+00:00", AT),
        (AT, AT),
        (int(AT) * 1000, AT),
        (int(AT) * 1_000_000_000, AT),
        (str(int(AT)), AT),
        (f"{int(AT)}000", AT),
        ({"$date": "2026-11-24T11:08:13Z"}, AT),
        ({"seconds": AT, "nanos": 5}, AT),
        ("yesterday", None),
        ("", None),
        (0, None),
        (True, None),
        (-5, None),
        (10**400, None),
        (float("nan"), None),
        ("9" * 39, None),
        ("9999-12-31T23:59:59Z", None),
        ([2026], None),
        (None, None),
    ],
)
def test_times_in_many_forms(value: Any, seconds: float | None) -> None:
    assert listing_of([{"id": "eng_1", "createdAt": value}]).engines[0].created_at == seconds


def test_a_second_spelling_counts_where_the_first_says_nothing() -> None:
    assert listing_of([{"id": "eng_1", "createdAt": None, "created_at": AT}]).engines[0].created_at == AT


@pytest.mark.parametrize(
    "broken",
    [
        None,
        7,
        "eng_2",
        [],
        {},
        {"id": 7},
        {"id": "../x"},
        {"id": "eng 2"},
        {"id": "e" * 129},
        {"name": "No ID"},
    ],
)
def test_what_has_no_usable_id_is_left_out(broken: Any) -> None:
    assert [one.engine_id for one in listing_of([broken, ACME]).engines] == ["eng_1"]


@pytest.mark.parametrize("name", ["\x1b[2JAcme", "two\nlines", "n" * 201, "", "  ", 7, None, "\ud800"])
def test_names_that_no_engine_file_can_have_are_no_names(name: Any) -> None:
    assert listing_of([{"id": "eng_1", "name": name}]).engines[0].name is None


@pytest.mark.parametrize("more", [{"nextCursor": "x"}, {"hasMore": True}, {"total": 2}])
def test_a_list_that_says_there_are_more_is_not_complete(more: dict[str, Any]) -> None:
    assert not listing_of({"engines": [ACME], **more}).complete


def test_a_list_is_cut_and_then_not_complete() -> None:
    listing = listing_of([{"id": f"eng_{at}"} for at in range(MOST_ENGINES + 1)])
    assert (len(listing.engines), listing.complete) == (MOST_ENGINES, False)


def test_a_nest_that_is_too_deep_is_not_complete() -> None:
    document: Any = [ACME]
    for _ in range(30):
        document = {"data": document}
    assert listing_of([ACME, document]) == Listing((ListedEngine("eng_1", "Acme", AT),), complete=False)


def test_an_empty_list_is_a_list_and_a_sentence_is_none() -> None:
    assert listing_of([]) == Listing()
    assert listing_of({"engines": []}) == Listing()
    for other in ("none", None, 7, {"message": "no organization"}):
        with pytest.raises(NotListed):
            listing_of(other)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text()
        | st.sampled_from(["eng_1", "abc"]),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["id", "name", "createdAt", "engines", "eng_x"]) | st.text(), inner
            )
        ),
    )
)
def test_whatever_comes_is_checked(document: Any) -> None:
    try:
        listing = listing_of(document)
    except NotListed:
        return
    ids = [one.engine_id for one in listing.engines]
    assert len(set(ids)) == len(ids)
    assert all(ID.accepts(one) for one in ids)
    assert all(one.name is None or LINE.accepts(one.name) for one in listing.engines)
