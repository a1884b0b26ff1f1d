"""A sandbox platform in a process of its own, so that its work does not count as the client's."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

KEY = "sandbox-key"

_SERVE = """
import json, sys
from reconciler.sandbox.server import serve_forever
from reconciler.sandbox.settings import SandboxSettings
serve_forever(SandboxSettings(**json.loads(sys.argv[1])), lambda url: print(url, flush=True))
"""


@contextlib.contextmanager
def platform(**settings: Any) -> Iterator[str]:
    """The sandbox's URL, while it runs with the given `SandboxSettings`."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE, json.dumps(settings)], stdout=subprocess.PIPE, text=True
    )
    try:
        url = process.stdout.readline().strip() if process.stdout else ""
        if not url:
            raise RuntimeError("the sandbox did not start")
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()
