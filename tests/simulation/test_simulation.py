"""Many actors over one remote and one platform, played by chance: whatever happens, the laws hold.

`make simulate SEEDS=10000` plays more of them, over all cores.
"""

from __future__ import annotations

import pytest

from tests.simulation.shrinking import shrunk, simulate

SEEDS, AT_ONCE = 300, 10


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_no_schedule_breaks_a_law(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        broken = simulate(seed)
        if broken is not None:
            pytest.fail(str(shrunk(broken)), pytrace=False)
