"""The operations of a run: found whichever way, and counted right."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.plan.model import Action, Kind
from reconciler.core.run.operations import Operation, Phase, Roster


def operation(number: int, job_id: str | None = None) -> Operation:
    action = Action(f"key{number}", Kind.CREATE, "why")
    return Operation(f"op{number}", action, job_id=job_id, engine_id=job_id and f"eng_{job_id}")


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(Phase)), max_size=30))
def test_the_counts_are_those_of_the_phases(moves: list[tuple[int, Phase]]) -> None:
    roster, operations = Roster(), [operation(number) for number in range(5)]
    for one in operations:
        roster.add(one)
    for number, phase in moves:
        roster.enter(operations[number], phase)
    for phase in Phase:
        found = [one for one in operations if one.phase is phase]
        assert (roster.count(phase), roster.in_phase(phase)) == (len(found), found)
    assert roster.count(*Phase) == 5
    assert roster.count() == 0


def test_each_is_found_by_id_key_and_job() -> None:
    roster, resumed, created = Roster(), operation(1, "pjb_1"), operation(2)
    roster.add(resumed)
    roster.add(created)
    assert (roster.of_id("op1"), roster.of_key("key2"), roster.of_id("op9")) == (resumed, created, None)
    assert list(roster.of_job("pjb_1")) == [resumed]
    assert not roster.of_job("pjb_2")
    roster.accept(created, "pjb_2", "eng_2")
    assert list(roster.of_job("pjb_2")) == [created]
    assert roster.engine_ids() == {"eng_pjb_1", "eng_2"}
