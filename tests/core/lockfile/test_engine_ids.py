"""Which IDs are given out, and what is said where there is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.errors import ExitCode, InvalidInput, LockfileError, NotServing
from reconciler.core.lockfile.engine_ids import field_of, serving, variables
from reconciler.core.lockfile.entry import Entry, Pending, Provisioned, Retired, Superseded
from reconciler.core.lockfile.model import EMPTY, Lockfile

SPEC = {"name": "x"}
CURRENT = Provisioned("eng_now", "v1:a", SPEC, job_id="pjb_1", provisioned_at="2026-11-24T11:08:13Z")


def pending(status: str) -> Pending:
    return Pending(status, "op", "v1:b", SPEC, engine_id="eng_new", job_id="pjb_2")


def lockfile(**entries: Entry) -> Lockfile:
    return EMPTY.with_entries(entries)


def everything(key: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("engineId", "eng_now"),
        ("jobId", "pjb_1"),
        ("provisionedAt", "2026-11-24T11:08:13Z"),
        ("status", "serving"),
    ],
)
def test_a_field_of_an_engine_that_serves(name: str, value: str) -> None:
    assert field_of(lockfile(acme=Entry(CURRENT)), "acme", name) == value


def test_while_it_is_replaced_the_one_that_serves_is_given_out() -> None:
    lock = lockfile(acme=Entry(CURRENT, pending("in_progress")))
    assert field_of(lock, "acme", "engineId") == "eng_now"
    assert field_of(lock, "acme", "status") == "in_progress"


@pytest.mark.parametrize(
    ("status", "said", "hint"),
    [
        ("in_progress", "pjb_2 is still running", "reconcile collect"),
        ("failed", "its job failed", "reconcile status"),
        ("uncertain", "got no answer", "reconcile status"),
    ],
)
def test_one_that_never_completed_is_not_given_out(status: str, said: str, hint: str) -> None:
    lock = lockfile(acme=Entry(None, pending(status)))
    with pytest.raises(NotServing, match=said) as raised:
        field_of(lock, "acme", "engineId")
    assert hint in str(raised.value.hint)
    assert raised.value.exit_code == ExitCode.FAILED
    assert field_of(lock, "acme", "status") == status
    assert serving(lock, everything) == ({}, ["acme"])


def test_only_engines_from_before_are_recorded() -> None:
    lock = lockfile(acme=Entry(superseded=(Superseded("eng_old", "v1:z", SPEC, "2026-11-24T11:08:13Z"),)))
    assert field_of(lock, "acme", "status") == "unused"
    with pytest.raises(NotServing, match="only earlier engines"):
        field_of(lock, "acme", "engineId")


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("acmee", "did you mean `acme`?"),
        ("engines/acme.yaml", "did you mean `acme`?"),
        ("zzzzzz", "choose one of `acme`, `shop/web`"),
        ("gone", "it was retired"),
    ],
)
def test_no_such_engine(asked: str, hint: str) -> None:
    lock = EMPTY.with_entries({"acme": Entry(CURRENT), "shop/web": Entry(CURRENT)})
    lock = lock.with_retired("gone", (Retired(Entry(CURRENT), "2026-11-24T11:08:13Z"),))
    with pytest.raises(NotServing, match=f"no engine `{asked}`") as raised:
        field_of(lock, asked, "engineId")
    assert hint in str(raised.value.hint)


def test_an_empty_lockfile_says_how_to_fill_it() -> None:
    with pytest.raises(NotServing) as raised:
        field_of(EMPTY, "acme", "engineId")
    assert "reconcile apply" in str(raised.value.hint)


def test_an_engine_without_a_job_has_no_job_id() -> None:
    lock = lockfile(acme=Entry(Provisioned("eng_1", "v1:a", SPEC)))
    with pytest.raises(NotServing, match="no jobId of `acme`"):
        field_of(lock, "acme", "jobId")


@pytest.mark.parametrize("value", ["eng_1\nPATH=/tmp", "eng_1\r", "eng\x1b[31m", "eng\u2028x"])
def test_an_id_that_is_no_line_is_never_given_out(value: str) -> None:
    lock = lockfile(acme=Entry(Provisioned(value, "v1:a", SPEC)))
    with pytest.raises(LockfileError, match="must be an ID"):
        field_of(lock, "acme", "engineId")
    with pytest.raises(LockfileError, match="must be an ID"):
        serving(lock, everything)


def test_only_what_is_selected_is_given_out() -> None:
    lock = lockfile(a=Entry(CURRENT), b=Entry(CURRENT), c=Entry(None, pending("failed")))
    assert serving(lock, {"b", "c"}.__contains__) == ({"b": "eng_now"}, ["c"])


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("acme", "LINGO_ENGINE_ACME"),
        ("marketing/web-site", "LINGO_ENGINE_MARKETING_WEB_SITE"),
        ("größe", "LINGO_ENGINE_GR__E"),  # not `SS` for `ß`: that would be a letter more
        ("v1.2 beta", "LINGO_ENGINE_V1_2_BETA"),
    ],
)
def test_the_name_of_a_variable(key: str, name: str) -> None:
    assert variables({key: "eng_1"}, "LINGO_ENGINE_") == {name: "eng_1"}


def test_two_keys_of_one_name_are_both_named() -> None:
    with pytest.raises(InvalidInput, match=r"`a-b` and `a/b` would both be X_A_B"):
        variables({"a-b": "eng_1", "a/b": "eng_2"}, "X_")


@pytest.mark.parametrize(("key", "prefix"), [("1st", ""), ("acme", "A-"), ("acme", "A B_"), ("acme", "9")])
def test_what_cannot_be_a_variable(key: str, prefix: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be the name of a variable"):
        variables({key: "eng_1"}, prefix)


@given(
    st.dictionaries(st.text(st.characters(categories=["L", "N", "P"]), min_size=1), st.text("ab"), max_size=8)
)
def test_variables_lose_no_engine(engines: dict[str, str]) -> None:
    try:
        named = variables(engines, "E_")
    except InvalidInput:
        return
    assert list(named.values()) == list(engines.values())
