"""What the platform says of jobs that unverified records name."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.app.confirming import MOST, can_be_confirmed, confirm
from reconciler.core.ledger.journal import Acceptance, Record
from reconciler.core.ledger.sealed import Sealed, Unverified, doubts
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.plan.uncertain import how_to_settle
from reconciler.core.platform.job import MadeByJob
from tests.core.build import A, accepted, at, begin, current, entry, lockfile


def told(*records: Record) -> Unverified:
    return Unverified(tuple(Sealed(one, None) for one in records))


class Platform:
    def __init__(self, **made: MadeByJob) -> None:
        self.made = made
        self.asked: list[str] = []

    async def read(self, job_id: str) -> MadeByJob | None:
        self.asked.append(job_id)
        return self.made.get(job_id)


def confirmed(unverified: Unverified, platform: Platform, recorded: Lockfile = EMPTY) -> dict[str, object]:
    return dict(asyncio.run(confirm(unverified, recorded, platform.read)).confirmed)


CALL = told(begin("x", A, 1), accepted("x", 2))


@pytest.mark.parametrize("name", ["Acme", None])
def test_what_the_platform_says_counts_and_not_what_the_record_says(name: str | None) -> None:
    platform = Platform(pjb_x=MadeByJob("eng_real", name))
    assert confirmed(CALL, platform) == {"op_x": ("pjb_x", "eng_real")}


def test_the_command_names_what_the_platform_says_and_nothing_is_adopted() -> None:
    found = asyncio.run(confirm(CALL, EMPTY, Platform(pjb_x=MadeByJob("eng_real")).read))
    [call] = doubts(EMPTY, (), found)["acme"]
    assert call.status == "uncertain"
    said = how_to_settle("acme", [call])
    assert "reconcile resolve acme --engine-id eng_real --job-id pjb_x" in said
    assert "reconcile resolve acme --retry" in said


def test_without_its_word_nothing_is_said() -> None:
    assert confirmed(CALL, Platform()) == {}
    assert confirmed(CALL, Platform(pjb_x=MadeByJob("eng_other", "Another"))) == {}
    recorded = lockfile({"b": entry(current("x", A))})
    assert confirmed(CALL, Platform(pjb_x=MadeByJob("eng_x", "Acme")), recorded) == {}


def test_only_jobs_of_calls_in_doubt_are_asked_for_and_not_too_many() -> None:
    platform = Platform()
    assert not can_be_confirmed(told(begin("x", A, 1)))
    assert can_be_confirmed(CALL)
    confirmed(told(accepted("y", 1), begin("x", A, 1), Acceptance("op_x", "../me", "eng_x", at(2))), platform)
    assert platform.asked == []
    many = [Acceptance("op_x", f"pjb_{number}", "eng_x", at(2)) for number in range(MOST + 5)]
    confirmed(told(begin("x", A, 1), *many), platform)
    assert len(platform.asked) == MOST
