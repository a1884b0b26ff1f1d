"""Where a run begins that `reconcile watch` starts: the command itself, on a line to whoever watches it.

Standard input is that line. It ends when the watching process does, however it does; the run then ends in order, as
after SIGTERM, so that nobody goes on unseen and the lease is given back. What the run asked of the platform is reported
on the descriptor that the first argument names.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading
from typing import NoReturn


def entry() -> NoReturn:
    """With the arguments `DESCRIPTOR apply …`."""
    gc.disable()  # as in start.py
    report = int(sys.argv.pop(1))
    os.set_inheritable(report, False)
    line = os.dup(0)
    threading.Thread(target=_wait_for_the_end, args=(line,), daemon=True).start()
    from reconciler.adapters.system import trail
    from reconciler.cli.main import entry as run

    def at_end() -> None:
        os.write(report, json.dumps(trail.answered()).encode())

    run(at_end)


def _wait_for_the_end(line: int) -> None:
    while os.read(line, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
