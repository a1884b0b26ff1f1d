"""What a receiver shows: health, metrics, and the feed for readers on other hosts."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.inbox.sqlite.reading import SqliteInbox as Inbox
from reconciler.adapters.receiver.limits import Limits
from reconciler.adapters.receiver.server import Settings
from reconciler.adapters.receiver.signing_secrets import Secrets
from reconciler.adapters.receiver.thread import running
from tests.adapters.deliveries import fill, row
from tests.adapters.receiving import (
    SECRET,
    TOKEN,
    Client,
    Receiving,
    delivery,
    receiving,
    request,
    wait_until,
)


@pytest.fixture
def limits() -> Limits:
    """The usual ones. A test that needs others is parametrized with them."""
    return Limits()


@pytest.fixture
def receiver(tmp_path: Path, limits: Limits) -> Iterator[Receiving]:
    with receiving(tmp_path, limits=limits) as started:
        yield started
        assert started.outcome("bug") == 0


def numbers(answer: Any) -> list[str]:
    return [one["webhookId"] for one in answer["events"]]


def claim(receiver: Receiving, content: Any, token: str = TOKEN) -> tuple[int, Any]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    answer = receiver.ask(request("POST", "/events/claim", {"authorization": f"Bearer {token}"}, body))
    return answer.status, answer.json


# ── for the operator ───────────────────────────────────────────────────────────────────────────────────────────────


def test_healthy_and_ready(receiver: Receiving) -> None:
    assert receiver.get("/healthz").json == {"status": "ok"}
    assert receiver.get("/readyz").json == {"status": "ready"}
    with receiver.client() as client:
        assert client.ask(request("GET", "/healthz", {"connection": "close"})).status == 200


@pytest.mark.parametrize("limits", [Limits(fresh=0.0)])
def test_not_ready_when_the_inbox_cannot_be_written(receiver: Receiving) -> None:
    other = sqlite3.connect(receiver.inbox, isolation_level=None)
    for kind in ("INSERT", "UPDATE"):
        other.execute(f"CREATE TRIGGER no_{kind} BEFORE {kind} ON about BEGIN SELECT RAISE(ABORT, 'no'); END")
    assert receiver.get("/readyz").status == 503
    assert receiver.get("/healthz").status == 200
    for kind in ("INSERT", "UPDATE"):
        other.execute(f"DROP TRIGGER no_{kind}")
    other.close()
    assert receiver.get("/readyz").status == 200


_LINE = re.compile(r'(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]+"\})? [0-9.e+-]+)')


def test_metrics_can_be_read_by_prometheus(receiver: Receiving) -> None:
    for number in (1, 2, 2):
        receiver.ask(delivery(number))
    answer = receiver.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = answer.body.decode()
    assert text.endswith("\n")
    assert [line for line in text.splitlines() if not _LINE.fullmatch(line)] == []
    typed = re.findall(r"^# TYPE (\w+)", text, re.MULTILINE)
    assert len(typed) == len(set(typed))
    families = {
        re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"^(\w+)[ {]", text, re.MULTILINE)
    }
    assert families == set(typed)
    buckets = [int(count) for count in re.findall(r"verify_seconds_bucket\S+ (\d+)", text)]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 3


@pytest.mark.parametrize("limits", [Limits(fresh=0.0)])
def test_metrics_tell_what_is_in_the_inbox(receiver: Receiving) -> None:
    assert receiver.count("reconcile_inbox_oldest_unclaimed_seconds") == 0
    receiver.ask(delivery(1))
    receiver.ask(delivery(2))
    with Inbox(receiver.inbox) as inbox:
        inbox.claim([1], "test", time.time())
    assert receiver.count("reconcile_inbox_events") == 2
    assert receiver.count("reconcile_inbox_unclaimed_events") == 1
    assert 0 < receiver.count("reconcile_inbox_oldest_unclaimed_seconds") < 60
    assert receiver.count("reconcile_inbox_bytes") > 4096
    assert receiver.count("reconcile_webhook_signing_keys") == 1
    assert receiver.count("reconcile_inbox_readable") == 1
    assert receiver.count("reconcile_webhook_connections") == 1


def test_asking_often_costs_the_disk_nothing_more(receiver: Receiving) -> None:
    with receiver.client() as client:
        first = [client.ask(request("GET", "/metrics")).body for _ in range(2)]
        receiver.ask(delivery(1))
        again = client.ask(request("GET", "/metrics")).body
    events = re.compile(rb"reconcile_inbox_events (\d+)")
    assert events.findall(first[0] + first[1]) in ([b"0", b"0"],)
    assert events.findall(again) in ([b"0"], [b"1"])  # as it was at most a second ago
    wait_until(lambda: receiver.count("reconcile_inbox_events") == 1, "it is counted")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/events"])
def test_they_are_only_read(receiver: Receiving, path: str) -> None:
    answer = receiver.ask(request("DELETE", path))
    assert (answer.status, answer.headers["allow"]) == (405, "GET")


# ── the feed ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"]
)
def test_who_has_no_token_sees_nothing(receiver: Receiving, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}
    answer = receiver.get("/events", **headers)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert claim(receiver, {"cursors": []}, "wrong")[0] == 401


def test_without_a_token_of_its_own_the_feed_is_closed(tmp_path: Path) -> None:
    from reconciler.adapters.receiver.log import ServeLog

    log = ServeLog(list[str]().append, time.time)
    with running(Settings(tmp_path / "inbox.db", port=0), Secrets(SECRET), log) as url:
        receiver = Receiving(url, tmp_path / "inbox.db")
        for token in ("", TOKEN, "None"):
            assert receiver.get("/events", authorization=f"Bearer {token}").status == 403


def test_everything_page_by_page(receiver: Receiving) -> None:
    for number in range(1, 6):
        receiver.ask(delivery(number))
    seen, cursor = [], ""
    while page := receiver.feed(f"?limit=2&since={cursor}"):
        if not page["events"]:
            break
        assert len(page["events"]) <= 2
        assert page["events"][-1]["cursor"] == page["cursor"]
        seen += numbers(page)
        cursor = page["cursor"]
    assert seen == [f"msg_{number}" for number in range(1, 6)]
    assert receiver.feed(f"?since={cursor}")["cursor"] == cursor


def test_an_event_as_it_came(receiver: Receiving) -> None:
    receiver.ask(delivery(1, note="ü"))
    (one,) = receiver.feed()["events"]
    assert json.loads(one["body"]) == {
        "type": "provisioning.completed",
        "jobId": "pjb_1",
        "engineId": "eng_1",
        "note": "ü",
    }
    assert (one["webhookId"], one["operationId"], one["claimed"]) == ("msg_1", "op-1", False)
    assert one["signature"].startswith("v1,")
    assert abs(float(one["timestamp"]) - one["receivedAt"]) < 300


def test_a_reader_that_waits_is_told_at_once(receiver: Receiving) -> None:
    answers: list[Any] = []
    readers = [threading.Thread(target=lambda: answers.append(receiver.feed("?wait=50"))) for _ in range(8)]
    for reader in readers:
        reader.start()
    wait_until(lambda: receiver.count("reconcile_webhook_connections") >= 9, "all wait")
    assert answers == []
    start = time.monotonic()
    receiver.ask(delivery(1))
    for reader in readers:
        reader.join()
    assert time.monotonic() - start < 25  # of the 50
    assert [numbers(answer) for answer in answers] == [["msg_1"]] * 8


def test_what_another_process_stores_is_told_too(receiver: Receiving) -> None:
    answers: list[Any] = []
    reader = threading.Thread(target=lambda: answers.append(receiver.feed("?wait=50")))
    reader.start()
    wait_until(lambda: receiver.count("reconcile_webhook_connections") >= 2, "it waits")
    fill(receiver.inbox, [row(7)])
    reader.join()
    assert numbers(answers[0]) == ["msg_7"]


def test_a_wait_ends_with_nothing(receiver: Receiving) -> None:
    start = time.monotonic()
    assert receiver.feed("?wait=0.3")["events"] == []
    assert time.monotonic() - start >= 0.3


def test_the_end_of_the_receiver_answers_who_waits(tmp_path: Path) -> None:
    with receiving(tmp_path) as receiver:
        client = Client(receiver.url)
        client.send(request("GET", "/events?wait=60", {"authorization": f"Bearer {TOKEN}"}))
        wait_until(lambda: receiver.count("reconcile_webhook_connections") >= 2, "it waits")
        start = time.monotonic()
    assert time.monotonic() - start < 30
    with client:
        assert client.read().json["events"] == []
        assert client.closed()


def test_a_cursor_of_another_inbox_begins_at_the_start(receiver: Receiving) -> None:
    receiver.ask(delivery(1))
    assert numbers(receiver.feed("?since=0123456789abcdef-900")) == ["msg_1"]


@pytest.mark.parametrize(
    "query",
    [
        *(
            f"since={cursor}"
            for cursor in ("x", "7", "-7", "a-", "a-b", "a-1e3", "a_b-3", "a-" + "9" * 19, "%00-1")
        ),
        *(f"wait={value}" for value in ("-1", "x", "nan", "inf", "1e3", "1.2.3", "9" * 12)),
        *(f"limit={value}" for value in ("x", "-2", "%D9%A3")),
        "&".join(f"a={number}" for number in range(20)),
    ],
)
def test_odd_queries(receiver: Receiving, query: str) -> None:
    assert receiver.get(f"/events?{query}", authorization=f"Bearer {TOKEN}").status == 400


def test_claims_are_given_once(receiver: Receiving) -> None:
    for number in (1, 2, 3):
        receiver.ask(delivery(number))
    cursors = [one["cursor"] for one in receiver.feed()["events"]]
    assert claim(receiver, {"cursors": cursors[:2], "by": "run 1"}) == (200, {"claimed": cursors[:2]})
    assert claim(receiver, {"cursors": cursors, "by": "run 2"}) == (200, {"claimed": cursors[2:]})
    assert claim(receiver, {"cursors": ["0123456789abcdef-1"], "by": "run 3"}) == (200, {"claimed": []})
    assert [one["claimed"] for one in receiver.feed()["events"]] == [True] * 3
    assert [one.claimed_by for one in receiver.events()] == ["run 1", "run 1", "run 2"]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"no json", b"[]", b"{}", b"[" * 60_000, {"cursors": "a-1"}, {"cursors": [1]}, {"cursors": ["nonsense"]},
        {"cursors": [], "by": 7}, {"cursors": [], "by": "x" * 201}, {"cursors": [], "by": "a\nb"},
        {"cursors": ["a-1"] * 20_000},
    ],
    ids=lambda content: str(content)[:24],
)  # fmt: skip
def test_odd_claims(receiver: Receiving, content: Any) -> None:
    status, said = claim(receiver, content)
    assert status == (413 if len(str(content)) > 100_000 else 400)
    assert said["message"]


@pytest.mark.parametrize("limits", [Limits(readers=1)])
def test_more_readers_than_there_is_room_for(receiver: Receiving) -> None:
    with receiver.client() as first:
        first.send(request("GET", "/events?wait=60", {"authorization": f"Bearer {TOKEN}"}))

        def refused() -> bool:
            return receiver.get("/events?wait=0", authorization=f"Bearer {TOKEN}").status == 503

        wait_until(refused, "the one place is taken")
        receiver.ask(delivery(1))
        assert numbers(first.read().json) == ["msg_1"]
    assert receiver.feed()["events"]
