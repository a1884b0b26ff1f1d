"""A few schedules with real processes and git; `python -m tests.simulation --processes 200` plays more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.far_ends import Project, end_what_runs
from tests.e2e.warm_start import WarmStart
from tests.simulation.real_world import RealWorld


@pytest.fixture(autouse=True, scope="module")
def _starts_warm() -> Iterator[None]:
    with WarmStart() as warm:
        Project.warm = warm
        yield
        Project.warm = None
        end_what_runs()


@pytest.mark.parametrize("seed", range(4))
def test_no_schedule_breaks_a_law(seed: int, tmp_path: Path) -> None:
    RealWorld.play(seed, tmp_path)
