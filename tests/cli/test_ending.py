"""The end of the process: at once, but for what others still have to do."""

from __future__ import annotations

import subprocess
import sys

import pytest

ENDING = """
import atexit, gc, sys, threading
{before}
sys.argv = ["reconcile", "version"]
from reconciler.cli.main import entry
entry()
"""
THREAD = 'threading.Thread(target=lambda: print("heard", sys.stdin.read())).start()'


@pytest.mark.parametrize("before", ['atexit.register(print, "heard all")', THREAD])
def test_functions_for_the_end_are_run_and_threads_are_waited_for(before: str) -> None:
    command = [sys.executable, "-c", ENDING.format(before=before)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, input="all")
    heard, version = sorted(done.stdout.splitlines())
    assert version.startswith("reconcile ")
    assert heard == "heard all"


def test_libraries_are_not_taken_apart_while_a_daemon_thread_is_at_work() -> None:
    """OpenSSL would be, by the C library, while the thread that looks at pages reads certificates with it."""
    before = """
import ctypes, time
ctypes.CDLL(None).__cxa_atexit(ctypes.CDLL(None).abort, None, None)
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"""
    done = subprocess.run(
        [sys.executable, "-c", ENDING.format(before=before)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout[:10]) == (0, "reconcile ")


@pytest.mark.parametrize("missing", ["atexit._run_exitfuncs", "threading._shutdown"])
def test_a_python_without_the_call_ends_as_always(missing: str) -> None:
    before = f'atexit.register(print, "heard all")\ndel {missing}'
    command = [sys.executable, "-c", ENDING.format(before=before)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("heard all\n")
