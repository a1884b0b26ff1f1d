"""A receiver that another program runs beside its own work."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import httpx
import pytest

from reconciler.adapters.inbox.sqlite.reading import SqliteInbox as Inbox
from reconciler.adapters.receiver.log import ServeLog
from reconciler.adapters.receiver.server import Settings
from reconciler.adapters.receiver.signing_secrets import Secrets
from reconciler.adapters.receiver.thread import running
from reconciler.core.errors import InvalidInput, UsageError
from reconciler.sandbox.signing import new_secret, signature
from tests import plain_http

SECRET = new_secret()


def log_into(lines: list[str]) -> ServeLog:
    return ServeLog(lines.append, time.time)


def deliver(url: str, number: int) -> int:
    body, moment = f'{{"type": "provisioning.completed", "jobId": "pjb_{number}"}}'.encode(), int(time.time())
    headers = {
        "webhook-id": f"msg_{number}",
        "webhook-timestamp": str(moment),
        "webhook-signature": signature(SECRET, f"msg_{number}", moment, body),
    }
    return plain_http.post(f"{url}/op-{number}", content=body, headers=headers, trust_env=False).status_code


def test_it_takes_deliveries_until_the_block_ends(tmp_path: Path) -> None:
    inbox, lines = tmp_path / "inbox.db", list[str]()
    before = threading.active_count()
    with running(Settings(inbox, port=0), Secrets(SECRET), log_into(lines)) as url:
        assert [deliver(url, number) for number in (1, 2, 2)] == [204, 204, 204]
    assert threading.active_count() == before
    with pytest.raises(httpx.ConnectError):
        deliver(url, 3)
    with Inbox(inbox) as stored:
        assert [one.operation_id for one in stored.events_since()] == ["op-1", "op-2"]
    assert SECRET not in "\n".join(lines)


def test_an_exception_in_the_block_ends_it_too(tmp_path: Path) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        running(Settings(tmp_path / "i.db", port=0), Secrets(SECRET), log_into([])),
    ):
        raise ZeroDivisionError
    assert "webhook receiver" not in {thread.name for thread in threading.enumerate()}


def test_what_keeps_it_from_beginning_is_raised(tmp_path: Path) -> None:
    with running(Settings(tmp_path / "i.db", port=0), Secrets(SECRET), log_into([])) as url:
        taken = Settings(tmp_path / "i.db", port=int(url.rpartition(":")[2]))
        with pytest.raises(UsageError, match="cannot listen"), running(taken, Secrets(SECRET), log_into([])):
            raise AssertionError("it began")
    (tmp_path / "other.db").write_text("no database, " * 100)
    with (
        pytest.raises(InvalidInput, match="is not an inbox"),
        running(Settings(tmp_path / "other.db", port=0), Secrets(SECRET), log_into([])),
    ):
        raise AssertionError("it began")
