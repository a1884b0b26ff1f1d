"""The ledger of a protected branch, on a real remote whose hook refuses every push to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.git.proposals import ProposingLedger
from reconciler.adapters.system.clock import UtcClock
from reconciler.app.pushing import Pusher, Terms
from reconciler.core.errors import PushRefused, RefMoved, RemoteUnreachable
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Record
from reconciler.core.ledger.lease import FREE, Holder, Lease
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.lockfile.entry import Retired
from reconciler.core.lockfile.model import EMPTY, Lockfile, parse, render
from tests.adapters.git_far_end import (
    LEDGER,
    LOCKFILE,
    PROTECTED,
    SEAL,
    clone,
    hook,
    looks,
    move_branch,
    odd_refs,
    remote_of,
    tip,
)
from tests.app.git_repo import commit_all, git
from tests.core.build import A, B, accepted, begin, current, ended, entry, lockfile

OURS = "refs/heads/reconcile/production"
HELD = Lease(3)
ONE = lockfile({"acme": entry(current("x", A))})
TWO = lockfile({"acme": entry(current("x", A)), "b": entry(current("y", B))})
RECORDS = (begin("x", A, 0), accepted("x", 1), ended("x", 2))


@pytest.fixture
def origin(origin: Path) -> Path:
    hook(origin, "update", PROTECTED)
    return origin


def ledger_in(folder: Path, notices: list[str] | None = None) -> ProposingLedger:
    told: list[str] = [] if notices is None else notices
    return ProposingLedger(
        remote_of(folder),
        LEDGER,
        "main",
        LOCKFILE,
        proposals="reconcile/production",
        notice=told.append,
        seal=SEAL,
    )


@pytest.fixture
def ledger(origin: Path) -> ProposingLedger:
    return ledger_in(clone(origin))


def recorded(origin: Path, ref: str) -> Lockfile:
    return parse(git(origin, "show", f"{ref}:{LOCKFILE}").encode() + b"\n", LOCKFILE)


def propose(ledger: ProposingLedger, lockfile: Lockfile = ONE) -> RemoteSnapshot:
    return ledger.publish(ledger.look(), lockfile, RECORDS, FREE)


def test_the_lockfile_goes_to_a_branch_of_ours_and_the_journal_stays(
    origin: Path, ledger: ProposingLedger
) -> None:
    before, main = looks(ledger.remote.root), tip(origin, "main")
    seen = propose(ledger)
    assert seen.proposal is not None
    assert seen.proposal.tip == tip(origin, OURS)
    assert tip(origin, f"{OURS}^") == tip(origin, "main") == main
    assert recorded(origin, OURS) == ONE
    again = ledger_in(clone(origin, "elsewhere")).look()
    assert (again.records, again.lockfile, again.lease) == (RECORDS, EMPTY, FREE)
    assert fold(again.lockfile, again.records) == fold(EMPTY, RECORDS)
    assert git(origin, "diff", "--name-only", "main", OURS) == LOCKFILE
    assert looks(ledger.remote.root) == before
    assert all(name.startswith("refs/reconcile-remote/") for name in odd_refs(ledger.remote.root))


def test_it_is_made_anew_when_the_target_moved_or_there_is_more(
    origin: Path, ledger: ProposingLedger
) -> None:
    first = propose(ledger).proposal
    hook(origin, "update", "exit 0")
    moved = move_branch(origin)
    hook(origin, "update", PROTECTED)
    second = propose(ledger).proposal
    third = propose(ledger, TWO).proposal
    assert first is not None
    assert second is not None
    assert third is not None
    assert len({first.tip, second.tip, third.tip}) == 3
    assert tip(origin, f"{OURS}^") == moved
    assert recorded(origin, OURS) == TWO


@pytest.mark.parametrize("depth", [[], ["--depth=1"]])
def test_where_nothing_is_new_the_branch_stays_as_it_is(origin: Path, depth: list[str]) -> None:
    before = propose(ledger_in(clone(origin))).proposal
    after = propose(ledger_in(clone(origin, "later", *depth))).proposal
    assert before is not None
    assert after is not None
    assert after.tip == before.tip


def test_a_retirement_that_every_run_makes_again_is_one_change(origin: Path, ledger: ProposingLedger) -> None:
    def retired(at: str) -> Lockfile:
        return EMPTY.with_retired("acme", (Retired(entry(current("x", A)), at),))

    one = propose(ledger, retired("2026-11-24T11:00:00Z")).proposal
    two = propose(ledger, retired("2026-11-24T12:00:00Z")).proposal
    assert one is not None
    assert two is not None
    assert one.tip == two.tip


def test_when_it_was_merged_the_journal_is_emptied_and_the_branch_is_left(
    origin: Path, ledger: ProposingLedger
) -> None:
    proposed = propose(ledger).proposal
    assert proposed is not None
    git(origin, "update-ref", "refs/heads/main", OURS)
    seen = ledger.look()
    assert seen.lockfile == ONE
    assert seen.records == RECORDS
    after = ledger.publish(seen, ONE, RECORDS, FREE)
    assert after.proposal is None
    assert ledger.look().records == ()
    assert tip(origin, OURS) == proposed.tip


def test_what_is_not_wanted_any_more_cannot_be_merged_by_mistake(origin: Path) -> None:
    """An operation that was uncertain, and was settled as never made: the pull request still says otherwise."""
    notices: list[str] = []
    ledger = ledger_in(clone(origin), notices)
    propose(ledger)
    seen = ledger.look()
    after = ledger.publish(seen, seen.lockfile, RECORDS, FREE)
    assert after.proposal is None
    assert git(origin, "for-each-ref", OURS) == ""
    assert ledger.look() == replace(after, lease=FREE)
    assert notices == ["deleted the branch `reconcile/production`: nothing is left to propose"]
    propose(ledger)
    assert recorded(origin, OURS) == ONE


def test_a_branch_that_was_merged_is_left_also_when_the_target_went_on(
    origin: Path, ledger: ProposingLedger
) -> None:
    proposed = propose(ledger).proposal
    assert proposed is not None
    git(origin, "update-ref", "refs/heads/main", OURS)
    propose(ledger_in(clone(origin, "more")), TWO)
    git(origin, "update-ref", "refs/heads/main", OURS)
    git(origin, "update-ref", OURS, proposed.tip)
    ledger.publish(ledger.look(), TWO, RECORDS, FREE)
    assert tip(origin, OURS) == proposed.tip


def test_a_branch_that_was_deleted_comes_back(origin: Path, ledger: ProposingLedger) -> None:
    propose(ledger)
    git(origin, "update-ref", "-d", OURS)
    propose(ledger)
    assert recorded(origin, OURS) == ONE


@pytest.mark.parametrize("depth", [[], ["--depth=1"]])
def test_commits_that_were_pushed_by_hand_are_replaced_and_named(origin: Path, depth: list[str]) -> None:
    notices: list[str] = []
    propose(ledger_in(clone(origin, "first")))
    person = clone(origin, "person", "--branch", "reconcile/production")
    (person / "extra").write_text("by hand")
    by_hand = commit_all(person, "by hand")
    git(person, "push", "--quiet", "origin", "HEAD")
    propose(ledger_in(clone(origin, "second", *depth), notices))
    assert tip(origin, f"{OURS}^") == tip(origin, "main")
    assert recorded(origin, OURS) == ONE
    assert len(notices) == 1
    assert by_hand[:12] in notices[0]


def test_a_branch_of_that_name_that_is_not_ours_is_left_alone(origin: Path, ledger: ProposingLedger) -> None:
    theirs = clone(origin, "person")
    git(theirs, "checkout", "--quiet", "-b", "reconcile/production")
    (theirs / "extra").write_text("theirs")
    made = commit_all(theirs)
    git(theirs, "push", "--quiet", "origin", "HEAD")
    with pytest.raises(PushRefused, match="is not ours") as raised:
        propose(ledger)
    assert "pr_branch" in str(raised.value.hint)
    assert tip(origin, OURS) == made


def test_a_branch_of_another_project_is_left_alone(origin: Path, ledger: ProposingLedger) -> None:
    """Though below it, on the target, there are commits of ours that were merged."""
    hook(origin, "update", "exit 0")
    propose(ledger)
    git(origin, "update-ref", "refs/heads/main", tip(origin, OURS))
    git(origin, "update-ref", "-d", OURS)
    other = replace(
        ledger_in(clone(origin, "other")), ref=f"{LEDGER}+b", path="b/engines.lock.json", folder="b"
    )
    propose(other)
    made = tip(origin, OURS)
    with pytest.raises(PushRefused, match="is not ours"):
        ledger.publish(ledger.look(), TWO, RECORDS, FREE)
    assert tip(origin, OURS) == made


def test_whoever_is_overtaken_on_the_branch_pushes_nothing(origin: Path, ledger: ProposingLedger) -> None:
    """The remote compares: between our look and our push another run proposed something else."""
    seen = ledger.look()
    other = ledger_in(clone(origin, "other"))
    other.record(other.look(), (), HELD)
    propose(other, TWO)
    with pytest.raises(RefMoved):
        ledger.publish(seen, ONE, RECORDS, FREE)
    assert recorded(origin, OURS) == TWO


def test_a_branch_with_something_unreadable_is_made_anew(origin: Path, ledger: ProposingLedger) -> None:
    propose(ledger)
    person = clone(origin, "person", "--branch", "reconcile/production")
    (person / LOCKFILE).write_text("<<<<<<< HEAD\n")
    commit_all(person)
    git(person, "push", "--quiet", "origin", "HEAD")
    seen = ledger.look()
    assert seen.proposal is not None
    assert seen.proposal.lockfile == EMPTY
    propose(ledger)
    assert recorded(origin, OURS) == ONE


def test_a_remote_that_refuses_our_branch_too_keeps_the_ledger_as_it_was(
    origin: Path, ledger: ProposingLedger
) -> None:
    hook(origin, "update", '[ "${1#refs/heads/}" = "$1" ] || { echo "no branches" >&2; exit 1; }')
    with pytest.raises(PushRefused, match="no branches"):
        propose(ledger)
    assert ledger.look() == RemoteSnapshot(branch_tip=tip(origin, "main"), branch="main", base=EMPTY)
    seen = ledger.record(ledger.look(), RECORDS, HELD)
    assert seen.records == RECORDS


def test_the_commit_names_what_changed_and_whose_it_is(origin: Path, ledger: ProposingLedger) -> None:
    ledger.skip_ci = True
    ledger.run_url = "https://github.example/run/1"
    propose(ledger)
    message = git(origin, "log", "-1", "--format=%B", OURS)
    assert "acme: eng_x" in message
    assert f"Reconcile-Ledger: {LEDGER}" in message
    assert "[skip ci]" not in message
    assert render(ONE) == git(origin, "show", f"{OURS}:{LOCKFILE}").encode() + b"\n"


class Lossy(ProposingLedger):
    """The answer to the first publishing push is lost: it arrived, and nobody knows."""

    __slots__ = ("pushed",)

    def publish(
        self, seen: RemoteSnapshot, lockfile: Lockfile, told: Sequence[Record], held: Lease
    ) -> RemoteSnapshot:
        done = ProposingLedger.publish(self, seen, lockfile, told, held)
        if not hasattr(self, "pushed"):
            self.pushed = True
            raise RemoteUnreachable("the connection broke")
        return done


def test_an_end_whose_answer_was_lost_is_known_to_have_arrived(origin: Path) -> None:
    remote, ours = remote_of(clone(origin)), "reconcile/production"
    ledger = Lossy(remote, LEDGER, "main", LOCKFILE, seal=SEAL, proposals=ours)
    terms = Terms(Holder("here", 7), "token", 300.0)
    pusher = Pusher(ledger, ledger.look(), terms, UtcClock(), lambda longest: None)
    pusher.push(RECORDS[:1])
    merged = pusher.finish(fold(EMPTY, RECORDS), RECORDS)
    assert pusher.lost is None
    assert merged.lockfile == recorded(origin, OURS) == fold(EMPTY, RECORDS)
    assert pusher.seen.records == RECORDS
    assert pusher.seen.proposal is not None
