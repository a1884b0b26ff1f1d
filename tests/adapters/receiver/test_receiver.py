"""What becomes of a delivery, and what its sender is told: over real sockets, with either parser."""

from __future__ import annotations

import ipaddress
import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.receiver.intake import RESERVED, Rules
from reconciler.adapters.receiver.signing_secrets import Secrets
from reconciler.core.platform.webhook import MAX_BODY
from reconciler.sandbox.signing import new_secret
from tests.adapters.receiving import SECRET, Receiving, body_of, chunked, delivery, receiving, request, signed


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiving]:
    with receiving(tmp_path_factory.mktemp("inbox")) as running:
        yield running
        assert running.outcome("bug") == 0


_numbers = iter(range(1, 1_000_000))


def fresh() -> int:
    return next(_numbers)


def test_a_good_delivery_is_stored_once_however_often_it_comes(receiver: Receiving) -> None:
    number = fresh()
    first = receiver.ask(delivery(number))
    assert (first.status, first.body) == (204, b"")
    assert receiver.ask(delivery(number)).status == 204
    assert (
        receiver.ask(request("POST", "/", signed("msg_other", body_of(number)), body_of(number))).status
        == 204
    )
    (one,) = [one for one in receiver.events() if one.webhook_id == f"msg_{number}"]
    assert (one.operation_id, one.body) == (f"op-{number}", body_of(number))
    assert one.event is not None
    assert one.event.engine_id == f"eng_{number}"
    assert not [one for one in receiver.events() if one.webhook_id == "msg_other"]


def test_without_an_operation_in_the_path(receiver: Receiving) -> None:
    number = fresh()
    assert receiver.ask(delivery(number, "/")).status == 204
    assert receiver.events()[-1].operation_id is None


@pytest.mark.parametrize(
    ("body", "stored"),
    [
        (b'{"type": "something.new", "jobId": "pjb_new"}', True),
        (b'{"type": "something.else"}', False),
        (b"{}", False),
    ],
)
def test_unknown_types_are_taken_and_kept_where_they_name_a_job(
    receiver: Receiving, body: bytes, stored: bool
) -> None:
    name = f"msg_{fresh()}"
    assert receiver.ask(request("POST", "/", signed(name, body), body)).status == 204
    assert (name in [one.webhook_id for one in receiver.events()]) is stored


def test_several_signatures_of_which_one_is_right(receiver: Receiving) -> None:
    number = fresh()
    body = body_of(number)
    headers = signed(f"msg_{number}", body)
    headers["webhook-signature"] = f"v2,xyz v1,short v1,{'A' * 43}= {headers['webhook-signature']}"
    assert receiver.ask(request("POST", "/", headers, body)).status == 204


def _without(name: str) -> list[tuple[str, str]]:
    return [(key, value) for key, value in signed("msg_x", b"{}").items() if key != name]


def _with(name: str, value: str) -> list[tuple[str, str]]:
    return [*_without(name), (name, value)]


@pytest.mark.parametrize(
    "headers",
    [
        *(_without(name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature")),
        *(_with("webhook-timestamp", value) for value in ("", "now", "-1", "1e9", "0x12", "9" * 13, " ")),
        *(_with("webhook-id", value) for value in ("", "a b", "x" * 257, "é")),
        *(_with("webhook-signature", value) for value in ("", "x" * 4097, "v1,\xff")),
        [*signed("msg_x", b"{}").items(), ("webhook-id", "msg_x")],
        [],
    ],
    ids=lambda headers: " ".join(name for name, _ in headers[-1:]),  # values hold the time
)
def test_malformed_headers(receiver: Receiving, headers: list[tuple[str, str]]) -> None:
    answer = receiver.ask(request("POST", "/", headers, b"{}"))
    assert (answer.status, answer.json) == (400, {"message": "this is not a signed webhook"})


@pytest.mark.parametrize(
    "body", [b"no json", b"[]", b"7", b'"text"', b"null", b"\xff", b"[" * 50_000, b"{" * 50_000], ids=len
)
def test_what_is_rightly_signed_and_no_webhook(receiver: Receiving, body: bytes) -> None:
    assert receiver.ask(request("POST", "/", signed(f"msg_{fresh()}", body), body)).status == 400


@pytest.mark.parametrize("seconds", [-400, 400])
def test_too_old_or_too_early(receiver: Receiving, seconds: float) -> None:
    headers = signed("msg_old", body_of(0), moment=time.time() + seconds)
    answer = receiver.ask(request("POST", "/", headers, body_of(0)))
    assert (answer.status, "timestamp" in answer.json["message"]) == (401, True)


def test_another_secret_another_body_another_id(receiver: Receiving) -> None:
    body, before = body_of(fresh()), len(receiver.events())
    good = signed("msg_forged", body)
    tries = [
        (signed("msg_forged", body, new_secret()), body),
        (good, body + b" "),
        (good | {"webhook-id": "msg_forger"}, body),
        (good | {"webhook-timestamp": str(int(time.time()) - 7)}, body),
        (good | {"webhook-signature": "v1,AAAA"}, body),
    ]
    for headers, content in tries:
        answer = receiver.ask(request("POST", "/", headers, content))
        assert (answer.status, answer.json) == (401, {"message": "no signature matches"})
    assert len(receiver.events()) == before


def test_the_largest_body_is_taken_and_one_byte_more_is_not(receiver: Receiving) -> None:
    number = fresh()
    room = MAX_BODY - len(body_of(number, padding=""))
    for more, status in ((0, 204), (1, 413)):
        body = body_of(number, padding="x" * (room + more))
        assert len(body) == MAX_BODY + more
        headers = signed(f"msg_{number}_{more}", body)
        assert receiver.ask(request("POST", "/", headers, body)).status == status
        pieces = signed(f"msg_{number}_{more}_pieces", body) | {"transfer-encoding": "chunked"}
        assert receiver.ask(request("POST", "/", pieces, chunked(body, 10_000))).status == status


@pytest.mark.parametrize("length", ["262145", "1" + "0" * 11, "1" + "0" * 30])
def test_a_length_that_is_too_much_is_refused_before_the_body(receiver: Receiving, length: str) -> None:
    headers = signed("msg_long", b"") | {"content-length": length}
    assert receiver.ask(request("POST", "/", headers)).status in (400, 413)


@pytest.mark.parametrize("length", ["-1", "0x10", "1_0", "ten", "1 0", "+5", ""])
def test_a_length_that_is_none(receiver: Receiving, length: str) -> None:
    assert (
        receiver.ask(request("POST", "/", signed("msg_odd", b"") | {"content-length": length})).status == 400
    )


@pytest.mark.parametrize(
    "path",
    [
        "/a/b",
        "/a.b",
        "/a%20b",
        "/a%2fb",
        f"/{'a' * 129}",
        "//",
        "/%ff",
        "/%00",
        "/é",
        "/events/x",
    ],
)
def test_paths_that_are_no_operation(receiver: Receiving, path: str) -> None:
    body = body_of(0)
    assert receiver.ask(request("POST", path, signed("msg_p", body), body)).status in (400, 404)


@pytest.mark.parametrize("target", ["*", "http://", "http://receiver", "//", "?", "", "receiver:80", "/\x00"])
@pytest.mark.parametrize("method", ["POST", "GET", "OPTIONS", "CONNECT", "post"])
def test_odd_targets_are_answered(receiver: Receiving, method: str, target: str) -> None:
    assert receiver.ask(request(method, target)).status in (400, 404, 405)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_other_methods(receiver: Receiving, method: str) -> None:
    with receiver.client() as client:
        client.send(request(method, "/") + request("GET", "/healthz"))
        if method == "HEAD":  # has the length of a body, and no body
            client.send(b"")
            raw = client.socket.recv(65536)
            assert raw.startswith(b"HTTP/1.1 405 ")
            return
        answer = client.read()
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
        assert client.read().status == 200


def test_reserved_paths_are_never_operations(receiver: Receiving) -> None:
    body, before = body_of(fresh()), len(receiver.events())
    for path in sorted(RESERVED):
        answer = receiver.ask(request("POST", path, signed("msg_reserved", body), body))
        assert (answer.status, answer.headers["allow"]) == (405, "GET")
    assert len(receiver.events()) == before


def test_answers_say_little_about_the_program(receiver: Receiving) -> None:
    answer = receiver.ask(delivery(fresh()))
    assert set(answer.headers) == {"date", "cache-control"}


# ── what the disk refuses ──────────────────────────────────────────────────────────────────────────────────────────


def test_what_cannot_be_stored_is_asked_for_again(tmp_path: Path) -> None:
    with receiving(tmp_path) as receiver:
        assert receiver.ask(delivery(1)).status == 204
        other = sqlite3.connect(receiver.inbox, isolation_level=None)
        other.execute(
            "CREATE TRIGGER no BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'free some disk space'); END"
        )
        answer = receiver.ask(delivery(2))
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert receiver.get("/healthz").status == 200
        other.execute("DROP TRIGGER no")
        other.close()
        assert receiver.ask(delivery(2)).status == 204
        assert [one.webhook_id for one in receiver.events()] == ["msg_1", "msg_2"]
        assert [line for line in receiver.lines if "not stored" in line and "free some disk space" in line]


def test_no_secret_and_no_quarantine_is_our_fault_and_not_the_senders(tmp_path: Path) -> None:
    with receiving(tmp_path, secrets=Secrets("")) as receiver:
        assert receiver.ask(delivery(1)).status == 503
        assert receiver.get("/readyz").status == 503


# ── before there is a secret ───────────────────────────────────────────────────────────────────────────────────────


def test_quarantined_until_the_secret_is_there(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    with receiving(tmp_path, secrets=Secrets(file=file), rules=Rules(quarantine=True)) as receiver:
        forged = request("POST", "/op-2", signed("msg_2", body_of(2), new_secret()), body_of(2))
        assert [receiver.ask(one).status for one in (delivery(1), forged, delivery(1))] == [202, 202, 202]
        assert receiver.ask(request("POST", "/", signed("msg_3", b"[]"), b"[]")).status == 400
        assert receiver.events() == []
        assert receiver.feed()["events"] == []
        assert receiver.get("/readyz").status == 200
        assert receiver.outcome("quarantined") == 3
        file.write_text(SECRET)
        answer = receiver.feed("?wait=30")
        assert [one["webhookId"] for one in answer["events"]] == ["msg_1"]
        assert receiver.ask(forged).status == 401  # from now on it is judged
        assert receiver.ask(delivery(1)).status == 204
        assert [one.webhook_id for one in receiver.events()] == ["msg_1"]


def test_a_quarantine_has_an_end(tmp_path: Path) -> None:
    with receiving(tmp_path, secrets=Secrets(""), rules=Rules(quarantine=True, quarantined=2)) as receiver:
        assert [receiver.ask(delivery(number)).status for number in (1, 2, 3)] == [202, 202, 503]
        assert [line for line in receiver.lines if "quarantine is full" in line]


# ── behind a proxy ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_prefix_that_the_proxy_leaves(tmp_path: Path) -> None:
    with receiving(tmp_path, rules=Rules(prefix="/hooks")) as receiver:
        assert receiver.ask(delivery(1, "/hooks/op-1")).status == 204
        assert receiver.ask(delivery(2, "/hooks")).status == 204
        assert receiver.ask(delivery(3, "/hooks/")).status == 204
        assert receiver.ask(delivery(4, "/hooksop-4")).status == 404
        assert [one.operation_id for one in receiver.events()] == ["op-1", None, None]
        assert receiver.get("/hooks/healthz").status == 200
        assert receiver.get("/healthz").status == 200


@pytest.mark.parametrize(
    ("trusted", "forwarded", "client"),
    [
        ([], "203.0.113.9", "127.0.0.1"),
        (["10.0.0.0/8"], "203.0.113.9", "127.0.0.1"),
        (["127.0.0.1/32"], None, "127.0.0.1"),
        (["127.0.0.1/32"], "203.0.113.9", "203.0.113.9"),
        (["127.0.0.1/32"], "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (["127.0.0.0/8", "10.0.0.0/8"], "203.0.113.9, 10.1.2.3", "203.0.113.9"),
        (["127.0.0.1/32"], "2001:db8::1", "2001:db8::1"),
        (["127.0.0.1/32", "::ffff:0:0/96"], "not an address", "unknown"),
        (["127.0.0.1/32"], "SECRET-LOOKING", "unknown"),
    ],
)
def test_whom_the_log_names(tmp_path: Path, trusted: list[str], forwarded: str | None, client: str) -> None:
    proxies = tuple(ipaddress.ip_network(network) for network in trusted)
    with receiving(tmp_path, rules=Rules(proxies=proxies)) as receiver:
        headers = signed("msg_1", body_of(1))
        more = {} if forwarded is None else {"x-forwarded-for": forwarded}
        assert receiver.ask(request("POST", "/", headers | more, body_of(1))).status == 204
        (line,) = [json.loads(line) for line in receiver.lines if '"stored"' in line]
        assert line["client"] == client


def test_the_address_of_one_who_comes_by_ipv4_to_a_socket_for_both(tmp_path: Path) -> None:
    rules = Rules(proxies=(ipaddress.ip_network("127.0.0.1/32"),))
    with receiving(tmp_path, host="::", rules=rules) as receiver:
        receiver.url = receiver.url.replace("[::]", "127.0.0.1")
        headers = signed("msg_1", body_of(1)) | {"x-forwarded-for": "203.0.113.9"}
        assert receiver.ask(request("POST", "/", headers, body_of(1))).status == 204
        assert '"client": "203.0.113.9"' in receiver.lines[-1]


# ── the log ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_line_for_each_delivery_and_only_believed_ones_are_named(tmp_path: Path) -> None:
    with receiving(tmp_path) as receiver:
        receiver.ask(delivery(1))
        receiver.ask(delivery(1))
        receiver.ask(request("POST", "/op-9", signed("msg_9", body_of(9), new_secret()), body_of(9)))
        receiver.ask(request("POST", "/op-9", {"authorization": "Bearer hush"}, b"hush"))
        lines = [json.loads(line) for line in receiver.lines]
    assert [(line["level"], line["event"]) for line in lines] == [
        ("info", "stored"),
        ("info", "duplicate"),
        ("warning", "bad_signature"),
        ("warning", "malformed"),
    ]
    assert [line.get("job") for line in lines] == ["pjb_1", "pjb_1", None, None]
    assert lines[0]["operation"] == "op-1"
    assert lines[0]["time"].endswith("Z")
    assert "hush" not in str(lines)
    assert "eng_" not in str(lines)


def test_a_log_that_cannot_be_written_stops_no_delivery(tmp_path: Path) -> None:
    from reconciler.adapters.receiver.log import ServeLog
    from reconciler.adapters.receiver.server import Settings
    from reconciler.adapters.receiver.thread import running

    def gone(line: str) -> None:
        raise BrokenPipeError(line)

    inbox = tmp_path / "inbox.db"
    with running(Settings(inbox, port=0), Secrets(SECRET), ServeLog(gone, time.time)) as url:
        receiver = Receiving(url, inbox)
        assert receiver.ask(delivery(1)).status == 204
        assert receiver.outcome("bug") == 0
