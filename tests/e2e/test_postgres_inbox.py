"""An inbox in PostgreSQL from the command line: runs, outages, what is printed, and every part killed."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from reconciler.sandbox.signing import new_secret
from tests import postgres_server
from tests.adapters.receiving import body_of, signed
from tests.e2e.far_ends import KEY, Project, wait_until
from tests.e2e.inbox_kills import Kills, play
from tests.e2e.receiver import Receiver, receiver

SECRET = new_secret()
WORD = "geh3im-word-of-a-database"
FULL = bool(os.environ.get("RECONCILE_FULL_INBOX"))


@pytest.fixture(scope="module")
def server() -> Iterator[postgres_server.Server]:
    """One that tests here may take down."""
    try:
        with postgres_server.server() as server:
            yield server
    except postgres_server.Missing as error:
        pytest.skip(str(error))


@pytest.fixture
def platform(job_seconds: float) -> Iterator[SandboxServer]:
    settings = SandboxSettings(
        job_seconds=job_seconds, api_keys=(KEY,), webhook_secret=SECRET, webhook_retry=(0.2,) * 300
    )
    with SandboxServer(settings) as server:
        yield server


def ask(
    port: int, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def deliver(hooks: Receiver, number: int) -> tuple[int, dict[str, str]]:
    body = body_of(number)
    status, headers, _ = ask(
        hooks.port, "POST", f"/op-{number}", body, **signed(f"msg_{number}", body, SECRET)
    )
    return status, headers


def test_two_receivers_a_run_and_no_file(
    project: Project, platform: SandboxServer, server: postgres_server.Server
) -> None:
    """One receiver gets the webhooks; the other one is as good a source of the feed; a run reads the database."""
    address = server.url()
    with receiver(project, address, SECRET) as one, receiver(project, address, SECRET) as other:
        known = {"RECONCILE_CALLBACK_URL": one.url, "RECONCILE_INBOX": address}
        project.run("apply", "--yes", "--via", "webhook", env=known).ended(0, "created")
        assert {event.operation_id for event in other.events()} == {
            project.entry(key)["operationId"] for key in project.lock["engines"]
        }
        assert all(event.claimed_at is not None for event in one.events())
        status, _, body = ask(other.port, "GET", "/events", authorization="Bearer token-for-this-test-only")
        assert status == 200
        assert len(json.loads(body)["events"]) == len(one.events())
        ran = project.run("inbox", "status", "--format", "json", env={"RECONCILE_INBOX": address}).ended(0)
        assert json.loads(ran.out)["events"] == len(one.events())
        assert json.loads(ran.out)["unclaimed"] == 0
    project.run("doctor", "--offline", env={"RECONCILE_INBOX": address})
    ran = project.run("doctor", env={"RECONCILE_INBOX": address, "LINGO_API_URL": platform.url})
    assert "inbox" in ran.out
    assert "0 unclaimed" in ran.out


def test_the_database_goes_away_and_comes_back(project: Project, server: postgres_server.Server) -> None:
    with receiver(project, server.url(), SECRET) as hooks:
        assert deliver(hooks, 9001)[0] == 204
        server.end(signal.SIGQUIT)
        for number in (9002, 9003):
            status, headers = deliver(hooks, number)
            assert (status, headers["retry-after"]) == (503, "5")
        assert ask(hooks.port, "GET", "/readyz")[0] == 503
        assert ask(hooks.port, "GET", "/healthz")[0] == 200
        assert b"reconcile_inbox_readable 0" in ask(hooks.port, "GET", "/metrics")[2]
        server.start()
        wait_until(lambda: deliver(hooks, 9002)[0] == 204, "deliveries are stored again")
        assert deliver(hooks, 9001)[0] == 204  # a duplicate
        wait_until(lambda: ask(hooks.port, "GET", "/readyz")[0] == 200, "it is ready again")
        found = [one.webhook_id for one in hooks.events() if one.webhook_id.startswith("msg_900")]
        assert found == ["msg_9001", "msg_9002"]
        server.end(signal.SIGQUIT)
        assert hooks.stop() == 0  # also while the database is away
        server.start()


def test_a_receiver_without_its_database_says_so_and_ends(project: Project) -> None:
    env = {"LINGO_WEBHOOK_SECRET": SECRET, "RECONCILE_INBOX": f"postgresql://me:{WORD}@127.0.0.1:9/x"}
    for level in ("info", "debug"):
        ran = project.run("webhook", "serve", "--listen", "127.0.0.1:0", "--log-level", level, env=env)
        ran.ended(1, "cannot open the inbox postgresql://127.0.0.1:9/x?user=me", "Connection refused")
        assert WORD not in ran.out + ran.err


@pytest.mark.parametrize(
    "words",
    [
        ("webhook", "serve", "--inbox", "{}"),
        ("apply", "--yes", "--inbox", "{}"),
        ("collect", "--inbox", "{}"),
        ("inbox", "status", "--inbox", "{}"),
        ("inbox", "migrate", "--from", "inbox.db", "--to", "{}"),
    ],
    ids=" ".join,
)
def test_a_password_among_the_arguments_is_refused(project: Project, words: tuple[str, ...]) -> None:
    for address in (f"postgresql://me:{WORD}@db/x", f"postgres://db/x?user=me&password={WORD}"):
        ran = project.run(*(word.format(address) for word in words), env={"LINGO_WEBHOOK_SECRET": SECRET})
        ran.ended(64, "must not contain a password")
        flag = words[-2]
        assert f"{flag} 'postgresql://db/x?user=me'" in ran.err
        assert WORD not in ran.out + ran.err


def test_without_psycopg_there_is_one_message(project: Project, tmp_path: Path) -> None:
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "psycopg.py").write_text("raise ImportError('no psycopg here')")
    env = {"PYTHONPATH": str(tmp_path / "hidden")}
    ran = project.run("inbox", "status", "--inbox", "postgresql://db/x", env=env)
    ran.ended(3, "needs psycopg, which is not installed here", "pip install 'psycopg[binary]'")


def test_an_inbox_is_moved_and_looked_at(
    project: Project, server: postgres_server.Server, tmp_path: Path
) -> None:
    file = tmp_path / "inbox.db"
    with receiver(project, file, SECRET) as hooks:
        for number in range(5):
            assert deliver(hooks, 7000 + number)[0] == 204
        ran = project.run("inbox", "migrate", "--from", str(file), "--to", server.url()).ended(3, "is in use")
        assert "stop the receivers" in ran.err
    status = project.run("inbox", "status", "--inbox", str(file)).ended(0)
    assert "events       5" in status.out
    for said in ("Moved 5 of 5 events", "5 events were there already"):
        ran = project.run("inbox", "migrate", "--from", str(file), env={"RECONCILE_INBOX": server.url()})
        ran.ended(0, said, "Compared 5 events: all are equal")
    for target in (str(tmp_path / "b.db"), "mysql://x/y", ""):
        project.run("inbox", "migrate", "--from", str(file), "--to", target).ended(
            64, "--to must begin with postgresql://"
        )
    for source in (server.url(), ""):
        ran = project.run("inbox", "migrate", "--from", source, "--to", server.url())
        ran.ended(64, "--from must be a file")
    ran = project.run("inbox", "migrate", "--from", str(file), env={"RECONCILE_INBOX": str(file)})
    ran.ended(64, "RECONCILE_INBOX names a file", "add --to")
    project.run("inbox", "status", env={}).ended(64, "RECONCILE_INBOX is not set")
    project.run("inbox", "status", "--inbox", "mysql://x/y").ended(64, "begin with postgresql://")


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the server's processes in /proc")
def test_every_part_is_killed_and_nothing_acknowledged_is_lost(
    project: Project, server: postgres_server.Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """RECONCILE_FULL_INBOX=1 plays 20,000 deliveries."""
    kills = Kills(every=1.0, least=8) if FULL else Kills(every=0.4, least=4)
    told = play(project, server, SECRET, deliveries=20_000 if FULL else 300, kills=kills)
    with capsys.disabled():
        if FULL:
            print(f"\n{told}")
    assert told.killed.keys() == {"receiver", "leader", "backend", "server"}
