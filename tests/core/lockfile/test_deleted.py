"""A merge brings no engine back that one side deleted, and says where it is in use again."""

from __future__ import annotations

import pytest

from reconciler.core.lockfile.deleted import Revived
from reconciler.core.lockfile.merge import Merged, merge
from reconciler.core.lockfile.model import EMPTY, Lockfile
from tests.core.build import A, B, C, current, entry, lockfile, pending, superseded

BASE = lockfile({"acme": entry(current("2", B), None, superseded("1", A))})
PRUNED = lockfile({"acme": entry(current("2", B))})


def both(ours: Lockfile, theirs: Lockfile, base: Lockfile | None = BASE) -> Merged:
    merged = merge(base, ours, theirs)
    assert merge(base, theirs, ours) == merged
    return merged


def test_what_one_side_deleted_stays_out_while_the_other_goes_on() -> None:
    busy = lockfile({"acme": entry(current("2", B), pending("3", C), superseded("1", A))})
    assert both(PRUNED, busy) == Merged(lockfile({"acme": entry(current("2", B), pending("3", C))}))


def test_an_engine_in_use_again_stays_and_is_reported() -> None:
    back = lockfile({"acme": entry(current("1", A), None, superseded("2", B))})
    assert both(PRUNED, back) == Merged(back, revived=(Revived("acme", "eng_1"),))


def test_retired_engines_stay_out_and_so_does_a_key_without_any() -> None:
    base = lockfile({}, acme=entry(current("1", A)))
    more = lockfile({}, acme=entry(current("1", A), None, superseded("0", C)))
    assert both(EMPTY, base, base).lockfile == EMPTY
    assert both(EMPTY, more, base).lockfile == lockfile({}, acme=entry(None, None, superseded("0", C)))


def test_what_was_moved_elsewhere_is_not_deleted() -> None:
    moved = lockfile({"blog": entry(current("2", B), None, superseded("1", A))})
    busy = lockfile({"acme": entry(current("2", B), pending("3", C), superseded("1", A))})
    assert both(moved, busy).lockfile == lockfile(
        {"blog": entry(current("2", B), pending("3", C), superseded("1", A))}
    )


@pytest.mark.parametrize("other", [EMPTY, lockfile({"blog": entry(current("9", A))})])
def test_an_engine_that_served_and_is_nowhere_counts_as_lost_not_as_deleted(other: Lockfile) -> None:
    replaced = lockfile({"acme": entry(current("3", C), None, superseded("1", A), superseded("2", B))})
    assert "eng_2" in str(both(other, replaced).lockfile)


def test_without_a_base_nothing_is_known_to_be_deleted() -> None:
    assert both(PRUNED, BASE, None).lockfile == BASE
