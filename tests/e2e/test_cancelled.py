"""Cancelled means cancelled: whenever a signal comes, soon nothing is called any more, and the lease is free."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import Project, wait_until

LEDGER = "refs/reconcile/production"


@pytest.fixture
def shared(tmp_path: Path, platform: SandboxServer) -> Project:
    """One engine is recorded, and its file has another name since: a plan that creates nothing."""
    origin = tmp_path / "origin.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", origin], check=True)
    project = Project(tmp_path / "work", platform.url)
    project.git("init", "--quiet", "--initial-branch=main", "--template=")
    project.git("remote", "add", "origin", str(origin))
    project.engine("acme")
    project.commit()
    project.git("push", "--quiet", "origin", "main")
    project.apply("--publish").ended(0)
    project.git("fetch", "--quiet", "origin")
    project.git("reset", "--quiet", "--hard", "origin/main")
    (project.root / "engines/acme.yaml").rename(project.root / "engines/moved.yaml")
    project.commit()
    project.git("push", "--quiet", "origin", "main")
    return project


def slow_to_take(project: Project, seconds: float) -> Path:
    """The origin takes its time for each push of the ledger; the file that is returned appears with the first."""
    begun = project.root.parent / "begun"
    hook = project.root.parent / "origin.git/hooks/update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\ncase "$1" in {LEDGER}) touch {begun}; sleep {seconds} ;; esac\n')
    hook.chmod(0o755)
    return begun


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_the_lease_is_being_taken(shared: Project, platform: SandboxServer, number: int) -> None:
    begun = slow_to_take(shared, 1.0)
    process = shared.start("apply", "--yes", "--publish")
    wait_until(begun.exists, "the lease is on its way")
    process.send_signal(number)
    asked = time.monotonic()
    ran = shared.finish(process)
    assert time.monotonic() - asked < 7
    assert ran.code in (0, 130)  # a move is done within the grace, or not at all
    assert "interrupted" in ran.err
    shared.run("lease", "show").ended(0, "the lease is free")
    assert platform.create_calls() == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_another_run_has_the_lease(shared: Project, number: int) -> None:
    begun = slow_to_take(shared, 3.0)
    first = shared.start("apply", "--yes", "--publish")
    wait_until(begun.exists, "the first run takes the lease")
    second = shared.start("apply", "--yes", "--publish", "--lease-wait", "5m")
    time.sleep(1.0)
    second.send_signal(number)
    asked = time.monotonic()
    shared.finish(second).ended(130, "interrupted")
    assert time.monotonic() - asked < 3
    shared.finish(first).ended(0)
