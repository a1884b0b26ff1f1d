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
from tests.e2e.far_ends import wait_until
from tests.e2e.watching import Watch, watching

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
def test_a_signal_ends_an_apply_in_order(actors: Actors, platform: SandboxServer) -> None:
    actors.edit("acme", "First", running=True)
    with watching(actors.clone()) as watch:
        watch.runs_until("acme  accepted")
        began = time.monotonic()
        assert watch.end(signal.SIGTERM) == 0
        assert time.monotonic() - began < 5.5
    assert actors.entry("acme")["pending"]["status"] == "in_progress"
    assert actors.clone().run("lease", "show").out.startswith("the lease is free")
    platform.end_jobs()
    actors.check_converged()
    assert actors.made == 2


def looks_on(watch: Watch, times: int = 3) -> None:
    """Until it has looked at the remote so many times more."""
    before = watch.metric("reconcile_watch_looks_total") or 0.0
    wait_until(lambda: (watch.metric("reconcile_watch_looks_total") or 0.0) >= before + times, "it looks on")


def test_what_needs_a_person_is_told_once_and_not_tried_again(
    actors: Actors, platform: SandboxServer
) -> None:
    with watching(actors.clone()) as watch:
        watch.until("round ended", result="converged")
        platform.faults.add("job", "fail=no luck", match="Second")
        actors.edit("acme", "Second", running=True)
        watch.until("engine failed", key="acme")
        made = actors.made
        looks_on(watch)
        assert len(watch.said("engine failed")) == 1
        assert actors.made == made
        assert watch.metric('reconcile_engines{state="failed"}') == 1.0
        project = actors.clone("somebody")
        project.engine("broken", "name: [\n")
        project.commit()
        project.git("push", "--quiet", "origin", "HEAD:main")
        watch.until("run failed", kind="files")
        looks_on(watch)
        assert len(watch.said("run failed")) == 1
        actors.delete("broken")
        watch.until("mended", kind="files")


def test_a_clone_that_somebody_works_in_is_left_and_then_goes_on(actors: Actors) -> None:
    clone = actors.clone()
    with watching(clone) as watch:
        watch.until("round ended", result="converged")
        mine = clone.engine("acme", "name: Mine\n")
        actors.edit("acme", "Second")
        watch.until("blocked", kind="dirty")
        looks_on(watch)
        assert len(watch.said("blocked")) == 1
        assert watch.metric('reconcile_watch_blocked{kind="dirty"}') == 1.0
        assert watch.get("/healthz")[0] == 200
        assert mine.read_text() == "name: Mine\n"
        clone.git("checkout", "--quiet", "engines/acme.yaml")
        watch.until("mended", kind="dirty")
        watch.until("engine done", key="acme", action="replace")
    assert actors.made == 3


def test_a_remote_that_is_away_is_asked_again_and_sighup_asks_at_once(actors: Actors) -> None:
    with watching(actors.clone(), "--interval", "1h") as watch:
        watch.until("moved")
        actors.edit("acme", "Second")
        away = actors.origin.with_name("away")
        actors.origin.rename(away)
        watch.process.send_signal(signal.SIGHUP)
        assert watch.until("blocked", kind="remote")["retry_in"] > 0
        away.rename(actors.origin)
        watch.process.send_signal(signal.SIGHUP)
        watch.until("mended", kind="remote")
        watch.until("engine done", key="acme", action="replace")
