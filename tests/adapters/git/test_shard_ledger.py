"""What shards write to the ledger side by side, in files of their own, and what everyone else makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from reconciler.adapters.git.ledger import GitLedger
from reconciler.adapters.git.shard_ledger import ShardLedger
from reconciler.app.pushing import FIRST_PAUSE, Pusher
from reconciler.core.errors import RefMoved
from reconciler.core.frozen import replace
from reconciler.core.ledger.epoch import SharedTerms, Sharing
from reconciler.core.ledger.journal import Record, canonical
from reconciler.core.ledger.lease import FREE, Holder, give_back
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from tests.adapters.git_far_end import LEDGER, clone, ledger_of
from tests.app.git_repo import git
from tests.core.build import A, B, accepted, begin

NOW = "2026-11-24T11:00:00.000Z"
PLAN = Sharing("sha256:" + "a" * 64, "run-1", 2)
OLD: tuple[Record, ...] = (begin("old", B, 0, "blog"),)


def terms(shard: int) -> SharedTerms:
    return SharedTerms(PLAN, shard, Holder(f"runner-{shard}", shard), f"process-{shard}", 300.0)


def shard_ledger(plain: GitLedger, shard: int) -> ShardLedger:
    return ShardLedger(
        plain.remote, plain.ref, plain.branch, plain.path, folder=plain.folder, seal=plain.seal, shard=shard
    )


@pytest.fixture
def two(origin: Path) -> tuple[ShardLedger, ShardLedger]:
    """Beside something that a run left before."""
    first = ledger_of(clone(origin, "one"))
    first.record(first.look(), OLD, FREE)
    return shard_ledger(first, 1), shard_ledger(ledger_of(clone(origin, "two")), 2)


def files(origin: Path) -> list[str]:
    return git(origin, "ls-tree", "-r", "--name-only", LEDGER).split()


def lines(origin: Path, name: str) -> int:
    return len(git(origin, "show", f"{LEDGER}:{name}").splitlines())


class _Clock:
    def now(self) -> str:
        return NOW

    def monotonic(self) -> float:
        return 0.0


def told(records: Iterable[Record]) -> set[str]:
    return set(map(canonical, records))


def facts(name: str) -> tuple[Record, ...]:
    return begin(name, A, 1, name), accepted(name, 2)


def test_each_writes_its_own_file_and_everyone_sees_all(
    origin: Path, two: tuple[ShardLedger, ShardLedger]
) -> None:
    one, other = two
    seen, theirs = one.look(), other.look()
    mine = one.record(seen, (*seen.records, *facts("a")), terms(1).taken(seen.lease, NOW))
    with pytest.raises(RefMoved):
        other.record(theirs, theirs.records, terms(2).taken(theirs.lease, NOW))
    theirs = other.again(theirs)
    assert (theirs.ledger_tip, theirs.lease) == (mine.ledger_tip, mine.lease)
    theirs = other.record(theirs, (*theirs.records, *facts("b")), terms(2).taken(theirs.lease, NOW))
    assert files(origin) == ["journal.jsonl", "lease.json", "shards/1.jsonl", "shards/2.jsonl"]
    assert [lines(origin, name) for name in files(origin) if name.endswith("l")] == [1, 2, 2]
    everything = ledger_of(clone(origin, "third")).look()
    assert told(everything.records) == told([*OLD, *facts("a"), *facts("b")])
    assert everything.lease == theirs.lease
    assert [one.shard for one in theirs.lease.epoch.places] == [1, 2]  # type: ignore[union-attr]


def test_after_an_overtaken_push_the_next_costs_no_look_at_the_branch(
    origin: Path, two: tuple[ShardLedger, ShardLedger]
) -> None:
    one, other = two
    seen = one.record(one.look(), facts("a"), terms(1).taken(FREE, NOW))
    theirs = other.look()
    other.record(theirs, theirs.records, terms(2).taken(theirs.lease, NOW))
    moved = one.again(seen)
    assert moved.ledger_tip != seen.ledger_tip
    assert (moved.branch_tip, moved.records) == (seen.branch_tip, seen.records)
    more = one.record(moved, (*moved.records, *facts("c")), terms(1).taken(moved.lease, NOW))
    assert told(ledger_of(clone(origin, "third")).look().records) >= told([*facts("a"), *facts("c")])
    assert more.records == (*seen.records, *facts("c"))


def test_what_another_process_wrote_for_the_same_shard_is_never_overwritten(
    origin: Path, two: tuple[ShardLedger, ShardLedger]
) -> None:
    one, _ = two
    seen = one.look()
    copy = shard_ledger(ledger_of(clone(origin, "copy")), 1)
    copied = copy.look()
    copy.record(copied, (*copied.records, *facts("a")), terms(1).taken(copied.lease, NOW))
    seen = one.again(seen)
    assert told(seen.records) == told([*OLD, *facts("a")])
    one.record(seen, (*seen.records, *facts("b")), terms(1).given_back(seen.lease, NOW))
    assert told(one.look().records) == told([*OLD, *facts("a"), *facts("b")])


def test_whoever_else_writes_puts_all_into_the_journal(
    origin: Path, two: tuple[ShardLedger, ShardLedger]
) -> None:
    one, _ = two
    seen = one.look()
    seen = one.record(seen, (*seen.records, *facts("a")), terms(1).taken(seen.lease, NOW))
    person = ledger_of(clone(origin, "person"))
    found = person.look()
    person.record(found, found.records, give_back(found.lease))
    assert files(origin) == ["journal.jsonl", "lease.json"]
    assert told(person.look().records) == told([*OLD, *facts("a")])
    # Without the lease a shard writes there, too, where every version reads.
    seen = one.look()
    one.record(seen, (*seen.records, *facts("b")), seen.lease)
    assert files(origin) == ["journal.jsonl", "lease.json"]
    assert told(person.look().records) == told([*OLD, *facts("a"), *facts("b")])


def test_the_log_tells_what_shards_recorded(origin: Path, two: tuple[ShardLedger, ShardLedger]) -> None:
    one, _ = two
    seen = one.look()
    seen = one.record(seen, (*seen.records, *facts("a")), terms(1).taken(seen.lease, NOW))
    reader = ledger_of(clone(origin, "reader"))
    reader.look()
    *_, (commit, records, doubtful) = reader.commits(seen.ledger_tip or "", 10)
    assert commit.message.startswith("begin a; accepted eng_a")
    assert told(records) == told([*OLD, *facts("a")])
    assert doubtful == frozenset()
    stranger = ledger_of(clone(origin, "stranger"))
    stranger.seal = None
    assert stranger.look().records == ()
    assert len(stranger.look().unverified.records) == 3


def test_a_shard_without_a_place_sees_what_came_and_went_meanwhile(
    origin: Path, two: tuple[ShardLedger, ShardLedger]
) -> None:
    """Another run may have done the whole plan and published between the look and the first push."""
    one, other = two
    pusher = Pusher(one, one.look(), terms(1), _Clock(), lambda longest: None)
    done = other.look()
    other.record(done, (*done.records, *facts("a")), give_back(done.lease))
    pusher.push(())
    assert told(pusher.seen.records) == told([*OLD, *facts("a")])


def paired(one: ShardLedger, other: ShardLedger, pauses: list[float]) -> tuple[Pusher, Pusher]:
    """Both in their places; each has seen that the other is."""
    first = Pusher(one, one.look(), terms(1), _Clock(), pauses.append)
    first.push(())
    second = Pusher(other, other.look(), terms(2), _Clock(), pauses.append)
    second.push(())
    first.note(facts("a"))
    first.push(())
    assert (first.overtaken, pauses) == (1, [])  # it did not know of any other yet
    return first, second


def test_a_shard_looks_before_it_pushes_where_others_push(two: tuple[ShardLedger, ShardLedger]) -> None:
    first, second = paired(*two, [])
    second.push(())
    first.note(facts("c"))
    first.push(())
    assert (first.overtaken, second.overtaken) == (1, 0)


@pytest.mark.parametrize("hurried", [False, True])
def test_a_shard_that_was_overtaken_leaves_the_others_about_the_time_of_a_push(
    two: tuple[ShardLedger, ShardLedger], hurried: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    first, second = paired(*two, pauses)
    if hurried:
        second.hurry(5.0)
    else:  # the first one pushes between its look and its push
        again = two[1].again

        def overtaken(seen: RemoteSnapshot) -> RemoteSnapshot:
            found = again(seen)
            monkeypatch.undo()
            first.note(facts("c"))
            first.push(())
            return found

        monkeypatch.setattr(ShardLedger, "again", lambda ledger, seen: overtaken(seen))
    second.push(())
    assert second.overtaken == 1
    [pause] = pauses
    assert pause == FIRST_PAUSE if hurried else 0 < pause <= terms(2).ttl / 10


def test_a_shard_that_joins_reads_no_more_than_the_lease_while_the_same_shards_have_it(
    origin: Path, two: tuple[ShardLedger, ShardLedger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others push all the time: one that read everything again would never be fast enough."""
    one, other = two
    first = Pusher(one, one.look(), terms(1), _Clock(), lambda longest: None)
    first.push(())
    late = Pusher(other, other.look(), terms(2), _Clock(), lambda longest: None)
    first.note(facts("a"))
    first.push(())
    monkeypatch.setattr(GitLedger, "look", None)
    late.push(())
    assert (late.lost, late.overtaken) == (None, 1)
    monkeypatch.undo()
    assert {*told(facts("a"))} <= told(one.look().records)


def test_a_shard_that_joins_sees_what_another_process_did_in_its_place(
    two: tuple[ShardLedger, ShardLedger],
) -> None:
    """The shards have had the lease all the time, but its own file has changed."""
    one, other = two
    open_ = Pusher(other, other.look(), terms(2), _Clock(), lambda longest: None)
    open_.push(())
    late = Pusher(one, one.look(), terms(1), _Clock(), lambda longest: None)
    elsewhere = shard_ledger(ledger_of(other.remote.root), 1)
    former = Pusher(
        elsewhere, elsewhere.look(), replace(terms(1), own="former"), _Clock(), lambda longest: None
    )
    former.note(facts("a"))
    former.push(())
    former.leave()
    late.push(())
    assert late.lost is None
    assert {*told(facts("a"))} <= told(late.seen.records)
