from __future__ import annotations

import pytest

from reconciler.app.leasing import break_lease, look_when_free, with_past
from reconciler.core.errors import LeaseHeld, RefMoved
from reconciler.core.ledger import journal
from reconciler.core.ledger.journal import Settlement, UncertainOutcome
from reconciler.core.ledger.lease import SKEW, Holder, Lease, take
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.lockfile.model import EMPTY, Lockfile, render
from tests.app.memory_ledger import MemoryLedger, MovedClock, Remote, taken_by_another
from tests.app.ports import Log, MemoryJournal, MemoryLockfile
from tests.core.build import A, B, begin, current, entry, failed, lockfile, uncertain

HOLDER = Holder("elsewhere", 7)


class Waiting:
    """A lease that somebody has, and who waits for it; sleeping only moves the clock."""

    def __init__(self, ttl: float = 300.0) -> None:
        self.remote = Remote()
        self.ledger = MemoryLedger(self.remote, Log())
        self.clock = MovedClock()
        self.remote.put(lease=take(Lease(), HOLDER, "token", self.clock.now(), ttl))
        self.notices: list[str] = []
        self.given_back_after = float("inf")

    def sleep(self, seconds: float) -> None:
        self.clock.ahead += seconds
        if self.clock.ahead >= self.given_back_after:
            self.remote.put(lease=Lease(1))

    def look(self, wait: float, *, ended: bool = False) -> Lease:
        return look_when_free(
            self.ledger,
            self.clock,
            wait=wait,
            sleep=self.sleep,
            has_ended=lambda holder: ended and holder == HOLDER,
            notice=self.notices.append,
        ).lease


def test_without_waiting_a_held_lease_is_an_error_that_says_whose() -> None:
    scene = Waiting()
    with pytest.raises(LeaseHeld, match="process 7 on elsewhere") as caught:
        scene.look(0)
    assert "reconcile lease break" in (caught.value.hint or "")
    assert "set RECONCILE_LEASE_WAIT=10m" in (caught.value.hint or "")  # not every command has the flag
    assert scene.clock.ahead == 0


def test_it_is_waited_for_until_it_is_given_back() -> None:
    scene = Waiting()
    scene.given_back_after = 12
    assert scene.look(60) == Lease(1)
    assert 12 <= scene.clock.ahead < 20
    assert len(scene.notices) == 1


def test_waiting_ends_in_time() -> None:
    scene = Waiting()
    with pytest.raises(LeaseHeld):
        scene.look(12)
    assert scene.clock.ahead == pytest.approx(12)


def test_one_that_ran_out_is_free_though_only_when_no_clock_can_be_wrong() -> None:
    scene = Waiting(ttl=10)
    assert scene.look(60).holder == HOLDER
    assert 10 + SKEW <= scene.clock.ahead <= 10 + SKEW + 6


def test_one_whose_run_has_ended_is_free_at_once() -> None:
    scene = Waiting()
    assert scene.look(0, ended=True) == Lease(1)
    assert scene.notices == []


def test_it_is_broken_though_its_holder_pushes_meanwhile() -> None:
    scene = Waiting()
    seen = scene.ledger.look()
    for _ in range(3):
        scene.remote.put()
    assert break_lease(scene.ledger, seen).lease == Lease(1)
    assert scene.remote.lease == Lease(1)


def test_it_is_not_taken_from_another_than_was_shown() -> None:
    scene = Waiting()
    seen = scene.ledger.look()
    taken_by_another(scene.remote)
    with pytest.raises(RefMoved):
        break_lease(scene.ledger, seen)
    assert scene.remote.lease.token == "other"


# ── what the ledger's log says of what it has no longer ────────────────────────────────────────────────────────────

ASKED = (begin("2", B, 1), UncertainOutcome("op_2", "no answer", "2026-11-24T11:00:02Z"))
RETRIED = Settlement("op_2", "retry", "2026-11-24T11:00:03Z")
NOTHING = lockfile({"acme": entry(current("1", A))})
OPEN = lockfile({"acme": entry(current("1", A), uncertain("2", B))})


def past_of(remote: Remote, work_tree: Lockfile = EMPTY, journalled: bytes = b"") -> RemoteSnapshot:
    log = Log()
    ledger = MemoryLedger(remote, log)
    on_disk = MemoryLockfile(log, render(work_tree) if work_tree is not EMPTY else b"")
    return with_past(ledger, ledger.look(), MemoryJournal(log, journalled), on_disk)


def test_an_old_journal_is_past_and_a_call_that_is_open_on_the_branch_is_not() -> None:
    remote = Remote(logged=[*ASKED, RETRIED])
    remote.change_branch(NOTHING)
    seen = past_of(remote, journalled=journal.render(ASKED))
    assert (seen.past, seen.logged) == (frozenset({"op_2"}), ())
    remote.change_branch(OPEN)
    seen = past_of(remote, journalled=journal.render(ASKED))
    assert (seen.past, seen.logged) == (frozenset(), (*ASKED, RETRIED))


def test_a_resolution_in_the_log_reaches_a_question_in_the_work_tree() -> None:
    remote = Remote(logged=[*ASKED, RETRIED])
    remote.change_branch(NOTHING)
    assert past_of(remote, OPEN).logged == (*ASKED, RETRIED)


def test_what_the_branch_has_an_answer_for_is_not_begun_again_by_a_late_fact() -> None:
    remote = Remote()
    remote.change_branch(lockfile({"acme": entry(None, failed("2", B))}))
    remote.put(records=ASKED)
    assert past_of(remote).past == {"op_2"}
    remote.change_branch(OPEN)
    assert past_of(remote).past == frozenset()


def test_the_work_tree_goes_on_from_what_was_published() -> None:
    published, newest = lockfile({"acme": entry(current("1", A))}), lockfile({"blog": entry(current("1", A))})
    remote = Remote(former=[newest, published])
    remote.change_branch(newest)
    remote.put(base=EMPTY)
    assert past_of(remote, published).base == published
    assert past_of(remote, newest).base == EMPTY  # as the branch has it: there is nothing to merge
