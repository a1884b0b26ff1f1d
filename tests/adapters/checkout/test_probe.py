"""The looks of `doctor` at a platform and a remote that are not as they should be."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from pathlib import Path

import pytest

from reconciler.adapters.checkout.probe import check_push, merge_driver_here, read_lease
from reconciler.adapters.platform.probe import Seen, look_at_platform
from reconciler.adapters.system.timeouts import run_bounded
from reconciler.core.errors import InvalidInput, PlatformError, PushRefused, RemoteUnreachable
from reconciler.core.ledger import lease
from reconciler.core.ledger.lease import FREE, Holder, UnreadableLease
from tests.adapters.far_ends import (
    KEY,
    Answering,
    FarEnd,
    answers,
    far_end,
    hangs_up_after,
    raw,
    says_nothing,
)
from tests.adapters.git_far_end import LEDGER, clone, http_answering, ledger_of, new_origin, odd_refs, tip
from tests.app.git_repo import commit_all, git

DATE = "Tue, 24 Nov 2026 11:08:13 GMT"


def look(answering: Answering, key: str | None = KEY, seconds: float = 20.0) -> tuple[Seen, FarEnd]:
    async def run() -> tuple[Seen, FarEnd]:
        async with far_end(answering) as end:
            return await asyncio.to_thread(look_at_platform, end.url, key, seconds), end

    return asyncio.run(run())


def test_what_is_asked_and_seen() -> None:
    seen, end = look(answers(raw(200, b"{}", f"Date: {DATE}")))
    [request] = end.requests
    assert (request.method, request.path) == ("GET", "/users/me")
    assert request.headers["x-api-key"] == KEY
    assert seen.status == 200
    assert seen.theirs == 1795518493.0
    assert abs(seen.ours - time.time()) < 60


def test_without_a_key_none_is_sent() -> None:
    seen, end = look(answers(raw(401)), None)
    assert "x-api-key" not in end.requests[0].headers
    assert (seen.status, seen.theirs) == (401, None)


def test_a_redirect_is_not_followed() -> None:
    seen, end = look(answers(raw(302, b"", "Location: /elsewhere", "Date: yesterday")))
    assert (seen.status, seen.theirs, len(end.requests)) == (302, None, 1)


@pytest.mark.parametrize(
    ("answering", "said"),
    [
        (says_nothing, "did not answer within"),
        (hangs_up_after(b"SSH-2.0-OpenSSH\r\n"), "does not speak HTTP"),
        (hangs_up_after(b""), "does not speak HTTP"),
    ],
)
def test_what_is_no_platform(answering: Answering, said: str) -> None:
    with pytest.raises(PlatformError, match=said) as raised:
        look(answering, seconds=0.5)
    assert raised.value.hint
    assert KEY not in str(raised.value)


def test_nothing_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(PlatformError, match="refuses connections"):
            look_at_platform(f"http://127.0.0.1:{taken.getsockname()[1]}", KEY, 5.0)


@pytest.mark.parametrize(
    ("url", "key"),
    [("http://platform.example", KEY), ("ftp://127.0.0.1", KEY), ("http://127.0.0.1:9", "two\nlines")],
)
def test_where_a_key_must_not_go(url: str, key: str) -> None:
    with pytest.raises(InvalidInput):
        look_at_platform(url, key, 5.0)


def test_a_push_that_would_get_through_creates_nothing(tmp_path: Path) -> None:
    origin = new_origin(tmp_path)
    folder = clone(origin)
    before = git(origin, "for-each-ref"), git(folder, "for-each-ref"), git(folder, "count-objects", "-v")
    check_push(ledger_of(folder), 30.0)
    assert (
        git(origin, "for-each-ref"),
        git(folder, "for-each-ref"),
        git(folder, "count-objects", "-v"),
    ) == before


def test_a_push_by_a_stranger_is_refused(tmp_path: Path) -> None:
    folder = clone(new_origin(tmp_path))
    with http_answering(403) as (port, seen):
        git(folder, "remote", "set-url", "origin", f"http://user:secret-word@127.0.0.1:{port}/repo.git")
        with pytest.raises(PushRefused, match="403") as raised:
            check_push(ledger_of(folder), 30.0)
    assert "secret-word" not in str(raised.value)
    assert any("git-receive-pack" in request[":path"] for request in seen)


def test_a_push_to_nowhere(tmp_path: Path) -> None:
    folder = clone(new_origin(tmp_path))
    git(folder, "remote", "set-url", "origin", "file:///no/such/place")
    with pytest.raises(RemoteUnreachable):
        check_push(ledger_of(folder), 30.0)


def test_the_lease_is_read(tmp_path: Path) -> None:
    folder = clone(new_origin(tmp_path))
    ledger = ledger_of(folder)
    assert read_lease(ledger, None) == FREE
    held = lease.take(FREE, Holder("host", 7), "token", "2026-11-24T11:00:00.000Z", 300)
    made = ledger.record(ledger.look(), (), held)
    other = ledger_of(clone(tmp_path / "origin.git", "other"))
    assert read_lease(other, made.ledger_tip) == held
    assert all(ref.startswith("refs/reconcile-remote/") for ref in odd_refs(tmp_path / "other"))


def test_a_lease_that_is_none(tmp_path: Path) -> None:
    origin = new_origin(tmp_path)
    seed = tmp_path / "seed"
    (seed / "lease.json").write_text("nonsense")
    commit_all(seed, "it was overwritten")
    git(seed, "push", "--quiet", "origin", f"HEAD:{LEDGER}")
    ledger = ledger_of(clone(origin))
    with pytest.raises(UnreadableLease):
        read_lease(ledger, tip(origin, LEDGER))


def test_the_merge_driver(tmp_path: Path) -> None:
    folder = clone(new_origin(tmp_path))
    assert merge_driver_here(folder, "engines.lock.json") == (False, None)
    command = "/usr/bin/reconcile lockfile merge %O %A %B %P"
    git(folder, "config", "merge.reconcile-lockfile.driver", command)
    assert merge_driver_here(folder, "engines.lock.json") == (False, command)
    (folder / ".gitattributes").write_text("*.lock.json merge=reconcile-lockfile\n")
    assert merge_driver_here(folder, "engines.lock.json") == (True, command)
    assert merge_driver_here(folder, "other.json") == (False, command)


def test_calls_run_side_by_side_and_not_for_ever() -> None:
    both = threading.Barrier(2, timeout=60)
    assert [result is not None for result in run_bounded([both.wait, both.wait], 60)] == [True, True]
    never = threading.Event()
    assert run_bounded([never.wait, lambda: True], 0.2) == [None, True]
    never.set()


def test_what_a_call_raises_is_raised() -> None:
    def fails() -> None:
        raise InvalidInput("no")

    with pytest.raises(InvalidInput, match="no"):
        run_bounded([fails, lambda: None], 60)
