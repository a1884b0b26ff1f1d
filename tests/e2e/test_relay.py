"""Nobody waits: a run detaches, the receiver relays the webhook to GitHub, and the workflow it starts collects."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from reconciler.sandbox.signing import new_secret
from tests.e2e.far_ends import KEY, LIMIT, Project, wait_until
from tests.github_fake import TOKEN, FakeGitHub

SECRET = new_secret()


@pytest.fixture
def platform(job_seconds: float) -> Iterator[SandboxServer]:
    settings = SandboxSettings(
        job_seconds=job_seconds, api_keys=(KEY,), webhook_secret=SECRET, webhook_retry=(0.2,) * 300
    )
    with SandboxServer(settings) as server:
        yield server


@contextmanager
def relaying(project: Project, folder: Path, github: FakeGitHub) -> Iterator[str]:
    """The receiver's URL. At its end it ends in good order."""
    log = folder / "receiver.log"
    env = {
        "LINGO_WEBHOOK_SECRET": SECRET,
        "RECONCILE_RELAY_TOKEN": TOKEN,
        "GITHUB_API_URL": github.url,
    }
    with log.open("wb") as stream:
        process = project.start(
            *("webhook", "serve", "--listen", "127.0.0.1:0", "--inbox", str(folder / "inbox.db")),
            *("--relay", "github:acme/engines"),
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=stream,
        )
    wait_until(lambda: "listening url=" in log.read_text() or process.poll() is not None, "it listens")
    found = re.search(r"url=(\S+)", log.read_text())
    assert found is not None, log.read_text()
    yield found[1]
    process.terminate()
    assert process.wait(LIMIT) == 0
    for secret in (SECRET, TOKEN, KEY):
        assert secret not in log.read_text()


def test_detach_relay_collect(project: Project, platform: SandboxServer, tmp_path: Path) -> None:
    with FakeGitHub() as github:
        github.stop()  # it is down when the webhooks come
        with relaying(project, tmp_path, github) as url:
            ran = project.run("apply", "--yes", "--detach", env={"RECONCILE_CALLBACK_URL": url})
            ran.ended(0)
            job = project.entry("acme")["pending"]["jobId"]
            wait_until(lambda: "not relayed" in (tmp_path / "receiver.log").read_text(), "GitHub is missed")
            github.start()
            wait_until(lambda: len(github.dispatches) == 2, "both webhooks were relayed")
        (document,) = [one for one in github.dispatches if one["client_payload"]["jobId"] == job]
    event = tmp_path / "event.json"
    event.write_text(
        json.dumps({"action": document["event_type"], "client_payload": document["client_payload"]})
    )
    project.run("collect", "--no-wait", "--event", str(event), env={"LINGO_WEBHOOK_SECRET": SECRET}).ended(0)
    entry = project.entry("acme")
    assert "pending" not in entry
    assert entry["jobId"] == job
    assert entry["summary"]
    assert platform.create_calls() == 2
