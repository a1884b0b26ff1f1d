"""The API key is in no output, no file and no argument list. Output and files are looked at in every test."""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import KEY, Project, wait_until

GIT = """#!/bin/sh
{{ echo "arguments: $*"; env; }} >> {log}
exec {git} "$@"
"""
TEXT = "name: acme\nsources: [{type: content, payload: Old text.}]\n"


def test_git_gets_neither_the_key_nor_our_settings(
    project: Project, platform: SandboxServer, tmp_path: Path
) -> None:
    """Every git that runs is a script of ours, which writes down what it was given."""
    log, folder = tmp_path / "log", tmp_path / "bin"
    git = next(path for path in os.environ["PATH"].split(":") if Path(path, "git").exists())
    folder.mkdir()
    (folder / "git").write_text(GIT.format(log=log, git=Path(git, "git")))
    (folder / "git").chmod(0o755)
    project.engine("acme", TEXT)
    project.commit("Engines")
    project.apply().ended(0)
    project.engine("acme", TEXT.replace("Old", "New"))
    env = {"PATH": f"{folder}:{os.environ['PATH']}", "GIT_DIR": "/nowhere", "GIT_EXTERNAL_DIFF": "/nowhere"}
    project.run("apply", "--yes", "--log-level", "debug", env=env).ended(0, "Old text.", "New text.")
    assert KEY not in "".join(line for line in log.read_text().splitlines() if line.startswith("arguments: "))
    calls = log.read_text().split("arguments: ")[1:]
    assert any("cat-file" in call for call in calls)
    for call in calls:
        if not call.startswith("version"):  # GitPython asks for it by itself when it is imported
            assert KEY not in call
            assert "GIT_EXTERNAL_DIFF" not in call
            assert "LINGO" not in call


@pytest.mark.usefixtures("cold")
def test_no_process_has_it_among_its_arguments(project: Project, platform: SandboxServer) -> None:
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("there is no /proc here")
    platform.faults.add("job", "never", match="acme")
    process = project.start("apply", "--yes", "--timeout", "2s")
    wait_until(lambda: platform.create_calls() == 2, "the create calls")
    lines = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((folder / "cmdline").read_bytes())
        except OSError:  # it has ended
            continue
    project.finish(process).ended(4)
    assert any(b"reconciler" in line for line in lines)
    assert not any(KEY.encode() in line for line in lines)


def test_debug_output_does_not_show_it(project: Project, platform: SandboxServer) -> None:
    platform.faults.add("ws", "drop", times=1)
    ran = project.run("apply", "--yes", "--log-level", "debug", env={"PYTHONASYNCIODEBUG": "1"}).ended(0)
    assert KEY not in ran.out + ran.err


class _Echo(BaseHTTPRequestHandler):
    """Answers as some proxies do: with an error page that repeats the request's headers."""

    def do_POST(self) -> None:
        body = json.dumps({"message": f"bad request: {dict(self.headers)}"}).encode()
        self.send_response(400)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def test_a_platform_that_repeats_the_key(bare: Project) -> None:
    with HTTPServer(("127.0.0.1", 0), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            bare.url = f"http://127.0.0.1:{server.server_port}"
            bare.apply().ended(1, "bad request", "•••")
        finally:
            server.shutdown()
            thread.join()
    assert "•••" in bare.entry("acme")["pending"]["error"]
