from __future__ import annotations

import subprocess
import sys

import pytest

resource = pytest.importorskip("resource")

_PROGRAM = """
import resource, sys
from reconciler.adapters.system.open_files import room_for_sockets
soft, hard = (int(value) for value in sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
room = room_for_sockets()
print(room, *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "room", "raised"),
    [(256, 3000, 2900, 3000), (1024, 1024, 924, 1024), (64, 64, 16, 64), (5000, 5000, 4096, 5000)],
)
def test_the_limit_is_raised_as_far_as_allowed_and_some_room_is_kept(
    soft: int, hard: int, room: int, raised: int
) -> None:
    """In a process of its own: a lowered hard limit cannot be raised again."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < hard:
        pytest.skip("this system allows fewer open files")
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(soft), str(hard)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(room), str(raised), str(hard)]
