"""Deleting engines: announced before the call, recorded after it, and what each answer means for the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from reconciler.app.pruning import AT_ONCE, Deletion, Pruner, Result, Shares
from reconciler.core.errors import StorageError
from reconciler.core.ledger.journal import Pruned, Pruning, Record
from reconciler.core.plan.pruning import SUPERSEDED, Listed
from reconciler.core.platform.engine import (
    Deleted,
    DeletionAnswer,
    Denied,
    EngineAnswer,
    Found,
    Gone,
    NotOffered,
    Throttled,
    Unreadable,
)
from tests.core.build import T0, at


@dataclass
class Platform:
    """Answers as told; `there` are the engines that can be read."""

    answers: Mapping[str, DeletionAnswer] = field(default_factory=dict)
    there: Collection[str] = ("eng_serving",)
    said: list[str] = field(default_factory=list)
    hangs: bool = False

    async def read(self, engine_id: str) -> EngineAnswer:
        return Found() if engine_id in self.there else Gone()

    async def delete(self, engine_id: str) -> DeletionAnswer:
        self.said.append(f"delete {engine_id}")
        if self.hangs:
            await asyncio.Event().wait()
        return self.answers.get(engine_id, Deleted())


@dataclass
class Journal:
    platform: Platform
    full: bool = False
    records: list[Record] = field(default_factory=list)

    def append(self, records: Sequence[Record]) -> None:
        if self.full:
            raise StorageError("the disk is full")
        self.records += records
        kinds = [f"{one.type} {one.engine_id}" for one in records if isinstance(one, Pruning | Pruned)]
        self.platform.said += kinds


class Clock:
    def now(self) -> str:
        return at(60)


def listed(name: str, begun: str | None = None) -> Listed:
    return Listed("acme", f"eng_{name}", SUPERSEDED, T0, T0, "Acme", begun=begun)


def prune(
    platform: Platform,
    wanted: Sequence[Listed],
    used: Callable[[Collection[str]], Mapping[str, str]] = lambda engines: {},
    *,
    full: bool = False,
) -> tuple[list[Deletion], list[Record]]:
    journal = Journal(platform, full)
    shares = Shares(journal, Clock())  # type: ignore[arg-type]
    pruner = Pruner(platform, shares, ["eng_serving"], used)
    return asyncio.run(pruner.run(wanted)), pruner.facts


def results(deletions: Sequence[Deletion]) -> list[str]:
    return [one.result.value for one in deletions]


def test_each_is_announced_before_its_call_and_recorded_after_it() -> None:
    platform = Platform()
    done, facts = prune(platform, [listed("1"), listed("2")])
    assert results(done) == ["deleted", "deleted"]
    assert platform.said == [
        f"{what} eng_{name}" for name in "12" for what in ("pruning", "delete", "pruned")
    ]
    assert [one.result for one in facts if isinstance(one, Pruned)] == ["deleted", "deleted"]


def test_nothing_is_called_that_could_not_be_announced() -> None:
    platform = Platform()
    with pytest.raises(StorageError):
        prune(platform, [listed("1")], full=True)
    assert platform.said == []


def test_what_began_earlier_is_not_announced_again() -> None:
    platform = Platform()
    prune(platform, [listed("1", begun=T0)])
    assert platform.said == ["delete eng_1", "pruned eng_1"]


def test_an_engine_that_came_into_use_is_left() -> None:
    platform = Platform()
    done, facts = prune(platform, [listed("1"), listed("2")], lambda engines: {"eng_1": "it serves"})
    assert [(one.listed.engine_id, one.result, one.reason) for one in done] == [
        ("eng_1", Result.LEFT, "it serves"),
        ("eng_2", Result.DELETED, None),
    ]
    assert "delete eng_1" not in platform.said
    assert len(facts) == 2


@pytest.mark.parametrize(
    "answer", [Denied(401, "no"), Denied(403, "no"), Throttled("quota"), Unreadable("credit", 402)]
)
def test_what_concerns_the_organization_stops_the_run(answer: DeletionAnswer) -> None:
    platform = Platform({"eng_1": answer})
    done, facts = prune(platform, [listed("1"), listed("2")])
    assert results(done) == ["failed", "left"]
    assert [one.result for one in facts if isinstance(one, Pruned)] == ["kept"]


def test_what_concerns_one_engine_does_not() -> None:
    done, _ = prune(Platform({"eng_1": Unreadable("conflict", 409)}), [listed("1"), listed("2")])
    assert results(done) == ["failed", "deleted"]


def test_an_outcome_that_is_unknown_keeps_its_mark_and_an_unsent_call_does_not() -> None:
    _, facts = prune(Platform({"eng_1": Unreadable("lost")}), [listed("1")])
    assert [one.type for one in facts] == ["pruning"]
    done, facts = prune(Platform({"eng_1": Unreadable("refused", sent=False)}), [listed("1")])
    assert results(done) == ["failed"]
    assert [one.type for one in facts] == ["pruning", "pruned"]


def test_a_404_counts_only_where_the_platform_has_another_engine_and_not_this_one() -> None:
    gone = {"eng_1": Gone()}
    assert results(prune(Platform(gone), [listed("1")])[0]) == ["deleted"]
    for there in ((), ("eng_1", "eng_serving")):
        platform = Platform(gone, there)
        done, facts = prune(platform, [listed("1"), listed("2")])
        assert results(done) == ["by hand", "left"]
        assert "delete eng_2" not in platform.said
        assert [one.result for one in facts if isinstance(one, Pruned)] == ["kept"]
    assert results(prune(Platform({"eng_2": Gone()}, ()), [listed("1"), listed("2")])[0]) == ["deleted"] * 2


def test_without_such_a_call_a_mark_of_an_earlier_run_stays() -> None:
    _, facts = prune(Platform({"eng_1": NotOffered(405)}), [listed("1", begun=T0)])
    assert facts == []


def test_the_first_goes_alone_and_the_others_together() -> None:
    platform = Platform({"eng_0": NotOffered(501)})
    done, _ = prune(platform, [listed(str(number)) for number in range(40)])
    assert results(done) == ["by hand"] + ["left"] * 39
    assert [said for said in platform.said if said.startswith("delete")] == ["delete eng_0"]
    platform = Platform()
    prune(platform, [listed(str(number)) for number in range(AT_ONCE + 1)])
    assert platform.said[3 : 3 + AT_ONCE] == [f"pruning eng_{number + 1}" for number in range(AT_ONCE)]


def test_an_interrupt_gives_up_what_is_under_way() -> None:
    platform = Platform(hangs=True)
    pruner = Pruner(platform, Shares(Journal(platform), Clock()), [])  # type: ignore[arg-type]

    async def interrupted() -> list[Deletion]:
        run = asyncio.ensure_future(pruner.run([listed("1"), listed("2")]))
        while "delete eng_1" not in platform.said:
            await asyncio.sleep(0)
        pruner.stop()
        return await run

    assert results(asyncio.run(interrupted())) == ["unknown", "left"]
    assert [one.type for one in pruner.facts] == ["pruning"]
