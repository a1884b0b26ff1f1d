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
from tests.e2e.actors import NO_ANSWER, Actors
from tests.e2e.far_ends import Project, wait_until
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


def settings(actors: Actors, text: str) -> None:
    """A commit with these settings."""

    def write(project: Project) -> None:
        (project.root / "reconcile.yaml").write_text(text)

    actors.change(write, "Change the settings")


@pytest.mark.parametrize("from_start", [True, False])
def test_a_commit_cannot_keep_it_from_publishing(actors: Actors, from_start: bool) -> None:
    if from_start:
        settings(actors, "publish: false\n")
    with watching(actors.clone(), CI=None) as watch:
        watch.until("round ended", result="converged")
        if not from_start:
            settings(actors, "publish: false\n")
        actors.edit("acme", "Second")
        replaced = watch.until("engine done", key="acme", action="replace")
        wait_until(lambda: actors.entry("acme")["engineId"] == replaced["engine"], "it is published")
        assert watch.said("watching")[0]["publish"] == "yes"
    actors.check_converged()
    assert actors.made == 3


def test_only_the_environment_or_a_flag_keeps_it_from_publishing(actors: Actors) -> None:
    settings(actors, "publish: true\n")
    with watching(actors.clone(), RECONCILE_PUBLISH="false") as watch:
        watch.until("round ended", result="converged")
        assert watch.said("watching")[0]["publish"] == "no"
    assert actors.git("ls-tree", "--name-only", "main", "engines.lock.json") == ""


def test_a_commit_cannot_lead_it_to_another_environment(actors: Actors) -> None:
    clone = actors.clone()
    with watching(clone) as watch:
        watch.until("round ended", result="converged")
        settings(actors, "environment: staging\n")
        actors.edit("acme", "Second")
        blocked = watch.until("blocked", kind="files")
        assert "the environment changed from `production` to `staging`" in blocked["why"]
        looks_on(watch)
        assert len(watch.said("blocked")) == 1
        assert actors.made == 2
        settings(actors, "environment: production\n")
        watch.until("mended", kind="files")
        watch.until("engine done", key="acme", action="replace")
    assert actors.made == 3
    assert actors.git("for-each-ref", "--format=%(refname)", "refs/reconcile/staging") == ""


def test_a_commit_cannot_lead_it_away_from_the_environment_of_its_flag(actors: Actors) -> None:
    with watching(actors.clone(), "--env", "production") as watch:
        watch.until("round ended", result="converged")
        settings(actors, "environment: staging\n")
        actors.edit("acme", "Second")
        watch.until("engine done", key="acme", action="replace")
        assert not watch.said("blocked")
    assert actors.made == 3


def test_it_says_whom_it_waits_for(actors: Actors) -> None:
    actors.die(actors.clone(), NO_ANSWER, "--publish")
    with watching(actors.clone()) as watch:
        why = watch.until("standing by")["why"]
        assert why.endswith("holds the lease")
        looks_on(watch)
        assert len(watch.said("standing by")) == 1
        assert watch.metric("reconcile_watch_standby") == 1.0
        actors.free_lease()
        watch.until("lease is free")
        watch.until("round ended")
        wait_until(lambda: watch.metric("reconcile_watch_standby") == 0.0, "it stands by no more")


def test_a_commit_cannot_lead_it_to_another_project_folder(actors: Actors) -> None:
    def add(project: Project) -> None:
        (project.root / "engines/reconcile.yaml").write_text("concurrency: 1\n")

    with watching(actors.clone(), "-C", "engines") as watch:
        watch.until("round ended", result="converged")
        actors.change(add, "Make a project of the folder")
        assert "the project is no longer in" in watch.until("blocked", kind="files")["why"]
        looks_on(watch)
        actors.change(lambda project: (project.root / "engines/reconcile.yaml").unlink(), "Take it back")
        watch.until("mended", kind="files")
    assert actors.made == 2
