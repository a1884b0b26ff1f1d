"""The relay against a GitHub with limits and troubles: at least once, normally once, in order, and nothing is lost."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from pathlib import Path

import pytest

from reconciler.adapters.inbox.sqlite.file import connect
from reconciler.adapters.inbox.sqlite.reading import SqliteInbox as Inbox
from reconciler.adapters.receiver.metrics import Metrics
from reconciler.adapters.relay.pace import Pace
from reconciler.adapters.relay.surroundings import RelayCounts
from reconciler.adapters.system.prometheus import metrics_text
from reconciler.core.platform.dispatch import EVENT_TYPE, read_payload
from tests.adapters.deliveries import fill, row, stored
from tests.adapters.relayed import names, relay_of, run, sent
from tests.github_fake import TOKEN, FakeGitHub, Reply, Trouble, refusal

PATIENT = Pace(quick=(0.02, 0.1), slow=(30.0, 60.0), look=0.01)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inbox.db"


@pytest.fixture
def fake() -> FakeGitHub:
    return FakeGitHub()


def test_each_event_goes_on_once_and_in_order(path: Path, fake: FakeGitHub) -> None:
    async def work() -> None:
        async with relay_of(path, fake) as scene:
            await scene.store(row(1), row(2))
            await scene.until(lambda: len(fake.dispatches) == 3)
            await scene.store(row(3))
            fill(path, [row(4)])  # by another process, as it were
            await scene.until(lambda: scene.counts.sent == 5)

    fill(path, [row(0)])
    with fake:
        run(work())
    assert sent(fake) == names(0, 1, 2, 3, 4)


def test_what_github_gets_can_be_verified(path: Path, fake: FakeGitHub) -> None:
    async def work() -> None:
        async with relay_of(path, fake) as scene:
            await scene.store(row(1))
            await scene.until(lambda: scene.counts.sent == 1)

    with fake:
        run(work())
    (request,), (document,), (kept,) = fake.requests, fake.dispatches, stored(path)
    assert document["event_type"] == EVENT_TYPE
    found = read_payload({"action": EVENT_TYPE, "client_payload": document["client_payload"]})
    assert (found.signed, found.body, found.operation_id) == (kept.signed, kept.body, "op-1")
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["accept"] == "application/vnd.github+json"
    assert request.headers["x-github-api-version"]
    assert kept.claimed_at is None  # a run on this host still gets it


def test_a_large_body_stays_behind(path: Path, fake: FakeGitHub) -> None:
    async def work() -> None:
        async with relay_of(path, fake) as scene:
            await scene.store(row(1, size=63_000), row(2, size=200_000), row(3))
            await scene.until(lambda: scene.counts.sent == 3)

    with fake:
        run(work())
    assert ["body" in one["client_payload"] for one in fake.dispatches] == [True, False, True]
    assert fake.dispatches[1]["client_payload"]["jobId"] == "pjb_2"


TROUBLES = {
    "500": Trouble(refusal(500, "Server Error")),
    "502 from a proxy": Trouble(Reply(502, b"<html>Bad gateway</html>")),
    "503, soon": Trouble(refusal(503, "busy", Retry_After="1")),
    "hung up": Trouble(hang_up=True),
    "no answer": Trouble(seconds=0.8, hang_up=True),
    "limited": Trouble(refusal(403, "You have exceeded a secondary rate limit.", Retry_After="1")),
    "too many": Trouble(refusal(429, "Too many requests", Retry_After="1")),
    "redirected": Trouble(Reply(307, {"message": "Moved"}, {"Location": "http://127.0.0.1:9/elsewhere"})),
    "wrong token": Trouble(refusal(401, "Bad credentials")),
    "not allowed": Trouble(refusal(403, "Resource not accessible by personal access token")),
    "not there": Trouble(refusal(404, "Not Found")),
    "nonsense": Trouble(Reply(400, b"\xff\xfe[[[[")),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
def test_trouble_delays_and_loses_nothing(path: Path, fake: FakeGitHub, trouble: Trouble) -> None:
    async def work() -> None:
        async with relay_of(path, fake) as scene:
            await scene.until(lambda: scene.counts.sent == 3)
            assert scene.counts.failed == 2
            assert scene.counts.skipped == 0

    fill(path, [row(1), row(2), row(3)])
    fake.troubles.extend([trouble, None, trouble])
    with fake:
        run(work())
    assert sent(fake) == names(1, 2, 3)


def test_an_answer_that_got_lost_means_once_more(path: Path, fake: FakeGitHub) -> None:
    async def work() -> None:
        async with relay_of(path, fake) as scene:
            await scene.until(lambda: scene.counts.sent == 2)

    fill(path, [row(1), row(2)])
    fake.troubles.append(Trouble(hang_up=True, after=True))
    with fake:
        run(work())
    assert sent(fake) == names(1, 1, 2)


def test_while_github_is_down_the_inbox_keeps_all(path: Path, fake: FakeGitHub) -> None:
    async def work() -> None:
        async with relay_of(path, fake) as scene:
            await scene.store(row(1))
            await scene.until(lambda: scene.counts.sent == 1)
            fake.stop()
            await scene.store(*(row(number) for number in range(2, 20)))
            await scene.until(lambda: scene.counts.failed >= 3 and scene.counts.waiting == 18)
            oldest = scene.counts.oldest_at
            assert oldest == row(2).received_at
            fake.start()
            await scene.until(lambda: scene.counts.sent == 19)
            await scene.until(lambda: scene.counts.waiting == 0 and scene.counts.oldest_at is None)
            assert scene.lines("not relayed")
            assert "refuses connections" in scene.lines("not relayed")[0]

    with fake:
        run(work())
    assert sent(fake) == names(*range(1, 20))


def test_the_next_start_goes_on_where_the_last_one_ended(path: Path, fake: FakeGitHub) -> None:
    async def work(already: int, total: int) -> None:
        async with relay_of(path, fake) as scene:
            await scene.store(row(total))
            await scene.until(lambda: scene.counts.sent == total - already)

    with fake:
        run(work(0, 1))
        fake.stop()
        fill(path, [row(2), row(3)])
        fake.start()
        run(work(1, 4))
        run(work(4, 5))
    assert sent(fake) == names(1, 2, 3, 4, 5)


def test_the_end_waits_for_the_request_under_way(path: Path, fake: FakeGitHub) -> None:
    async def work() -> None:
        async with relay_of(path, fake) as scene:
            await scene.until(lambda: len(fake.requests) == 1)

    fill(path, [row(1), row(2)])
    fake.troubles.append(Trouble(seconds=0.2))
    with fake:
        run(work())
        assert sent(fake) == names(1)
        fake.requests.clear()
        run(work())
    assert sent(fake) == names(1, 2)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (refusal(401, "Bad credentials"), "set another token"),
        (refusal(403, "Resource not accessible"), "Contents: read and write on acme/engines"),
        (refusal(404, "Not Found"), "check that acme/engines exists"),
        (Reply(301, {"message": "Moved Permanently"}), "renamed or moved"),
    ],
)
def test_what_needs_a_person_is_said_and_tried_slowly(
    path: Path, fake: FakeGitHub, answer: Reply, hint: str
) -> None:
    async def work() -> None:
        async with relay_of(path, fake, pace=PATIENT) as scene:
            await scene.until(lambda: bool(scene.log))
            (line,) = scene.log
            assert " error " in line
            assert f"status={answer.status}" in line
            assert hint in line
            assert "again_in" in line
            assert len(fake.requests) == 1

    fill(path, [row(1)])
    fake.always = Trouble(answer)
    with fake:
        start = time.monotonic()
        run(work())
    assert time.monotonic() - start < 10  # the end does not wait for the pause


def test_a_refused_event_blocks_no_other(path: Path, fake: FakeGitHub) -> None:
    async def work() -> None:
        async with relay_of(path, fake) as scene:
            await scene.until(lambda: scene.counts.sent == 2)
            assert scene.counts.skipped == 1
            (line,) = scene.lines("it is skipped")
            assert " error " in line
            assert "msg_2" in line

    fill(path, [row(1), row(2), row(3)])
    fake.refuses = lambda document: document["client_payload"]["webhookId"] == "msg_2"
    with fake:
        run(work())
        assert sent(fake) == names(1, 3)
        assert len(fake.requests) == 4
        run(_nothing_more(path, fake))
    assert len(stored(path)) == 4  # the refused one as well: it is still there for a run on this host


async def _nothing_more(path: Path, fake: FakeGitHub) -> None:
    before = len(fake.requests)
    async with relay_of(path, fake) as scene:
        await scene.store(row(99))
        await scene.until(lambda: scene.counts.sent == 1)
    assert len(fake.requests) == before + 1


def test_what_is_refused_with_its_body_may_go_without(path: Path, fake: FakeGitHub) -> None:
    async def work() -> None:
        async with relay_of(path, fake) as scene:
            await scene.until(lambda: scene.counts.sent == 1)

    fill(path, [row(1, size=50_000)])
    fake.refuses = lambda document: len(json.dumps(document)) > 40_000
    with fake:
        run(work())
    assert "body" not in fake.dispatches[0]["client_payload"]


def test_what_the_disk_did_not_take_is_not_sent_again(path: Path, fake: FakeGitHub) -> None:
    async def work() -> None:
        async with relay_of(path, fake) as scene:
            await scene.until(lambda: len(scene.lines("cannot use the inbox")) >= 3)
            assert sent(fake) == names(1)
            with contextlib.closing(connect(path)) as connection:
                connection.execute("DROP TRIGGER full")
            await scene.until(lambda: scene.counts.sent == 2)

    fill(path, [row(1), row(2)])
    connection = connect(path)
    connection.execute(
        "CREATE TRIGGER full BEFORE UPDATE ON about WHEN new.name LIKE 'relayed%'"
        " BEGIN SELECT raise(ABORT, 'full'); END"
    )
    connection.close()
    with fake:
        run(work())
        run(_nothing_more(path, fake))
    assert sent(fake) == names(1, 2, 99)


@pytest.mark.parametrize("code", [403, 429])
def test_a_limit_is_kept_until_its_end(path: Path, fake: FakeGitHub, code: int) -> None:
    async def work() -> None:
        async with relay_of(path, fake) as scene:
            await scene.until(lambda: len(fake.dispatches) == 1)
            (line,) = scene.lines("not relayed")
            assert " warning " in line

    fill(path, [row(1)])
    reset = time.time() + 1
    limit = refusal(
        code, "API rate limit exceeded", X_RateLimit_Remaining="0", X_RateLimit_Reset=str(int(reset) + 1)
    )
    fake.troubles.append(Trouble(limit))
    with fake:
        run(work())
        assert time.time() >= reset
    assert len(fake.requests) == 2


def test_an_inbox_that_lost_its_newest_events_leaves_out_none_that_come(path: Path, fake: FakeGitHub) -> None:
    """A failover, or a backup that was put back: numbers are given once more."""

    async def work() -> None:
        async with relay_of(path, fake) as scene:
            await scene.store(row(1), row(2), row(3))
            await scene.until(lambda: sent(fake) == names(1, 2, 3))
            with sqlite3.connect(path) as connection:
                place = "SELECT value FROM about WHERE name LIKE 'relayed to %'"
                await scene.until(lambda: connection.execute(place).fetchone() == (3,))
                connection.execute("DELETE FROM events WHERE number > 1")
                connection.execute("UPDATE about SET value = 1 WHERE name LIKE 'relayed to %'")
                connection.execute("UPDATE sqlite_sequence SET seq = 1")
            connection.close()
            await scene.store(row(4), row(5))
            await scene.until(lambda: sent(fake) == names(1, 2, 3, 4, 5))

    with fake:
        run(work())


def test_what_runs_have_taken_before_is_no_news(path: Path, fake: FakeGitHub) -> None:
    async def work(last: int) -> None:
        async with relay_of(path, fake) as scene:
            await scene.store(row(last))
            await scene.until(lambda: row(last).webhook_id in sent(fake))

    fill(path, [row(1), row(2), row(3), row(4)])
    with Inbox(path) as inbox:
        inbox.claim([1, 2, 4], "a run", 1.0)
    with fake:
        run(work(5))
        assert sent(fake) == names(3, 4, 5)
        with Inbox(path) as inbox:
            inbox.claim([1, 2, 3, 4, 5], "a run", 1.0)
        fill(path, [row(6)])
        run(work(7))
    assert sent(fake) == names(3, 4, 5, 6, 7)


def test_what_was_passed_on_long_ago_is_deleted(path: Path, fake: FakeGitHub) -> None:
    async def work() -> None:
        async with relay_of(path, fake) as scene:
            await scene.until(lambda: scene.counts.sent == 3)

    async def again() -> None:
        async with relay_of(path, fake, keep=3600.0) as scene:
            await scene.until(lambda: len(stored(path)) < 4)

    new = row(3)._replace(received_at=time.time())
    fill(path, [row(1), row(2), new])
    with fake:
        run(work())
        fake.always = Trouble(refusal(500, "down"))
        fill(path, [row(4)])
        run(again())
    assert [one.webhook_id for one in stored(path)] == names(
        3, 4
    )  # one is young, the other was not passed on


def test_metrics_tell_of_the_relay() -> None:
    metrics = Metrics()
    assert "relay" not in metrics_text(metrics.families(None, 0.0, 0, 0, 0)).decode()
    metrics.relay = RelayCounts(sent=5, skipped=1, failed=3, waiting=2, oldest_at=90.0)
    lines = metrics_text(metrics.families(None, 100.0, 0, 0, 0)).decode().splitlines()
    assert 'reconcile_relay_events_total{outcome="relayed"} 5.0' in lines
    assert 'reconcile_relay_events_total{outcome="skipped"} 1.0' in lines
    assert "reconcile_relay_failed_requests_total 3.0" in lines
    assert "reconcile_relay_waiting_events 2.0" in lines
    assert "reconcile_relay_oldest_waiting_seconds 10.0" in lines
