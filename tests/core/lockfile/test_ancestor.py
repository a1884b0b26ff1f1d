"""The base of a merge, where the lockfile in the work tree goes on from one that was published."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.engine.spec import LifecycleOptions
from reconciler.core.lockfile.ancestor import with_former
from reconciler.core.lockfile.merge import merge
from reconciler.core.lockfile.model import EMPTY
from tests.core.build import A, B, current, entry, lockfile, pending, superseded, uncertain

PUBLISHED = lockfile({"acme": replace(entry(current("1", A)), kept=LifecycleOptions(protect=True))})


def test_what_was_published_and_never_pulled_brings_nothing_back() -> None:
    for newest in (
        lockfile({"brand": entry(current("1", A))}),
        lockfile({}, acme=entry(current("1", A))),
        lockfile({"acme": entry(current("1", A))}),
        lockfile({"acme": entry(current("2", B), None, superseded("1", A))}),
    ):
        base = with_former(EMPTY, PUBLISHED, [newest, PUBLISHED])
        assert merge(base, PUBLISHED, newest).lockfile == newest


def test_only_what_was_done_since_is_added() -> None:
    before = PUBLISHED.entry("acme")
    assert before is not None
    ours = lockfile({"acme": replace(before, pending=uncertain("3", B)), "blog": entry(current("4", A))})
    newest = lockfile({"acme": entry(current("2", B), None, superseded("1", A))})
    merged = merge(with_former(EMPTY, ours, [newest, PUBLISHED]), ours, newest).lockfile
    acme = merged.entry("acme")
    assert acme is not None
    assert (acme.kept.protect, acme.engine_ids, len(acme.unresolved)) == (False, ("eng_2", "eng_1"), 1)
    assert merged.entry("blog") == entry(current("4", A))


def test_what_names_more_or_is_kept_otherwise_is_no_base() -> None:
    ours = lockfile({"acme": entry(current("1", A))})
    later = lockfile({"acme": entry(current("1", A), pending("2", B))})
    assert with_former(EMPTY, ours, [later, PUBLISHED]) == EMPTY
    assert with_former(None, ours, []) is None


def test_what_was_published_as_retired_is_not_retired_anew() -> None:
    retired, restored = lockfile({}, acme=entry(current("1", A))), lockfile({"acme": entry(current("1", A))})
    assert merge(with_former(EMPTY, retired, [restored, retired]), retired, restored).lockfile == restored
