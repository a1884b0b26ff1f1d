"""`reconcile watch` follows a branch, as a process, with a remote and a platform."""

from __future__ import annotations

import hashlib
import hmac
import json
import signal
import time
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.actors import Actors
from tests.e2e.watching import watching

SECRET = "a-secret-for-this-test-only"


@pytest.fixture
def actors(tmp_path: Path, platform: SandboxServer) -> Actors:
    return Actors(tmp_path, platform, "acme", "other")


def test_it_applies_what_is_new_and_publishes_it(actors: Actors) -> None:
    clone = actors.clone()
    with watching(clone, CI=None) as watch:
        watch.until("round ended", result="converged")
        assert set(actors.lock()["engines"]) == {"acme", "other"}
        before = actors.entry("acme")["engineId"]
        actors.edit("acme", "Second")
        watch.until("engine done", key="acme", action="replace")
        watch.until("moved", times=3)
        assert watch.get("/healthz")[0] == watch.get("/readyz")[0] == 200
        assert watch.metric('reconcile_engines{state="up_to_date"}') == 2.0
    assert actors.entry("acme")["engineId"] != before
    assert actors.made == 3
    assert clone.git("status", "--porcelain") == ""
    assert clone.git("rev-parse", "HEAD").strip() == actors.git("rev-parse", "main")


def test_a_push_webhook_makes_it_look_at_once(actors: Actors) -> None:
    body = json.dumps({"ref": "refs/heads/main", "repository": {"full_name": "acme/engines"}}).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    with watching(actors.clone(), "--interval", "1h", RECONCILE_PUSH_SECRET=SECRET) as watch:
        watch.until("moved")
        actors.edit("acme", "Second")
        assert watch.post("/push", body, X_GitHub_Event="push", X_Hub_Signature_256="sha256=00")[0] == 401
        assert watch.post("/push", body, X_GitHub_Event="push")[0] == 401
        assert watch.post("/push", b"x" * (1 << 20 | 1))[0] == 413
        assert watch.get("/push")[0] == 405
        assert watch.post("/push", body, X_GitHub_Event="push", X_Hub_Signature_256=signature)[0] == 202
        watch.until("engine done", key="acme", action="replace")
        assert SECRET not in json.dumps(watch.events)


@pytest.mark.parametrize("job_seconds", [600.0])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_apply_in_order(actors: Actors, platform: SandboxServer, number: int) -> None:
    actors.edit("acme", "First", running=True)
    with watching(actors.clone()) as watch:
        watch.runs_until("acme  accepted")
        began = time.monotonic()
        assert watch.end(number) == 0
        assert time.monotonic() - began < 5.5
    assert actors.entry("acme")["pending"]["status"] == "in_progress"
    assert actors.clone().run("lease", "show").out.startswith("the lease is free")
    platform.end_jobs()
    actors.check_converged()
    assert actors.made == 2
