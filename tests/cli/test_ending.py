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


def test_a_python_without_the_call_ends_as_always() -> None:
    before = 'atexit.register(print, "heard all")\ndel atexit._run_exitfuncs'
    command = [sys.executable, "-c", ENDING.format(before=before)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("heard all\n")
