"""The two ends that read an inbox for a run: the file itself, and a receiver on another machine."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from reconciler.adapters.inbox.feed import InboxFeed
from reconciler.adapters.inbox.remote import RemoteInbox
from reconciler.adapters.inbox.sqlite.reading import SqliteInbox as Inbox
from reconciler.adapters.inbox.sqlite.store import SqliteStore
from reconciler.core.errors import InvalidInput, PlatformError
from reconciler.core.platform.webhook import Event
from tests.adapters.deliveries import fill, row
from tests.adapters.far_ends import Answering, answers, far_end, hangs_up_after, raw

TOKEN = "a-token-that-nobody-may-see"


async def first(count: int, events: AsyncIterator[Event]) -> list[Event]:
    found: list[Event] = []
    async with asyncio.timeout(60):
        async for event in events:
            found.append(event)
            if len(found) == count:
                break
    await events.aclose()  # type: ignore[attr-defined] # a generator
    return found


def jobs(events: list[Event]) -> list[str | None]:
    return [event.job_id for event in events]


# ── the file ───────────────────────────────────────────────────────────────────────────────────────────────────────


def feed(path: Path) -> InboxFeed:
    return InboxFeed(SqliteStore(path), "test host 1", lambda: 1_700_000_000.0)


def test_what_waits_is_read_page_by_page_and_claimed_once(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    fill(path, [row(number) for number in range(450)])
    reader = feed(path)
    waiting = reader.waiting()
    assert [one.event.job_id for one in waiting] == [f"pjb_{number}" for number in range(450)]
    assert waiting[7].event.operation_id == "op-7"
    reader.claim(waiting[:448])
    assert [one.event.job_id for one in reader.waiting()] == ["pjb_448", "pjb_449"]
    reader.close()
    with Inbox(path) as inbox:
        assert inbox.events_since(0, 1)[0].claimed_by == "test host 1"


def test_what_comes_in_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    fill(path, [row(1)])
    reader = feed(path)

    async def scene() -> list[Event]:
        following = reader.follow()
        before = [await anext(following)]
        waiting: asyncio.Task[Event] = asyncio.create_task(following.__anext__())  # type: ignore[arg-type] # it is one
        await asyncio.sleep(0)
        await asyncio.to_thread(fill, path, [row(2), row(3)])
        async with asyncio.timeout(60):
            return [*before, await waiting, *await first(1, following)]

    assert jobs(asyncio.run(scene())) == ["pjb_1", "pjb_2", "pjb_3"]
    reader.close()


def test_without_an_inbox_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        feed(tmp_path / "inbox.db")
    assert "reconcile webhook serve --inbox" in (caught.value.hint or "")
    assert not (tmp_path / "inbox.db").exists()


# ── a receiver on another machine ──────────────────────────────────────────────────────────────────────────────────


def shown(number: int, **more: Any) -> dict[str, Any]:
    body = json.dumps(
        {"type": "provisioning.completed", "jobId": f"pjb_{number}", "engineId": f"eng_{number}"}
    )
    return {"cursor": f"ab-{number}", "operationId": f"op-{number}", "claimed": False, "body": body} | more


def page(*events: Any, cursor: Any = "ab-9", **more: Any) -> bytes:
    return raw(200, json.dumps({"events": list(events), "cursor": cursor, **more}).encode())


def remote(url: str) -> RemoteInbox:
    return RemoteInbox(url, TOKEN, "test host 1", random.Random(1).random)


def test_its_feed_is_read_with_the_token_to_the_end() -> None:
    async def scene() -> None:
        pages = answers(page(shown(1), shown(2, claimed=True), shown(3, body="{")), page(shown(4)), page())
        async with far_end(pages) as end:
            waiting = await asyncio.to_thread(remote(f"{end.url}/hooks/").waiting)
            assert [(one.id, one.event.job_id) for one in waiting] == [("ab-1", "pjb_1"), ("ab-4", "pjb_4")]
            assert {request.headers["authorization"] for request in end.requests} == {f"Bearer {TOKEN}"}
            asked = [urlsplit(request.path) for request in end.requests]
            assert {one.path for one in asked} == {"/hooks/events"}
            assert [parse_qs(one.query).get("since") for one in asked] == [None, ["ab-9"], ["ab-9"]]

    asyncio.run(scene())


def test_it_is_followed_through_trouble() -> None:
    async def scene() -> list[Event]:
        trouble = answers(raw(502, b"<html>"), page(shown(1)), raw(503, b"{}"), page(shown(2)))
        async with far_end(trouble) as end:
            return await first(2, remote(end.url).follow())

    assert jobs(asyncio.run(scene())) == ["pjb_1", "pjb_2"]


def test_claims_go_out_in_parcels() -> None:
    async def scene() -> list[int]:
        claimed = raw(200, b'{"claimed": []}')
        async with far_end(answers(page(*(shown(number) for number in range(700))), page(), claimed)) as end:
            receiver = remote(end.url)
            waiting = await asyncio.to_thread(receiver.waiting)
            await asyncio.to_thread(receiver.claim, waiting)
            posts = [request for request in end.requests if request.method == "POST"]
            assert {request.path for request in posts} == {"/events/claim"}
            bodies = [json.loads(request.body) for request in posts]
            assert {body["by"] for body in bodies} == {"test host 1"}
            return [len(body["cursors"]) for body in bodies]

    assert asyncio.run(scene()) == [500, 200]


@pytest.mark.parametrize(
    ("answering", "said"),
    [
        (answers(raw(401, b'{"message": "no"}')), "refused the token (HTTP 401)"),
        (answers(raw(403)), "refused the token (HTTP 403)"),
        (answers(raw(404, b"not here")), "answer cannot be read (HTTP 404)"),
        (answers(raw(302, b"", "Location: http://127.0.0.1:9/")), "answer cannot be read (HTTP 302)"),
        (answers(raw(200, b"<html>")), "answer cannot be read (HTTP 200)"),
        (answers(raw(200, b"[" * 100_000)), "answer cannot be read"),
        (answers(raw(200, b'{"events": {}}')), "answer cannot be read"),
        (answers(page(7)), "answer cannot be read"),
        (answers(page(shown(1), cursor=None)), "answer cannot be read"),
        (answers(raw(200, b"\xff\xfe")), "answer cannot be read"),
        (hangs_up_after(b""), "cannot be reached"),
        (hangs_up_after(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort"), "cannot be reached"),
    ],
)
def test_what_is_no_receiver_is_told_in_one_message(answering: Answering, said: str) -> None:
    async def scene() -> None:
        async with far_end(answering) as end:
            with pytest.raises(PlatformError) as caught:
                await asyncio.to_thread(remote(end.url).waiting)
        assert said in caught.value.message
        assert caught.value.hint
        assert TOKEN not in repr(caught.value) + caught.value.message

    asyncio.run(scene())


def test_nobody_there() -> None:
    with pytest.raises(PlatformError, match="cannot be reached"):
        remote("http://127.0.0.1:9").waiting()
