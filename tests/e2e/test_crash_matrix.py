"""Kill a run at every step, on every kind of bad day; the runs that follow come to the same, and make nothing twice.

The columns are what else goes wrong: nothing, the branch refuses a push once, the branch moves, the remote vanishes.
The rows are what is left of the machine. Where nothing else goes wrong every step is tried, on one kind of machine or
the other; in the other columns every sixth. With RECONCILE_FULL_MATRIX=1 every step is tried in every cell.
RECONCILE_MATRIX_FILE names a file that gets the table.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.crash_world import MOVE_BRANCH, REJECT_ONCE, VANISH, Template

COLUMNS = {
    "push fine": (),
    "push rejected once": (("pre-receive", REJECT_ONCE),),
    "branch moved": (("post-receive", MOVE_BRANCH),),
    "remote unreachable": (("post-receive", VANISH),),
}
MACHINES = ("same machine", "machine lost")
FULL = bool(os.environ.get("RECONCILE_FULL_MATRIX"))
EVERY = {"push fine": 2}  # else:
SPARSE = 6


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template(tmp_path_factory.mktemp("shared"), shared=True)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template(tmp_path_factory.mktemp("local"), shared=False)


def steps_of(template: Template, tmp_path: Path) -> list[str]:
    """The steps of a run that nothing disturbs; and that run is checked as all others are."""
    told = tmp_path / "steps"
    with template.cell(tmp_path / "undisturbed") as cell:
        cell.apply(RECONCILE_TEST_STEPS_FILE=str(told))
        cell.check(template.engines_before)
    return told.read_text().splitlines()


def kill_and_recover(template: Template, root: Path, step: int, machine: str, column: str) -> None:
    with template.cell(root) as cell:
        for name, text in COLUMNS[column]:
            cell.hook(name, text)
        cell.apply(RECONCILE_TEST_KILL_AFTER_STEP=str(step))
        if column == "remote unreachable" and step % 2:
            cell.project.run("apply", "--yes", "--publish")  # it is still away: nothing may come of that
        cell.come_back()
        if machine == "machine lost":
            cell.lose_machine()
        cell.recover()
        cell.check(template.engines_before)


def report(row: str, cells: int) -> None:
    print(f"| {row} | {cells} | all converged |")
    if os.environ.get("RECONCILE_MATRIX_FILE"):
        with Path(os.environ["RECONCILE_MATRIX_FILE"]).open("a") as file:
            file.write(f"| {row} | {cells} | all converged |\n")


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("column", COLUMNS)
def test_killed_at_a_step(shared: Template, tmp_path: Path, machine: str, column: str) -> None:
    steps = steps_of(shared, tmp_path)
    assert {"ledger pushed", "lockfile published", "journal appended", "create call answered"} <= set(steps)
    every = 1 if FULL else EVERY.get(column, SPARSE)
    first = 1 if FULL else 1 + MACHINES.index(machine) * every // 2  # the two rows try different steps
    chosen = range(first, len(steps) + 1, every)
    for step in chosen:
        kill_and_recover(shared, tmp_path / f"step-{step}", step, machine, column)
    report(f"{column} | {machine} | {len(steps)} steps", len(chosen))


def test_killed_at_a_step_without_a_remote(local: Template, tmp_path: Path) -> None:
    steps = steps_of(local, tmp_path)
    assert "lockfile replaced" in steps
    chosen = range(1, len(steps) + 1, 1 if FULL else 2)
    for step in chosen:
        kill_and_recover(local, tmp_path / f"step-{step}", step, "same machine", "push fine")
    report(f"no remote | same machine | {len(steps)} steps", len(chosen))


@pytest.mark.parametrize("machine", MACHINES)
def test_killed_at_any_time(shared: Template, tmp_path: Path, machine: str) -> None:
    chance = random.Random(f"seed 20261124 {machine}")
    times = 12 if FULL else 3
    for number in range(times):
        with shared.cell(tmp_path / str(number)) as cell:
            process = cell.project.start("apply", "--yes", "--publish")
            time.sleep(chance.uniform(0.25, 1.6))  # the point of this test: no moment is chosen
            process.send_signal(signal.SIGKILL)
            cell.project.finish(process, killed=True)
            if machine == "machine lost":
                cell.lose_machine()
            cell.recover()
            cell.check(shared.engines_before)
    report(f"push fine | {machine} | random times", times)
