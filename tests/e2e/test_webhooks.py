"""Waiting by webhook, from the create call to the lockfile, with a receiver, a platform and runs that are processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from reconciler.sandbox.signing import new_secret
from tests.e2e.actors import NO_ANSWER, Actors
from tests.e2e.far_ends import ENGINE, KEY, LINK, Project, Ran, wait_until
from tests.e2e.receiver import TOKEN, Receiver, receiver

SECRET = new_secret()
NO_WEBSOCKET = "ws-refuse=403 times=99"


@pytest.fixture
def platform(job_seconds: float) -> Iterator[SandboxServer]:
    settings = SandboxSettings(
        job_seconds=job_seconds, api_keys=(KEY,), webhook_secret=SECRET, webhook_retry=(0.2,) * 300
    )
    with SandboxServer(settings) as server:
        yield server


@pytest.fixture
def hooks(project: Project, tmp_path: Path) -> Iterator[Receiver]:
    with receiver(project, tmp_path / "inbox.db", SECRET) as running:
        yield running


def faulty(project: Project, key: str, *faults: str) -> None:
    """An engine with a job, with which this goes wrong at the platform."""
    name = f"'{key} [sandbox: {', '.join(faults)}]'"
    project.engine(key, ENGINE.format(name=name) + LINK)


def apply(project: Project, hooks: Receiver, *arguments: str, command: str = "apply", **env: str) -> Ran:
    words = ("--yes",) if command == "apply" else ()
    known = {"RECONCILE_CALLBACK_URL": hooks.url, "RECONCILE_INBOX": str(hooks.inbox)}
    return project.run(command, *words, *arguments, env=known | env)


def unclaimed(hooks: Receiver) -> list[str | None]:
    return [one.event.job_id for one in hooks.events() if one.claimed_at is None and one.event is not None]


def test_webhooks_alone_are_enough(project: Project, platform: SandboxServer, hooks: Receiver) -> None:
    faulty(project, "acme", NO_WEBSOCKET, "job-get-status=404 times=99")
    ran = apply(project, hooks, "--via", "webhook").ended(0, "2 created")
    assert not [one for one in platform.requests() if one.path.endswith("/ws")]
    entry = project.entry("acme")
    assert set(entry["summary"]) == {
        "brandVoices",
        "glossaryItems",
        "instructions",
    }  # only the webhook told it
    assert unclaimed(hooks) == []
    assert {one.operation_id for one in hooks.events()} == {
        project.entry(key)["operationId"] for key in ("acme", "shop/web")
    }
    assert "no connection" not in ran.err
    before = project.lockfile.read_bytes()
    apply(project, hooks, "--via", "webhook").ended(0)
    assert project.lockfile.read_bytes() == before


def test_both_ways_need_only_one_that_works(project: Project, hooks: Receiver) -> None:
    faulty(project, "acme", NO_WEBSOCKET)
    faulty(project, "quiet", "webhook-never")
    apply(project, hooks).ended(0, "3 created", "waiting for its webhook only")
    assert {entry["engineId"] for entry in project.lock["engines"].values()}


@pytest.mark.parametrize("fault", ["late=1", "double", "forged", "stale", "wrong-job", "reordered"])
def test_whatever_comes_the_right_job_ends_once(
    project: Project, platform: SandboxServer, hooks: Receiver, fault: str
) -> None:
    faulty(project, "acme", f"webhook-{fault}")
    apply(project, hooks, "--via", "webhook", "--timeout", "60s").ended(0, "2 created")
    jobs = {job["jobId"]: job["engineId"] for job in platform.jobs()}
    for key in ("acme", "shop/web"):
        entry = project.entry(key)
        assert jobs[entry["jobId"]] == entry["engineId"]
    ours = [one.event.job_id for one in hooks.events() if one.event is not None and one.event.job_id in jobs]
    assert sorted(filter(None, ours)) == sorted(jobs)


@pytest.mark.parametrize("job_seconds", [1.0])
def test_after_the_deadline_the_next_run_takes_it_from_the_inbox(project: Project, hooks: Receiver) -> None:
    apply(project, hooks, "--via", "webhook", "--timeout", "0.2s").ended(4)
    assert project.entry("acme")["pending"]["status"] == "in_progress"
    wait_until(lambda: len(hooks.events()) == 2, "both webhooks came")
    apply(project, hooks, "--via", "webhook").ended(0, "webhooks reported 1 job that ended")
    assert project.entry("acme")["summary"]
    assert unclaimed(hooks) == []


def test_a_receiver_that_was_down_gets_it_with_the_platforms_retries(
    project: Project, hooks: Receiver
) -> None:
    assert hooks.stop() == 0
    apply(project, hooks, "--via", "webhook", "--timeout", "0.5s").ended(4)
    hooks.start()
    apply(project, hooks, "--via", "webhook", "--timeout", "60s").ended(0)
    assert project.entry("acme")["engineId"]


def test_a_lost_answer_heals_without_a_person(
    project: Project, platform: SandboxServer, hooks: Receiver
) -> None:
    faulty(project, "acme", "lost-answer", "webhook-late=1")
    apply(project, hooks).ended(7)
    assert project.entry("acme")["pending"]["status"] == "uncertain"
    wait_until(lambda: len(hooks.events()) == 2, "both webhooks came")
    apply(project, hooks, command="collect").ended(0, "1 engine whose create call got no answer")
    made = {str(engine["id"]) for engine in platform.engines()}
    assert {entry["engineId"] for entry in project.lock["engines"].values()} == made
    assert platform.create_calls() == 2
    assert project.entry("acme")["summary"]
    apply(project, hooks).ended(0)
    assert platform.create_calls() == 2


def test_a_killed_run_heals_from_the_inbox(
    project: Project, platform: SandboxServer, hooks: Receiver
) -> None:
    faulty(project, "acme", "hang")
    (project.root / "engines/shop/web.yaml").unlink()
    env = {"RECONCILE_CALLBACK_URL": hooks.url, "RECONCILE_INBOX": str(hooks.inbox)}
    process = project.start("apply", "--yes", env=env)
    wait_until(lambda: platform.create_calls() == 1, "the call made its engine")
    process.kill()
    project.finish(process, killed=True)
    wait_until(hooks.events, "its webhook came")
    apply(project, hooks).ended(0)
    assert project.entry("acme")["engineId"] == platform.engines()[0]["id"]
    assert platform.create_calls() == 1


def test_detached_work_is_collected_from_the_inbox_without_a_key(project: Project, hooks: Receiver) -> None:
    apply(project, hooks, "--detach").ended(0)
    wait_until(lambda: len(hooks.events()) == 2, "both webhooks came")
    project.key = None  # all is known already, so the platform is not asked
    apply(project, hooks, "--no-wait", command="collect").ended(0)
    project.key = KEY
    assert project.entry("acme")["engineId"]
    assert unclaimed(hooks) == []


def test_an_inbox_on_another_machine_is_read_with_its_token(project: Project, hooks: Receiver) -> None:
    env = {"RECONCILE_CALLBACK_URL": hooks.url, "RECONCILE_INBOX_URL": hooks.url}
    token = {"RECONCILE_INBOX_TOKEN": TOKEN}
    project.run("apply", "--yes", "--via", "webhook", env=env | token).ended(0, "2 created")
    assert unclaimed(hooks) == []
    project.engine("third", running=True)
    project.run("apply", "--yes", "--via", "webhook", env=env).ended(3, "no token", "RECONCILE_INBOX_TOKEN")
    wrong = env | {"RECONCILE_INBOX_TOKEN": "another-token-than-that"}
    project.run("apply", "--yes", "--via", "webhook", env=wrong).ended(1, "refused the token")
    project.run("apply", "--yes", env=wrong).ended(0, "warning", "continuing without webhooks", "1 created")


def test_a_receiver_that_cannot_be_reached_is_tried_again(project: Project, hooks: Receiver) -> None:
    hooks.stop()
    env = {
        "RECONCILE_CALLBACK_URL": hooks.url,
        "RECONCILE_INBOX_URL": hooks.url,
        "RECONCILE_INBOX_TOKEN": TOKEN,
    }
    project.run("apply", "--yes", "--via", "webhook", env=env).ended(1, "cannot be reached")
    process = project.start("apply", "--yes", env=env)
    wait_until(lambda: "accepted" in project.records() or process.poll() is not None, "it runs")
    project.finish(process).ended(0)


def test_a_run_can_be_its_own_receiver(project: Project, platform: SandboxServer) -> None:
    env = {"LINGO_WEBHOOK_SECRET": SECRET}
    words = ("apply", "--yes", "--via", "webhook", "--listen", "127.0.0.1:0")
    project.run(*words, env=env).ended(0, "2 created")
    assert project.entry("acme")["summary"]
    project.engine("another")
    project.run(*words).ended(3, "no signing secret")
    assert platform.create_calls() == 2


# ── relayed ────────────────────────────────────────────────────────────────────────────────────────────────────────


def event_file(folder: Path, hooks: Receiver, job_id: str, **changed: Any) -> Path:
    """What GitHub Actions writes for the `repository_dispatch` that a relay sends."""
    from reconciler.core.platform.dispatch import payload_of

    (one,) = [one for one in hooks.events() if one.event is not None and one.event.job_id == job_id]
    payload = payload_of(one.webhook_id, one.timestamp, one.signature, one.operation_id, one.body)
    file = folder / "event.json"
    file.write_text(json.dumps({"action": "lingo-provisioning", "client_payload": payload | changed}))
    return file


def test_a_relayed_webhook_is_collected(project: Project, hooks: Receiver, tmp_path: Path) -> None:
    faulty(project, "acme", "lost-answer")
    apply(project, hooks, "--via", "websocket").ended(7)
    wait_until(lambda: len(hooks.events()) == 2, "both webhooks came")
    made = next(
        one for one in hooks.events() if one.operation_id == project.entry("acme")["pending"]["operationId"]
    )
    assert made.event is not None
    assert made.event.job_id is not None
    secret = {"LINGO_WEBHOOK_SECRET": SECRET}

    forged = event_file(tmp_path, hooks, made.event.job_id, signature="v1," + "A" * 43 + "=")
    project.run("collect", "--event", str(forged), env=secret).ended(7, "its signature is invalid")
    file = event_file(tmp_path, hooks, made.event.job_id)
    project.run("collect", "--event", str(file)).ended(7, "LINGO_WEBHOOK_SECRET is not set")
    project.run("collect", "--event", str(file), env=secret).ended(
        0, "1 engine whose create call got no answer"
    )
    assert project.entry("acme")["engineId"] == made.event.engine_id
    project.run("collect", "--event", str(file), env=secret).ended(0)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'{"schedule": "*/5 * * * *"}', 0),
        (b"", 3),
        (b"[1, 2]", 3),
        (b'{"client_payload": 7}', 3),
        (b'{"client_payload": {"version": 99}}', 3),
        (b"\xff\xfe", 3),
        (b"[" * 100_000, 3),
    ],
)
def test_odd_event_files(project: Project, tmp_path: Path, content: bytes, code: int) -> None:
    file = tmp_path / "event.json"
    file.write_bytes(content)
    project.run("collect", "--event", str(file)).ended(code)


# ── what is asked for wrongly ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--via", "webhook"), 3, "needs an inbox"),
        (("--via", "both"), 3, "needs an inbox"),
        (("--via", "pigeon"), 64, "pigeon"),
        (("--inbox", "nowhere.db"), 3, "no inbox at"),
        (("--inbox", "."), 1, "cannot"),
        (("--inbox", "../inbox.db"), 64, "must be a path"),
        (("--inbox", "engines/acme.yaml"), 3, "is not an inbox"),
        (("--inbox-url", "http://hooks.example.com"), 64, "https"),
        (("--inbox-url", "https://hooks.example.com", "--inbox", "a.db"), 3, "both inbox and inbox_url"),
        (("--inbox-url", "https://hooks.example.com", "--listen", ":0"), 3, "remove one of them"),
        (("--listen", "nonsense"), 64, "HOST:PORT"),
        (("--listen", "127.0.0.1:99999"), 64, "HOST:PORT"),
        (("--listen", "127.0.0.1:0", "--via", "websocket"), 64, "has no effect"),
    ],
)
def test_what_cannot_be_waited_for(project: Project, words: tuple[str, ...], code: int, said: str) -> None:
    project.run("apply", "--yes", *words).ended(code, said)
    assert not project.lockfile.exists()


def test_nobody_waits_for_webhooks_that_nobody_sends(project: Project, hooks: Receiver) -> None:
    words = ("apply", "--yes", "--via", "webhook", "--inbox", str(hooks.inbox))
    project.run(*words).ended(3, "needs a callback URL")


def test_late_webhooks_settle_one_of_several_calls_and_then_the_other(
    tmp_path: Path, platform: SandboxServer, hooks: Receiver
) -> None:
    """A laptop and a runner died in a create call for one key. The runner's webhook comes only after a while."""
    actors = Actors(tmp_path / "actors", platform, "acme")
    env = {"RECONCILE_CALLBACK_URL": hooks.url, "RECONCILE_INBOX": str(hooks.inbox)}
    laptop = actors.clone("laptop")
    actors.die(laptop, NO_ANSWER, "--no-publish", env=env)
    actors.edit("acme", "'Second [sandbox: webhook-late=8]'", running=True)
    actors.die(actors.clone(), NO_ANSWER, "--publish", env=env)
    actors.free_lease()
    laptop.git("pull", "--quiet")
    wait_until(lambda: len(hooks.events()) == 1, "the first webhook came")
    actors.publish(laptop, "--timeout", "1s", env=env).ended(7, "1 engine whose create call got no answer")
    assert "uncertain" not in actors.entry("acme")
    assert actors.entry("acme")["pending"]["status"] == "uncertain"
    wait_until(lambda: len(hooks.events()) == 2, "the second webhook came")
    actors.publish(env=env).ended(0, "1 engine whose create call got no answer")
    assert actors.entry("acme")["spec"]["name"].startswith("Second")
    assert actors.made == 2
    actors.check_converged()
