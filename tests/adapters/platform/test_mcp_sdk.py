"""Our client against a server of MCP that we did not write, and the sandbox with such a client."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.adapters.platform.mcp import list_engines
from reconciler.core.errors import PlatformError
from reconciler.core.platform.listing import ListedEngine, Listing
from reconciler.sandbox.server import SandboxServer
from tests import plain_http

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mcp") is None,
    reason="the SDK asks for newer releases than `make lowest` installs",
)

PROGRAM = Path(__file__).with_name("sdk_far_end.py")
KEY = "sandbox-key"


@contextmanager
def sdk_server(**options: bool) -> Iterator[str]:
    command = [sys.executable, str(PROGRAM), "serve", json.dumps(options)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/account"
        finally:
            process.stdin.close()
            process.wait(30)


@pytest.mark.parametrize(
    "options",
    [{}, {"json_response": True}, {"stateless_http": True}, {"stateless_http": True, "json_response": True}],
)
def test_a_server_of_the_sdk_lists_its_engines(options: dict[str, bool]) -> None:
    with sdk_server(**options) as url:
        assert list_engines(url, KEY, 30.0) == Listing((ListedEngine("eng_1", "Acme", 1795518493.0),))


def test_another_path_of_such_a_server_is_told() -> None:
    with sdk_server() as url, pytest.raises(PlatformError, match=r"lists no engines \(404\)"):
        list_engines(url.replace("account", "mcp"), KEY, 30.0)


@pytest.mark.parametrize("fault", [None, "json", "tool-error=Nope", "open-stream"])
def test_a_client_of_the_sdk_understands_the_sandbox(sandbox: SandboxServer, fault: str | None) -> None:
    plain_http.post(
        f"{sandbox.url}/jobs/provisioning",
        json={"engine": {"name": "For the SDK"}},
        headers={"X-API-Key": KEY},
        trust_env=False,
    ).raise_for_status()
    if fault is not None:
        sandbox.faults.add("mcp", fault)
    command = [sys.executable, str(PROGRAM), "ask", f"{sandbox.url}/mcp", KEY]
    said = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    if fault is not None and fault.startswith("tool-error"):
        assert said == {"error": True, "text": "Nope"}
    else:
        assert not said["error"]
        assert "For the SDK" in [one["name"] for one in json.loads(said["text"])]
