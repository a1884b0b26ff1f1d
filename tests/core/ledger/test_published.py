"""What the ledger has as published last, where it verifies and where it does not."""

from __future__ import annotations

import pytest

from reconciler.core.ledger.journal import Begin
from reconciler.core.ledger.published import (
    begins_lost,
    is_published,
    next_seal,
    number_of,
    set_back,
    was_before,
)
from reconciler.core.ledger.seal import seal_for
from reconciler.core.lockfile.model import EMPTY, Lockfile
from tests.core.build import A, B, current, entry, lockfile, pending, superseded, uncertain

OURS = seal_for("key", "/x", "refs/reconcile/production")
OTHERS = seal_for("other", "/x", "refs/reconcile/production")
FIRST = next_seal(OURS, "", "blob1")
SECOND = next_seal(OURS, FIRST, "blob2")


def test_every_publication_has_the_next_number() -> None:
    assert number_of(OURS, "blob1", FIRST) == 1
    assert number_of(OURS, "blob2", SECOND) == 2
    assert number_of(OTHERS, "blob3", next_seal(OTHERS, SECOND, "blob3")) == 3


@pytest.mark.parametrize("told", ["", "1", "1:", SECOND, f"2{FIRST[1:]}", "x:y", "9" * 5000, "\ufffd:1"])
def test_a_seal_that_is_not_for_it_gives_no_number(told: str) -> None:
    assert number_of(OURS, "blob1", told) is None
    assert number_of(OTHERS, "blob1", FIRST) is None
    assert number_of(None, "blob1", FIRST) is None


def test_only_what_was_published_earlier_was_before() -> None:
    log = [FIRST, SECOND, "junk"]
    assert was_before(OURS, "blob1", "blob2", SECOND, log)
    assert not was_before(OURS, "blob2", "blob1", FIRST, log)  # an old one that was put on top again
    assert not was_before(OURS, "blob1", "blob2", SECOND, ["1:forged"])
    assert is_published(OURS, "blob1", log)
    assert not is_published(OURS, "blob3", log)
    assert not was_before(OTHERS, "blob1", "blob2", SECOND, log)


def test_a_strange_number_begins_anew() -> None:
    assert number_of(OURS, "b", next_seal(OURS, f"{'9' * 16}:x", "b")) == 1


def test_calls_that_the_branch_lacks_are_told_as_begins() -> None:
    full = entry(current("x", A), pending("y", B), superseded("z", A))
    published = lockfile({"acme": full, "b": entry(current("b", B)), "c": entry(None, uncertain("c", A))})
    now = lockfile({"acme": entry(current("x", A)), "c": entry(None, uncertain("c", A))})
    begins = [one.record for one in begins_lost(published, published, now)]
    assert all(isinstance(one, Begin) for one in begins)
    assert {(one.operation, one.key) for one in begins if isinstance(one, Begin)} == {
        ("op_y", "acme"),
        ("op_z", "acme"),
        ("op_b", "b"),
    }
    assert begins_lost(published, EMPTY, now) == ()


def test_a_retired_engine_that_the_branch_lacks_is_told_as_well() -> None:
    published = lockfile({}, acme=entry(current("x", A)))
    [lost] = begins_lost(published, published, EMPTY)
    assert isinstance(lost.record, Begin)
    assert (lost.record.operation, lost.record.key, lost.seal) == ("op_x", "acme", None)
    assert begins_lost(published, published, lockfile({"acme": entry(current("x", A))})) == ()


def test_what_a_branch_that_was_set_back_should_have() -> None:
    published = lockfile({"acme": entry(current("x", A)), "b": entry(current("y", B))})
    before = lockfile({"acme": entry(current("x", A))})

    def wanted(now: Lockfile, *, earlier: bool = False) -> Lockfile | None:
        return set_back(published, now, earlier=earlier, former=list)

    assert wanted(published, earlier=True) is None
    assert wanted(before, earlier=True) == wanted(before) == published
    assert wanted(published) is None
    open_ = lockfile({"acme": entry(None, uncertain("x", A))})
    assert set_back(open_, EMPTY, earlier=False, former=list) == open_
    answered = lockfile({"acme": entry(current("x", A))})
    assert set_back(open_, answered, earlier=False, former=list) is None
