"""Runs that are killed, interrupted, timed out or doubled: nothing is lost, and nothing is made twice."""

from __future__ import annotations

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import Process, Project, Ran, interrupt, wait_until


def started(project: Project, platform: SandboxServer, calls: int = 2) -> Process:
    """An apply that has got so far that the platform made that many engines, and nothing ended."""
    process = project.start("apply", "--yes")
    wait_until(lambda: platform.create_calls() == calls, f"{calls} create calls")
    return process


def killed(project: Project, process: Process) -> Ran:
    process.kill()
    return project.finish(process, killed=True)


def converged(project: Project, platform: SandboxServer, calls: int) -> None:
    """One more apply does it all, with so many create calls in total, and leaves nothing to do."""
    project.apply().ended(0)
    project.run("plan", "--detailed-exitcode").ended(0)
    assert platform.create_calls() == calls
    assert all("pending" not in entry for entry in project.lock["engines"].values())
    assert project.records() == []


@pytest.mark.parametrize("job_seconds", [1.5])
def test_killed_while_jobs_run(project: Project, platform: SandboxServer) -> None:
    process = started(project, platform)
    wait_until(lambda: project.records().count("accepted") == 2, "both answers are in the journal")
    killed(project, process)
    assert not project.lockfile.exists()
    made = {engine["id"] for engine in platform.engines()}
    project.run("status").ended(0, *map(str, made))
    project.run("plan", "--detailed-exitcode").ended(2, "1 to resume")
    converged(project, platform, 2)
    assert {entry["engineId"] for entry in project.lock["engines"].values()} == made
    assert sorted(path.name for path in project.root.iterdir()) == [".git", "engines", "engines.lock.json"]


def uncertain(project: Project, platform: SandboxServer, fault: str, calls: int) -> str:
    """Killed while the answer to acme's create call is outstanding. Returns its engine's id, if one was made."""
    platform.faults.add("create", fault, match="acme")
    process = project.start("apply", "--yes", "--only", "acme")
    wait_until(
        lambda: any(one.path == "/jobs/provisioning" and one.body is not None for one in platform.requests()),
        "the create call has come whole",
    )
    wait_until(lambda: platform.create_calls() == calls, "it took effect")
    killed(project, process)
    assert project.records() == ["begin"]
    project.run("plan", "--detailed-exitcode").ended(
        7, "1 uncertain", "reconcile resolve acme --engine-id '<ENGINE_ID>'"
    )
    ran = project.apply().ended(
        7, "reconcile resolve acme --engine-id '<ENGINE_ID>'", "reconcile resolve acme --retry"
    )
    assert "--forget" in ran.out
    assert project.entry("shop/web")["engineId"]  # the others go on
    assert project.entry("acme")["pending"]["status"] == "uncertain"
    return next((str(engine["id"]) for engine in platform.engines() if engine["name"] == "acme"), "")


def test_killed_before_the_answer_and_the_engine_was_made(project: Project, platform: SandboxServer) -> None:
    engine_id = uncertain(project, platform, "hang", 1)
    project.run("plan", "--detailed-exitcode").ended(
        7, "1 engine needs attention", "reconcile resolve acme --engine-id '<ENGINE_ID>'"
    )
    project.run("resolve", "acme", "--engine-id", engine_id).ended(0, engine_id)
    assert project.entry("acme")["engineId"] == engine_id
    converged(project, platform, 2)


def test_killed_before_the_answer_and_its_job_is_known(project: Project, platform: SandboxServer) -> None:
    engine_id = uncertain(project, platform, "hang", 1)
    job_id = next(str(job["jobId"]) for job in platform.jobs() if job["engineId"] == engine_id)
    project.run("resolve", "acme", "--engine-id", engine_id, "--job-id", job_id).ended(0)
    assert "engineId" not in project.entry("acme")
    converged(project, platform, 2)
    assert project.entry("acme")["engineId"] == engine_id
    assert project.entry("acme")["summary"]


def test_killed_before_the_answer_and_nothing_was_made(project: Project, platform: SandboxServer) -> None:
    assert uncertain(project, platform, "hang-before", 0) == ""
    project.run("resolve", "acme", "--retry").ended(0)
    converged(project, platform, 2)


def test_killed_before_the_answer_and_forgotten(project: Project, platform: SandboxServer) -> None:
    uncertain(project, platform, "hang", 1)
    project.run("resolve", "acme", "--forget").ended(0)
    project.apply().ended(1, "acme", "--retry-failed")
    assert platform.create_calls() == 2
    project.apply("--retry-failed").ended(0)
    converged(project, platform, 3)


def test_resolve_refuses_what_makes_no_sense(project: Project) -> None:
    project.run("resolve", "acme", "--retry").ended(64, "no engine `acme`")
    project.run("resolve", "acme").ended(64, "one of --engine-id, --retry and --forget")
    project.run("resolve", "acme", "--retry", "--forget").ended(64)
    project.run("resolve", "acme", "--job-id", "pjb_1", "--retry").ended(64)
    project.apply("--only", "shop/web").ended(0)
    project.run("resolve", "shop/web", "--retry").ended(64, "no call with an unknown outcome")
    project.run("resolve", "shop/wbe", "--retry").ended(64, "did you mean `shop/web`")


@pytest.mark.parametrize("job_seconds", [1.5])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_jobs_run(project: Project, platform: SandboxServer, number: int) -> None:
    process = started(project, platform)
    wait_until(lambda: project.records().count("accepted") == 2, "both answers are in the journal")
    sent = interrupt(process, number)
    project.finish(process).ended(130, "nterrupted")
    assert time.monotonic() - sent < 20
    assert project.entry("acme")["pending"]["status"] == "in_progress"
    assert project.entry("shop/web")["engineId"]
    assert project.records() == []
    converged(project, platform, 2)


def test_interrupted_while_a_call_hangs(project: Project, platform: SandboxServer) -> None:
    platform.faults.add("create", "hang", match="acme")
    process = started(project, platform)
    sent = interrupt(process, signal.SIGTERM)
    project.finish(process).ended(130, "reconcile resolve acme")
    assert time.monotonic() - sent < 20
    assert project.entry("acme")["pending"]["status"] == "uncertain"
    assert project.entry("shop/web")["engineId"]
    project.apply().ended(7)
    assert platform.create_calls() == 2


def test_interrupted_twice_ends_at_once(project: Project, platform: SandboxServer) -> None:
    platform.faults.add("create", "hang", match="acme")
    process = started(project, platform)
    wait_until(lambda: "accepted" in project.records(), "the other answer is in the journal")
    assert process.stderr is not None
    interrupt(process)
    seen = b""
    while b"interrupted:" not in seen:
        seen += process.stderr.readline()
    sent = interrupt(process)
    project.finish(process).ended(130, "interrupted again")
    assert time.monotonic() - sent < 3  # less than the grace that a single signal gives
    project.apply().ended(7)
    assert project.entry("shop/web")["engineId"]
    assert platform.create_calls() == 2


def test_deadline(project: Project, platform: SandboxServer) -> None:
    platform.faults.add("job", "job-seconds=3", match="acme")
    document = project.apply("--timeout", "1s", "--format", "json").ended(4).json
    assert document["exitCode"] == 4
    assert document["outcome"]["timedOut"] is True
    engine_id = project.entry("acme")["pending"]["engineId"]
    converged(project, platform, 2)
    assert project.entry("acme")["engineId"] == engine_id


def test_detach(project: Project, platform: SandboxServer) -> None:
    platform.faults.add("job", "job-seconds=1", match="acme")
    project.apply("--detach").ended(0, "--detach")
    assert project.entry("acme")["pending"]["status"] == "in_progress"
    assert project.records() == []
    project.run("status").ended(0, "acme")
    converged(project, platform, 2)


def test_a_second_run_is_kept_out(project: Project, platform: SandboxServer) -> None:
    platform.faults.add("job", "never", match="acme")
    first = started(project, platform)
    second = project.apply("--format", "json").ended(5, f"process {first.pid}")
    assert second.json["exitCode"] == 5
    project.run("plan").ended(0)
    project.run("status").ended(0)
    project.run("resolve", "acme", "--retry").ended(5)
    interrupt(first)
    project.finish(first).ended(130)
    assert platform.create_calls() == 2


def test_many_runs_at_once_make_every_engine_once(project: Project, platform: SandboxServer) -> None:
    with ThreadPoolExecutor() as threads:
        codes = [ran.code for ran in threads.map(lambda _: project.apply(), range(4))]
    assert set(codes) <= {0, 5}
    assert 0 in codes
    converged(project, platform, 2)


def test_a_torn_line_in_the_journal_is_ignored(project: Project, platform: SandboxServer) -> None:
    project.private.mkdir()
    project.journal.write_bytes(b'{"v":1,"type":"begin","operation":"0d5c')
    converged(project, platform, 2)


@pytest.mark.parametrize("content", [b"\0\0\0\0\n", b'{"v":1,"type":"begin"}\n', b'{"v":9,"type":"begin"}\n'])
def test_an_unreadable_journal(project: Project, content: bytes) -> None:
    project.private.mkdir()
    project.journal.write_bytes(content)
    assert project.apply("--format", "json").ended(3, str(project.journal), "line 1").json["exitCode"] == 3
    assert project.journal.read_bytes() == content


def test_an_unreadable_journal_stops_every_command(project: Project, platform: SandboxServer) -> None:
    project.private.mkdir()
    project.journal.write_text("what is this?\n")
    for words in (("plan",), ("status",), ("resolve", "acme", "--retry")):
        assert project.run(*words).ended(3, str(project.journal), "line 1", "hint:").out == ""
    assert platform.requests() == []


def test_the_lockfile_may_change_while_a_run_goes_on(project: Project, platform: SandboxServer) -> None:
    """A `git pull` or checkout in the meantime: neither side loses an engine."""
    platform.faults.add("job", "never", match="acme")
    project.apply("--only", "shop/web").ended(0)
    before = project.lock
    process = started(project, platform)
    wait_until(lambda: "accepted" in project.records(), "the answer is in the journal")
    killed(project, process)  # now acme's engine is known to the journal of a dead run, and to nobody else
    watched = _watches(platform)
    process = project.start("apply", "--yes", "--timeout", "2s")
    wait_until(lambda: _watches(platform) > watched, "it waits for the job")
    before["engines"]["other"] = before["engines"]["shop/web"] | {"engineId": "eng_1", "operationId": "op"}
    project.lockfile.write_text(json.dumps(before))
    project.finish(process).ended(4)
    assert set(project.lock["engines"]) == {"acme", "other", "shop/web"}
    assert project.entry("other")["engineId"] == "eng_1"
    assert project.entry("acme")["pending"]["engineId"]
    assert project.records() == []
    assert platform.create_calls() == 2


def _watches(platform: SandboxServer) -> int:
    return sum(one.path.endswith("/ws") for one in platform.requests())
