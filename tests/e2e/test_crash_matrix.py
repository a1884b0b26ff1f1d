"""Kill a run at every step, on every kind of bad day; the runs that follow come to the same, and make nothing twice.

The columns are what else goes wrong: nothing, the branch refuses a push once, the branch moves, the remote vanishes.
The rows are what is left of the machine. Where nothing else goes wrong every step is tried, on one kind of machine or
the other, and the first of each kind on both; in the other columns every sixth. With RECONCILE_FULL_MATRIX=1 every step
is tried in every cell. RECONCILE_MATRIX_FILE names a file that gets the table.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.e2e.crash_tries import (
    COLUMNS,
    FINE,
    LEFT,
    LOCAL,
    LOST,
    MACHINES,
    MOVED,
    SAME,
    Square,
    Tries,
    random_times,
)
from tests.e2e.crash_world import Runs, Template
from tests.e2e.shard_cell import COLLECT, SHARD, SHARDED

STEPS = (
    "journal appended",
    "ledger push about to leave",
    "ledger pushed",
    "create call about to leave",
    "create call answered",
    "update about to leave",
    "update answered",
    "publishing push about to leave",
    "lockfile published",
    "replacement written beside the file",
    "lockfile replaced",
    "journal emptied",
)
OF_CALLS = set(STEPS[3:7])
OF_PUBLISHING = set(STEPS[7:])
FULL = bool(os.environ.get("RECONCILE_FULL_MATRIX"))
full = pytest.mark.skipif(not FULL, reason="RECONCILE_FULL_MATRIX=1 runs it")
SPARSE = 6


@pytest.fixture(scope="module")
def tries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tries]:
    github = Runs()
    yield Tries(Template(tmp_path_factory.mktemp("template")), github, tmp_path_factory.mktemp("cells"))
    github.close()


@pytest.mark.parametrize("column", COLUMNS)
def test_the_steps_of_a_run_that_nobody_kills(tries: Tries, column: str) -> None:
    seen = {step.partition("#")[0] for step in tries.steps(column)}
    assert seen <= set(STEPS)
    if column in (FINE, MOVED):
        assert seen == set(STEPS)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("kind", STEPS)
def test_killed_at_a_step(tries: Tries, kind: str, machine: str) -> None:
    """The first of its kind on both kinds of machine; of the others every second on the one, the rest on the other."""
    first, *others = [step for step in tries.steps(FINE) if step.startswith(f"{kind}#")]
    if not FULL:
        others = others[MACHINES.index(machine) :: 2]
    tries.kill_at_steps(Square(FINE, machine), [first, *others])


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("column", [column for column in COLUMNS if column not in (FINE, LOCAL)])
def test_killed_at_a_step_of_a_bad_day(tries: Tries, column: str, machine: str) -> None:
    first = MACHINES.index(machine) * SPARSE // 2  # the two rows try different steps
    steps = tries.steps(column)
    tries.kill_at_steps(Square(column, machine), steps if FULL else steps[first::SPARSE])


def test_killed_at_a_step_without_a_remote(tries: Tries) -> None:
    steps = tries.steps(LOCAL)
    tries.kill_at_steps(Square(LOCAL), steps if FULL else steps[::2])


@pytest.mark.parametrize("machine", MACHINES)
def test_killed_at_any_time(tries: Tries, machine: str) -> None:
    square = Square(FINE, machine)
    tries.kill_at_times(square, random_times(square, 12 if FULL else 3))


def test_github_is_asked(tries: Tries) -> None:
    """Nobody breaks a lease there: without that answer the next run would have to wait for it to expire."""
    asked = tries.github.asked
    tries.kill_at_steps(Square(FINE, LOST), ["create call answered#1"])
    assert tries.github.asked > asked


# ── a plan in shards ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dying", SHARDED)
def test_the_steps_of_shards_that_nobody_kills(tries: Tries, dying: str) -> None:
    seen = {step.partition("#")[0] for step in tries.steps(FINE, dying)}
    assert seen == set(STEPS) - (OF_PUBLISHING if dying == SHARD else OF_CALLS)


@pytest.mark.parametrize(
    ("dying", "machine", "step"),
    [
        (SHARD, SAME, "journal appended#5"),
        (SHARD, LOST, "create call answered#1"),
        (COLLECT, SAME, "lockfile published#1"),
        pytest.param(SHARD, LEFT, "", marks=full),
        pytest.param(COLLECT, LOST, "", marks=full),
        pytest.param(COLLECT, LEFT, "", marks=full),
    ],
)
def test_killed_while_a_plan_is_carried_out_in_shards(
    tries: Tries, dying: str, machine: str, step: str
) -> None:
    tries.kill_at_steps(Square(FINE, machine, dying), tries.steps(FINE, dying) if FULL else [step])


@full
@pytest.mark.parametrize("machine", [*MACHINES, LEFT])
@pytest.mark.parametrize("column", [column for column in COLUMNS if column not in (FINE, LOCAL)])
@pytest.mark.parametrize("dying", SHARDED)
def test_killed_on_a_bad_day_of_shards(tries: Tries, dying: str, column: str, machine: str) -> None:
    tries.kill_at_steps(Square(column, machine, dying), tries.steps(column, dying))
