"""A ledger that others may write to: what does not verify counts for nothing, and is lost to nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.git.ledger import GitLedger
from reconciler.adapters.git.refs import PUBLISHED_FILE, PUBLISHED_SEAL_FILE
from reconciler.core.errors import InvalidInput
from reconciler.core.ledger.lease import FREE, Holder, Lease, take
from reconciler.core.ledger.seal import seal_for
from reconciler.core.lockfile.model import EMPTY, Lockfile, render
from tests.adapters.git_far_end import LEDGER, clone, ledger_of
from tests.app.git_repo import commit_all, git
from tests.core.build import A, B, accepted, begin, current, entry, lockfile

ROTATED = seal_for("lk_rotated", "/origin", LEDGER)
HELD = take(FREE, Holder("build-7", 1), "t", "2026-11-24T11:00:00.000Z", 300)
FACTS = (begin("x", A, 1), accepted("x", 2))
ONE = lockfile({"acme": entry(current("x", A))})
TWO = lockfile({"acme": entry(current("x", A)), "b": entry(current("y", B))})


@pytest.fixture
def ledger(origin: Path) -> GitLedger:
    return ledger_of(clone(origin))


def with_key(origin: Path, name: str, seal: object) -> GitLedger:
    return ledger_of(clone(origin, name), seal=seal)


def test_another_keys_records_do_not_count_and_are_carried_along(origin: Path, ledger: GitLedger) -> None:
    ledger.record(ledger.look(), FACTS, HELD)
    new = with_key(origin, "new", ROTATED)
    seen = new.look()
    assert (seen.records, seen.lease.verified, seen.lease.held_at("2026-11-24T11:01:00.000Z")) == (
        (),
        False,
        True,
    )
    assert [one.record for one in seen.unverified.records] == [*FACTS]
    ours = begin("y", B, 3, "b")
    recorded = new.record(seen, [ours], take(seen.lease, Holder("other", 2), "u", HELD.taken_at or "", 300))
    assert new.look() == recorded
    assert [one.record for one in recorded.unverified.records] == [*FACTS]
    assert ledger.look().records == FACTS  # whoever still has the old key sees what it wrote
    published = new.publish(recorded, lockfile({"b": entry(current("y", B))}), [ours], Lease(2))
    assert replace(new.look(), moved_on={}) == replace(published, base=new.look().base)
    assert [one.record for one in published.unverified.records] == [*FACTS]
    done = new.publish(published, TWO, FACTS, Lease(2))  # a person resolved it
    assert not done.unverified
    assert not new.look().unverified


def test_what_the_branch_has_from_them_is_forgotten(origin: Path, ledger: GitLedger) -> None:
    ledger.record(ledger.look(), FACTS, Lease(1))
    new = with_key(origin, "new", ROTATED)
    assert not new.publish(new.look(), ONE, (), Lease(1)).unverified


def test_without_a_key_all_is_seen_and_nothing_written_but_what_was_there(
    origin: Path, ledger: GitLedger
) -> None:
    ledger.record(ledger.look(), FACTS, HELD)
    nobody = with_key(origin, "nobody", None)
    seen = nobody.look()
    assert (seen.records, seen.unverified.has_key, len(seen.unverified.records)) == ((), False, 2)
    for records, held in ((FACTS, Lease(1)), ((), HELD)):
        with pytest.raises(InvalidInput, match="no API key"):
            nobody.record(seen, records, held)
    with pytest.raises(InvalidInput, match="no API key"):
        nobody.publish(seen, ONE, (), Lease(1))
    assert nobody.record(seen, (), Lease(1)).lease == Lease(1)  # a lease can be broken
    assert (ledger.look().records, ledger.look().lease) == (FACTS, Lease(1))


@pytest.mark.parametrize(
    "seal",
    [
        seal_for("lk_test", "/origin", "refs/reconcile/staging"),
        seal_for("lk_test", "/fork", LEDGER),
    ],
)
def test_a_ledger_copied_from_elsewhere_counts_for_nothing(origin: Path, seal: object) -> None:
    there = with_key(origin, "there", seal)
    there.publish(there.record(there.look(), FACTS, HELD), EMPTY, FACTS, HELD)
    there.record(there.look(), FACTS, HELD)
    seen = ledger_of(clone(origin, "here")).look()
    assert (seen.records, seen.restored, seen.lease.verified) == ((), None, False)
    assert len(seen.unverified.records) == 2


def test_the_log_tells_only_what_verifies(origin: Path, ledger: GitLedger) -> None:
    seen = ledger.record(ledger.look(), FACTS, HELD)
    assert ledger.logged(seen, ["op_x"]) == FACTS
    new = with_key(origin, "new", ROTATED)
    assert new.logged(new.look(), ["op_x"]) == ()
    told = [(records, unverified) for _, records, unverified in new.commits(seen.ledger_tip or "", 9)]
    assert told == [(FACTS, frozenset({"op_x"}))]
    assert [unverified for _, _, unverified in ledger.commits(seen.ledger_tip or "", 9)] == [frozenset()]


def set_back(origin: Path, to: str) -> None:
    git(origin, "update-ref", "refs/heads/main", to)


def test_what_does_not_verify_is_not_restored_and_its_calls_are_in_doubt(
    origin: Path, ledger: GitLedger
) -> None:
    before = git(origin, "rev-parse", "main")
    ledger.publish(ledger.look(), TWO, (), Lease(1))
    set_back(origin, before)
    assert ledger_of(clone(origin, "ours")).look().restored == TWO
    for name, seal, has_key in (("new", ROTATED, True), ("nobody", None, False)):
        seen = with_key(origin, name, seal).look()
        assert (seen.restored, seen.unverified.has_key) == (None, has_key)
        assert {one.record.operation for one in seen.unverified.records} == {"op_x", "op_y"}
    new = ledger_of(origin.parent / "new", seal=ROTATED)
    published = new.publish(new.look(), lockfile({"c": entry(current("z", A))}), (), Lease(1))
    assert {one.record.operation for one in published.unverified.records} == {"op_x", "op_y"}
    assert replace(new.look(), moved_on={}, base=None) == replace(published, base=None)


def forge(origin: Path, files: dict[str, bytes | None]) -> None:
    """Somebody who may push writes to the ledger."""
    folder = clone(origin, f"forger-{len(list(origin.parent.iterdir()))}")
    git(folder, "fetch", "--quiet", "origin", LEDGER)
    git(folder, "checkout", "--quiet", "--detach", "FETCH_HEAD")
    for name, content in files.items():
        (folder / name).unlink(missing_ok=True) if content is None else (folder / name).write_bytes(content)
    commit_all(folder, "forged")
    git(folder, "push", "--quiet", "origin", f"HEAD:{LEDGER}")


def file_at(origin: Path, commit: str, name: str) -> bytes:
    return (git(origin, "show", f"{commit}:{name}") + "\n").encode()


def test_a_forged_lockfile_is_not_restored_from(origin: Path, ledger: GitLedger) -> None:
    ledger.publish(ledger.look(), ONE, (), Lease(1))
    forged = lockfile({"acme": entry(current("evil", A))})
    forge(origin, {PUBLISHED_FILE: render(forged)})
    seen = ledger.look()
    assert (seen.recorded, seen.restored) == (ONE, None)
    forge(origin, {PUBLISHED_SEAL_FILE: None})
    assert ledger.look().recorded == ONE


def test_an_old_publication_put_on_top_again_undoes_nothing(origin: Path, ledger: GitLedger) -> None:
    ledger.publish(ledger.look(), TWO, (), Lease(1))
    old = git(origin, "rev-parse", LEDGER)
    newer = lockfile({"acme": entry(current("x", A)), "b": entry(current("y", A))})
    ledger.publish(ledger.look(), newer, (), Lease(1))
    names = (PUBLISHED_FILE, PUBLISHED_SEAL_FILE)
    forge(origin, {name: file_at(origin, old, name) for name in names})
    assert ledger.look().recorded == newer


def test_a_branch_that_was_set_back_to_an_earlier_publication_is_put_right(
    origin: Path, ledger: GitLedger
) -> None:
    def lock_with(spec: object) -> Lockfile:
        return lockfile({"acme": entry(current("x", spec))})  # type: ignore[arg-type]

    ledger.publish(ledger.look(), lock_with(A), (), Lease(1))
    first = git(origin, "rev-parse", "main")
    ledger.publish(ledger.look(), lock_with(B), (), Lease(1))
    ledger.record(ledger.look(), FACTS, HELD)  # the seal is carried along
    set_back(origin, first)
    assert ledger.look().restored == lock_with(B)
