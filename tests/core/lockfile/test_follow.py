"""What one side moved or retired, and the other side went on with, is where it was moved to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.engine.spec import LifecycleOptions
from reconciler.core.lockfile.entry import Entry
from reconciler.core.lockfile.merge import merge
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.names import engines_of
from tests.core.build import A, B, C, current, entry, lockfile, pending, superseded, uncertain

PROTECTED = LifecycleOptions(protect=True)
BEFORE = replace(entry(current("1", A)), kept=PROTECTED)
BASE = lockfile({"acme": BEFORE})


def both(base: Lockfile, ours: Lockfile, theirs: Lockfile) -> Lockfile:
    """The merge, which is the same from either side."""
    merged = merge(base, ours, theirs).lockfile
    assert merged == merge(base, theirs, ours).lockfile
    return merged


def test_a_change_follows_the_entry_to_its_new_key_and_nothing_old_comes_along() -> None:
    lifted = replace(BEFORE, kept=LifecycleOptions())
    moved = lockfile({"brand": lifted})
    busy = lockfile({"acme": replace(BEFORE, pending=pending("2", B))})
    assert both(BASE, moved, busy) == lockfile({"brand": replace(lifted, pending=pending("2", B))})


def test_a_change_of_what_was_retired_is_retired_with_it() -> None:
    gone = lockfile({}, acme=BEFORE)
    noted = lockfile({"acme": replace(BEFORE, kept=LifecycleOptions())})
    assert both(BASE, gone, noted).engines == {}
    busy = lockfile({"acme": replace(BEFORE, pending=pending("2", B))})
    assert both(BASE, gone, busy) == lockfile({}, acme=replace(BEFORE, pending=pending("2", B)))


@pytest.mark.parametrize("calls", [1, 2])
def test_somebody_is_asked_about_the_calls_of_what_was_retired(calls: int) -> None:
    asked = [uncertain("2", B), uncertain("3", C)][:calls]
    gone = lockfile({}, acme=BEFORE)
    busy = lockfile({"acme": replace(BEFORE, pending=asked[-1], uncertain=tuple(asked[:-1]))})
    merged = both(BASE, gone, busy)
    assert merged == lockfile({"acme": Entry(pending=asked[-1], uncertain=tuple(asked[:-1]))}, acme=BEFORE)


def test_where_both_sides_have_the_new_key_too_both_are_kept() -> None:
    moved = lockfile({"brand": BEFORE})
    busy = lockfile({"acme": replace(BEFORE, pending=pending("2", B)), "brand": entry(current("3", C))})
    assert engines_of(both(BASE, moved, busy)) == {"eng_1", "eng_2", "eng_3"}


def test_what_is_gone_without_a_trace_comes_back_with_the_change() -> None:
    replaced = lockfile({"acme": entry(current("2", B), None, superseded("1", A))})
    assert both(BASE, Lockfile(), replaced) == replaced
