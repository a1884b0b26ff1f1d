"""The ends of shards: what one brings that it knew before, and that none begins once the plan was collected."""

from __future__ import annotations

import pytest

from reconciler.app.leasing import MOST_ASKED, close_shared, look_when_free
from reconciler.app.pushing import Pusher
from reconciler.core.errors import LeaseHeld, RefMoved, RemoteUnreachable
from reconciler.core.frozen import replace
from reconciler.core.ledger.epoch import EpochOver, SharedTerms, Sharing, alive_in
from reconciler.core.ledger.journal import Decision
from reconciler.core.ledger.lease import Holder, Lease, Place, after, take
from tests.app.memory_ledger import MemoryLedger, MovedClock, Remote
from tests.app.ports import Log
from tests.core.build import A, accepted, begin

DECIDED = Decision("op_2", "acme", "discard", "2026-11-24T11:00:00Z")
PLAN = Sharing("sha256:" + "a" * 64, "run-1", 3)


class Shards:
    def __init__(self) -> None:
        self.remote = Remote()
        self.ledger = MemoryLedger(self.remote, Log())
        self.clock = MovedClock()

    def terms(self, number: int, own: str = "") -> SharedTerms:
        return SharedTerms(PLAN, number, Holder("here", number), own or f"process-{number}", 300.0)

    def pusher(self, number: int) -> Pusher:
        return Pusher(self.ledger, self.ledger.look(), self.terms(number), self.clock, lambda attempt: None)

    def join(self, number: int) -> Pusher:
        pusher = self.pusher(number)
        pusher.push(())
        return pusher

    def close(self) -> None:
        close_shared(self.ledger, self.clock, PLAN)

    def comes_too_late(self, number: int) -> None:
        with pytest.raises(EpochOver):
            self.terms(number).check(self.remote.lease, self.clock.now())


def test_what_an_earlier_run_of_a_shard_learned_is_on_the_ledger_once_it_has_its_place() -> None:
    """It died before it pushed that, and the next run finds nothing to do."""
    shards = Shards()
    begun, learned = begin("1", A, 0), accepted("1", 1)
    shards.remote.put(records=(begun,))
    pusher = shards.pusher(1)
    pusher.bring([begun, learned, DECIDED])
    pusher.push(())
    assert shards.remote.shared.records == (begun, learned)  # a decision is for the run that publishes
    pusher.leave()
    assert shards.remote.shared.records == (begun, learned)


def test_what_the_ledger_has_moved_past_is_not_brought_again() -> None:
    shards = Shards()
    seen = replace(shards.ledger.look(), past=frozenset({"op_1"}))
    pusher = Pusher(shards.ledger, seen, shards.terms(1), shards.clock, lambda attempt: None)
    pusher.bring([begin("1", A, 0), accepted("1", 1)])
    pusher.push(())
    assert shards.remote.shared.records == ()


def test_a_plan_is_over_when_it_was_collected_whether_a_shard_came_or_not() -> None:
    came, nobody = Shards(), Shards()
    came.join(1).leave()
    for shards in (came, nobody):
        shards.close()
        assert shards.remote.lease.holder is None
        shards.comes_too_late(2)
        tip = shards.remote.shared.ledger_tip
        shards.close()
        assert shards.remote.shared.ledger_tip == tip  # once is enough


def test_another_run_that_began_meanwhile_keeps_its_lease() -> None:
    shards = Shards()
    held = take(Lease(), Holder("elsewhere", 7), "token", shards.clock.now(), 300.0)
    shards.remote.put(lease=held)
    shards.close()
    assert shards.remote.lease == replace(held, closed=(PLAN.token,))


def test_a_lease_of_another_key_is_left_alone_only_while_it_holds() -> None:
    shards = Shards()
    held = replace(take(Lease(), Holder("elsewhere", 7), "token", shards.clock.now(), 300.0), verified=False)
    shards.remote.put(lease=held)
    shards.close()
    assert shards.remote.lease == held
    shards.clock.ahead += 400
    shards.close()
    shards.comes_too_late(1)


def test_a_shard_whose_run_has_ended_does_not_keep_the_plan_open() -> None:
    shards = Shards()
    for number in (1, 2):
        shards.join(number)
    close_shared(shards.ledger, shards.clock, PLAN, lambda holder: holder.pid == 1)
    assert [one.shard for one in alive_in(shards.remote.lease, shards.clock.now())] == [1, 2]
    close_shared(shards.ledger, shards.clock, PLAN, lambda holder: True)
    assert shards.remote.lease.holder is None
    shards.comes_too_late(3)


@pytest.mark.parametrize(
    ("run_url", "asked"), [("https://github.com/a/b/actions/runs/1", 1), (None, MOST_ASKED)]
)
def test_a_run_is_asked_about_once_for_all_of_its_shards(run_url: str | None, asked: int) -> None:
    """Each question is a request, and who may push can write a thousand names there."""
    shards = Shards()
    now = shards.clock.now()
    lease = shards.terms(1).taken(Lease(), now)
    assert lease.epoch is not None
    places = tuple(
        Place(number, f"own-{number}", Holder("here", number, run_url), after(now, 300.0), now)
        for number in range(1, 1001)
    )
    shards.remote.put(lease=replace(lease, epoch=replace(lease.epoch, shards=1000, places=places)))
    heard: list[Holder] = []

    def has_ended(holder: Holder) -> bool:
        heard.append(holder)
        return False

    with pytest.raises(LeaseHeld):
        look_when_free(
            shards.ledger,
            shards.clock,
            wait=0,
            sleep=lambda seconds: None,
            has_ended=has_ended,
            notice=lambda text: None,
        )
    assert len(heard) == asked


def test_a_shard_that_began_while_the_plan_was_collected_goes_on() -> None:
    shards = Shards()

    def joined(name: str, records: object) -> RefMoved:
        shards.ledger.before = lambda name, records: None
        shards.join(3)
        return RefMoved("a shard was faster")

    shards.join(1).leave()
    shards.ledger.before = lambda name, records: joined(name, records) if name == "record" else None
    shards.close()
    assert [one.shard for one in alive_in(shards.remote.lease, shards.clock.now())] == [3]


def test_it_gives_up_where_the_ledger_moves_all_the_time() -> None:
    shards = Shards()
    shards.ledger.before = lambda name, records: RefMoved("it moved") if name == "record" else None
    with pytest.raises(RemoteUnreachable, match="moves too fast"):
        shards.close()
