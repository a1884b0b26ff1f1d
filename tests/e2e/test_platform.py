"""A platform that refuses, loses answers, fails jobs and drops sockets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from tests import plain_http
from tests.e2e.far_ends import Project

NO_CALL = 0


def test_a_lost_answer_is_uncertain_and_the_others_go_on(project: Project, platform: SandboxServer) -> None:
    platform.faults.add("create", "lost-answer", match="acme")
    document = project.apply("--format", "json").ended(7).json
    results = {one["key"]: one for one in document["outcome"]["results"]}
    assert results["acme"]["status"] == "uncertain"
    assert "reconcile resolve acme --engine-id '<ENGINE_ID>'" in results["acme"]["hint"]
    assert results["shop/web"]["status"] == "done"
    project.apply().ended(7)
    assert platform.create_calls() == 2


def test_answers_that_say_nothing_are_uncertain(project: Project, platform: SandboxServer) -> None:
    faults = {"one": "status=500", "two": "html=502", "three": "garbage-202", "four": "error-after=504"}
    for key, fault in faults.items():
        project.engine(f"odd/{key}", f"name: {key}\ndescription: '[sandbox: {fault} times=1]'\n")
    commands = [f"reconcile resolve odd/{key} --engine-id '<ENGINE_ID>'" for key in faults]
    project.apply("--only", "odd/*").ended(7, *commands)
    sent = len(platform.requests())
    project.apply("--only", "odd/*").ended(7, *commands)
    assert len(platform.requests()) == sent


def test_no_more_credit_in_the_middle_of_twenty(project: Project, platform: SandboxServer) -> None:
    keys = [f"many/{number:02}" for number in range(20)]
    for key in keys:
        project.engine(key)
    platform.faults.add("create", "status=402", match="many/05", times=None)
    ran = project.apply("--only", "many/*", "--concurrency", "2").ended(1, "redit", "not started")
    assert "many/05" in ran.out
    assert "many/19" in ran.out
    made = platform.create_calls()
    assert 4 <= made <= 8  # those before it, and what was in progress beside it
    assert len(project.lock["engines"]) == made
    assert all("pending" not in entry for entry in project.lock["engines"].values())
    platform.faults.clear()
    project.apply("--only", "many/*", "--format", "json").ended(0)
    assert sorted(project.lock["engines"]) == keys
    assert platform.create_calls() == 20


def test_waits_go_on_without_credit(project: Project, platform: SandboxServer) -> None:
    platform.faults.add("create", "status=402", match="shop")
    project.apply("--concurrency", "1").ended(1, "redit")
    assert project.entry("acme")["engineId"]
    assert "shop/web" not in project.lock["engines"]


def test_a_short_quota_is_waited_for(project: Project, platform: SandboxServer) -> None:
    platform.faults.add("create", "status=429", match="acme", retry_after=1)
    project.apply().ended(0)
    assert platform.create_calls() == 2


def test_a_long_quota_stops_the_creates(project: Project, platform: SandboxServer) -> None:
    platform.faults.add("create", "status=429", match="acme", retry_after=3600)
    project.apply("--concurrency", "1").ended(1, "quota", "not started")
    assert platform.create_calls() == NO_CALL
    project.apply().ended(0)
    assert platform.create_calls() == 2


def test_a_busy_platform_is_asked_again(project: Project, platform: SandboxServer) -> None:
    platform.faults.add("create", "status=503", match="acme", retry_after=0)
    project.apply().ended(0)
    assert platform.create_calls() == 2


def test_a_gateway_that_gave_up_is_not_asked_again(project: Project, platform: SandboxServer) -> None:
    platform.faults.add("create", "html=503", match="acme")
    project.apply().ended(7, "reconcile resolve acme")
    assert platform.create_calls() == 1  # the other engine


@contextmanager
def gateway(before: str, content: bytes, headers: Mapping[str, str]) -> Iterator[str]:
    """In front of the platform: it forwards every request, and answers 503 with this in the place of the answer."""

    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            passed_on = {name: self.headers[name] for name in ("X-API-Key", "Content-Type")}
            plain_http.post(before + self.path, content=body, headers=passed_on, trust_env=False)
            self.send_response(503)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"<h1>503 Service Unavailable</h1>", {"Content-Type": "text/html", "Retry-After": "0"}),
        (b'{"message": "upstream timed out"}', {"Content-Type": "application/json"}),
        (b'{"error": "no upstream"}', {"Content-Type": "application/json", "Retry-After": "0"}),
        (b"", {"Retry-After": "0"}),
    ],
    ids=["html", "no-retry-after", "no-message", "empty"],
)
def test_a_gateway_that_had_forwarded_the_call(
    project: Project, platform: SandboxServer, content: bytes, headers: dict[str, str]
) -> None:
    with gateway(platform.url, content, headers) as url:
        project.url = url
        project.apply("--only", "acme").ended(7, "reconcile resolve acme")
        project.apply("--only", "acme").ended(7, "reconcile resolve acme")
    [engine] = platform.engines()
    project.url = platform.url
    project.run("resolve", "acme", "--engine-id", str(engine["id"])).ended(0)
    project.apply("--only", "acme").ended(0)
    assert (project.entry("acme")["engineId"], platform.create_calls()) == (engine["id"], 1)


def test_a_failed_job_is_reported_until_it_is_tried_again(project: Project, platform: SandboxServer) -> None:
    platform.faults.add("job", "fail=The link could not be crawled", match="acme")
    project.apply().ended(1, "The link could not be crawled", "engines/acme.yaml", "--retry-failed")
    assert "engineId" not in project.entry("acme")
    assert project.entry("acme")["pending"]["status"] == "failed"
    project.run("plan", "--detailed-exitcode").ended(
        1, "1 engine needs attention", "The link could not be crawled"
    )
    project.apply().ended(1)
    assert platform.create_calls() == 2
    project.apply("--retry-failed").ended(0)
    assert platform.create_calls() == 3
    superseded = [one["engineId"] for one in project.entry("acme")["superseded"]]
    assert len(superseded) == 1  # what the failed job made is not forgotten


def test_a_refused_spec_is_reported_at_its_file(project: Project, platform: SandboxServer) -> None:
    platform.faults.add("create", "status=400", match="acme")
    project.apply().ended(1, "engines/acme.yaml", "The request is not valid")
    assert project.entry("acme")["pending"]["status"] == "failed"
    assert project.entry("shop/web")["engineId"]
    project.run("plan", "--format", "github").ended(0, "file=engines/acme.yaml")
    project.engine("acme", "name: Better\n")
    project.apply().ended(0)


@pytest.mark.parametrize(
    ("status", "words"), [(401, "key is missing or not valid"), (403, "key has no access")]
)
def test_a_refused_key_stops_the_run(
    project: Project, platform: SandboxServer, status: int, words: str
) -> None:
    platform.faults.add("create", f"status={status}", times=None)
    project.apply("--concurrency", "1").ended(1, words, "2 engines not created")
    assert len([one for one in platform.requests() if one.method == "POST"]) == 1
    assert not project.lockfile.exists()


def test_sockets_that_fail_delay_only(project: Project, platform: SandboxServer) -> None:
    faults = [
        "refuse=500",
        "drop",
        "drop-mid",
        "garbage",
        "close=1011",
        "no-snapshot",
        "huge=200000",
        "slow=1",
    ]
    for fault in faults:
        project.engine(
            f"ws/{fault}", f"name: {fault}\ndescription: '[sandbox: ws-{fault} times=2]'\n", running=True
        )
    project.apply("--only", "ws/*").ended(0)
    assert len(project.lock["engines"]) == platform.create_calls() == len(faults)


def test_a_silent_socket_leaves_the_job_to_the_next_run(project: Project, platform: SandboxServer) -> None:
    platform.faults.add("ws", "silent", times=None)
    project.apply("--only", "acme", "--timeout", "1s").ended(4)
    platform.faults.clear()
    project.apply("--only", "acme").ended(0)
    assert platform.create_calls() == 1


def test_a_job_that_the_platform_forgot(project: Project, platform: SandboxServer) -> None:
    platform.faults.add("ws", "refuse=404", times=None)
    project.apply("--only", "acme", "--timeout", "5s").ended(4, "404")
    assert project.entry("acme")["pending"]["status"] == "in_progress"


def test_a_redirect_is_not_followed(project: Project, platform: SandboxServer) -> None:
    with SandboxServer(SandboxSettings()) as elsewhere:
        platform.faults.add("create", f"redirect={elsewhere.url}/jobs/provisioning", times=None)
        project.apply("--only", "acme").ended(1, "307")
        assert elsewhere.requests() == []


def test_only_documented_fields_are_sent(project: Project, platform: SandboxServer) -> None:
    project.engine(
        "full",
        "name: Full\ndescription: All of it\nlocales: [de]\nsources:\n"
        "  - {type: link, payload: 'https://acme.example'}\n  - {type: content, file: text.md}\n",
    )
    (project.root / "engines/text.md").write_text("Say Sie.\n")
    project.apply("--only", "full").ended(0)
    posted = [one for one in platform.requests() if one.method == "POST"]
    assert [one.body for one in posted] == [
        {
            "engine": {"name": "Full", "description": "All of it"},
            "locales": ["de"],
            "sources": [
                {"type": "link", "payload": "https://acme.example"},
                {"type": "content", "payload": "Say Sie.\n"},
            ],
        }
    ]
