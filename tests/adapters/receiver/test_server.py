"""The receiver as it runs for months: a process with flags, a secret file, certificates, signals, and a disk."""

from __future__ import annotations

import contextlib
import resource
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
from pathlib import Path

import pytest

from reconciler.cli.main import main
from reconciler.sandbox.signing import new_secret
from tests.adapters.far_ends import Certificate, make_certificate
from tests.adapters.receiving import (
    LIMIT,
    SECRET,
    TOKEN,
    Client,
    body_of,
    delivery,
    request,
    signed,
    wait_until,
)
from tests.adapters.serving import command, serving, variables

# ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_coming_in_is_still_taken(tmp_path: Path, number: int) -> None:
    with serving(tmp_path) as served, served.client() as client, served.client() as idle:
        data = delivery(1)
        client.send(data[:-10])
        wait_until(lambda: served.count("reconcile_webhook_connections") >= 3, "they are seen")
        served.process.send_signal(number)
        assert idle.closed()
        with pytest.raises(OSError, match="refused"):
            served.client()
        client.send(data[-10:])
        assert client.read().status == 204
        assert client.closed()
        assert served.process.wait(LIMIT) == 0
        assert [one.webhook_id for one in served.events()] == ["msg_1"]


def test_what_waits_for_the_disk_is_still_stored_and_answered(tmp_path: Path) -> None:
    with serving(tmp_path) as served, served.client() as client:
        other = sqlite3.connect(served.inbox, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # another process writes, and takes its time
        client.send(delivery(1))
        wait_until(lambda: served.count("reconcile_webhook_waiting_deliveries") == 1, "it waits")
        served.process.send_signal(signal.SIGTERM)
        wait_until(lambda: _refused(served.url), "it takes no more")
        other.execute("COMMIT")
        other.close()
        assert client.read().status == 204
        assert served.process.wait(LIMIT) == 0
        assert [one.webhook_id for one in served.events()] == ["msg_1"]


def test_its_end_does_not_wait_for_upkeep_that_waits_for_the_disk(tmp_path: Path) -> None:
    first, second = new_secret(), new_secret()
    (tmp_path / "secret").write_text(first)
    with serving(tmp_path, "--secret-file", "secret", LINGO_WEBHOOK_SECRET="") as served:
        other = sqlite3.connect(served.inbox, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        (tmp_path / "new").write_text(second)
        (tmp_path / "new").replace(tmp_path / "secret")
        wait_until(lambda: served.logged("signing secrets changed"), "upkeep writes")
        failed = len(served.logged("upkeep failed"))  # cleaning up, which came before
        served.process.send_signal(signal.SIGTERM)
        wait_until(lambda: _refused(served.url), "it takes no more")
        assert len(served.logged("upkeep failed")) == failed, "it still waits"
        other.execute("COMMIT")
        other.close()
        assert served.process.wait(LIMIT) == 0


def _refused(url: str) -> bool:
    try:
        Client(url).close()
    except ConnectionRefusedError:
        return True
    return False


def test_its_port_is_free_at_once_and_its_inbox_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        assert served.ask(delivery(1)).status == 204
        port = served.url.rpartition(":")[2]
    with serving(tmp_path, "--listen", f"127.0.0.1:{port}") as served:
        assert served.ask(delivery(1)).status == 204
        assert served.ask(delivery(2)).status == 204
        assert [one.webhook_id for one in served.events()] == ["msg_1", "msg_2"]
        assert [len(served.logged(event)) for event in ("stored", "duplicate")] == [1, 1]


# ── the secret's file ──────────────────────────────────────────────────────────────────────────────────────────────


def test_secrets_change_without_a_restart(tmp_path: Path) -> None:
    first, second, file = new_secret(), new_secret(), tmp_path / "secret"
    file.write_text(first)

    def status(number: int, secret: str) -> int:
        body = body_of(number)
        return served.ask(request("POST", "/", signed(f"msg_{number}", body, secret), body)).status

    def replaced_by(text: str) -> None:
        (tmp_path / "new").write_text(text)
        (tmp_path / "new").replace(file)

    with serving(tmp_path, "--secret-file", str(file), LINGO_WEBHOOK_SECRET="") as served:
        assert [status(1, first), status(2, second)] == [204, 401]
        replaced_by(f"{first}\n{second}\n")
        wait_until(lambda: status(2, second) == 204, "the new one is known")
        assert status(3, first) == 204
        replaced_by("whsec_" + "!" * 40)
        wait_until(lambda: served.logged("upkeep failed"), "it is told")
        assert [status(4, first), status(5, second)] == [204, 204]
        file.unlink()
        replaced_by(second)
        wait_until(lambda: status(6, first) == 401, "the old one is gone")
        assert status(7, second) == 204
    for hidden in (first, second, "!!!!"):
        assert hidden not in served.log


def test_from_quarantine_to_the_inbox(tmp_path: Path) -> None:
    words = ("--quarantine", "--secret-file", "secret")
    with serving(tmp_path, *words, LINGO_WEBHOOK_SECRET="") as served:
        assert served.ask(delivery(1)).status == 202
    with serving(tmp_path, *words, LINGO_WEBHOOK_SECRET="") as served:  # it outlives a restart
        assert served.events() == []
        (tmp_path / "secret").write_text(SECRET + "\n")
        wait_until(lambda: served.logged("quarantine verified"), "it is verified")
        assert len(served.events()) == 1
        assert served.logged("quarantine verified")[0]["stored"] == 1


# ── the disk ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_disk_that_is_full_for_a_while(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        assert served.ask(delivery(0)).status == 204
        log = served.inbox.with_name("inbox.db-wal").stat().st_size
        hard = resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (log, hard))
        full = [served.ask(delivery(number, padding="x" * 100_000)).status for number in range(1, 5)]
        assert full == [503] * 4
        wait_until(lambda: served.get("/readyz").status == 503, "it says so")
        assert served.get("/healthz").status == 200
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        again = [served.ask(delivery(number, padding="x" * 100_000)).status for number in range(1, 5)]
        assert again == [204] * 4
        wait_until(lambda: served.get("/readyz").status == 200, "it is well again")
        assert sorted(one.webhook_id for one in served.events()) == [f"msg_{number}" for number in range(5)]


# ── crowds ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_thousand_idle_and_slow_ones_and_huge_bodies_stop_no_good_delivery(tmp_path: Path) -> None:
    with serving(tmp_path) as served, contextlib.ExitStack() as crowd:
        assert served.ask(delivery(9999)).status == 204
        before = served.memory()
        for number in range(1000):
            client = crowd.enter_context(served.client())
            client.send([b"", b"POST / HTTP/1.1\r\n", delivery(number)[:-1]][number % 3])
        huge = [crowd.enter_context(served.client()) for _ in range(4)]
        for client in huge:
            headers = signed("msg_huge", b"") | {"transfer-encoding": "chunked"}
            client.send(request("POST", "/", headers))
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        sent = 0
        for number in range(400):  # 4 x 25 MB
            for client in huge:
                with contextlib.suppress(ConnectionError):
                    client.send(chunk)
                    sent += 1
            if number % 40 == 0:
                assert served.ask(delivery(number)).status == 204
        assert sent < 4 * 100  # they are cut off long before
        assert served.count('reconcile_webhook_connections_closed_total{reason="too_many"}') == 0
        assert served.memory() - before < 60_000
        assert len(served.events()) == 11


# ── TLS ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def trusting(certificate: Certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate.file))


def put(certificate: Certificate, folder: Path) -> None:
    """As an ACME client does it."""
    for file, name in ((certificate.key, "tls.key"), (certificate.file, "tls.crt")):
        shutil.copy(file, folder / "copied")
        (folder / "copied").replace(folder / name)


def test_https_with_certificates_that_are_renewed(tmp_path: Path) -> None:
    made = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        made.append(make_certificate(tmp_path / name))
    first, second = made
    put(first, tmp_path)
    words = ("--tls-cert", "tls.crt", "--tls-key", "tls.key", "--request-timeout", "1s")
    with serving(tmp_path, *words) as served:
        assert served.url.startswith("https://127.0.0.1:")
        with Client(served.url, trusting(first)) as client:
            assert client.ask(delivery(1)).status == 204
            with pytest.raises(ssl.SSLError):
                Client(served.url, trusting(second))
        with socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2]))) as silent:
            silent.settimeout(LIMIT)
            assert silent.recv(1) == b""  # does not shake hands in time
        put(second, tmp_path)
        wait_until(lambda: served.logged("certificate changed"), "it is used")
        (tmp_path / "tls.crt").write_text("no certificate")
        wait_until(lambda: served.logged("upkeep failed"), "it is told")
        with Client(served.url, trusting(second)) as client:
            assert client.ask(delivery(2)).status == 204
        assert [one.webhook_id for one in served.events()] == ["msg_1", "msg_2"]


# ── what cannot be ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "env", "code", "said"),
    [
        ((), {}, 64, "--inbox"),
        (("--inbox", "i.db", "--listen", "nonsense"), {}, 64, "HOST:PORT"),
        (("--inbox", "i.db", "--listen", "127.0.0.1:70000"), {}, 64, "HOST:PORT"),
        (("--inbox", "i.db", "--listen", "::1:80"), {}, 64, "HOST:PORT"),
        (("--inbox", "i.db", "--listen", "no.such.host.invalid:0"), {}, 64, "cannot listen on"),
        (("--inbox", "i.db", "--listen", "203.0.113.1:0"), {}, 64, "cannot listen on"),
        (("--inbox", "i.db", "--tolerance", "soon"), {}, 64, "--tolerance"),
        (("--inbox", "i.db", "--tolerance", "9h"), {}, 64, "--tolerance must be from"),
        (("--inbox", "i.db", "--request-timeout", "0s"), {}, 64, "--request-timeout"),
        (("--inbox", "i.db", "--keep", "1m"), {}, 64, "--keep must be from"),
        (("--inbox", "i.db", "--prefix", "hooks"), {}, 64, "--prefix must be a path"),
        (("--inbox", "i.db", "--trusted-proxy", "10.0.0.1/8"), {}, 64, "is not an address or network"),
        (("--inbox", "i.db", "--trusted-proxy", "proxy.example"), {}, 64, "is not an address or network"),
        (("--inbox", "i.db", "--tls-cert", "c.pem"), {}, 64, "go together"),
        (("--inbox", "i.db", "--tls-cert", "c", "--tls-key", "k"), {}, 64, "cannot use the certificate c"),
        (
            ("--inbox", "i.db", "--tls-cert", "text", "--tls-key", "text"),
            {},
            64,
            "cannot use the certificate",
        ),
        (("--inbox", "i.db", "--log-format", "xml"), {}, 64, "xml"),
        (("--inbox", "i.db"), {"LINGO_WEBHOOK_SECRET": ""}, 3, "no signing secret is set"),
        (("--inbox", "i.db"), {"LINGO_WEBHOOK_SECRET": "whsec_AAAA"}, 3, "LINGO_WEBHOOK_SECRET is not a"),
        (("--inbox", "i.db"), {"LINGO_WEBHOOK_SECRET": "hush-hush"}, 3, "LINGO_WEBHOOK_SECRET is not a"),
        (("--inbox", "i.db", "--secret-file", "text"), {}, 3, "text"),
        (("--inbox", "i.db", "--secret-file", "."), {}, 1, "cannot read"),
        (("--inbox", "i.db"), {"RECONCILE_INBOX_TOKEN": "short"}, 3, "RECONCILE_INBOX_TOKEN must be"),
        (("--inbox", "i.db"), {"RECONCILE_INBOX_TOKEN": "with blanks in the middle"}, 3, "must be"),
        (("--inbox", "text"), {}, 3, "text is not an inbox"),
        (("--inbox", "other.db"), {}, 3, "is a database, but not an inbox"),
        (("--inbox", "."), {}, 1, "cannot open the inbox"),
        (("--inbox", "no/such/folder/i.db"), {}, 1, "cannot open the inbox"),
        (("--inbox", "i.db", "-C", "nowhere"), {}, 64, "nowhere"),
        (("--inbox", "i.db", "more"), {}, 64, "more"),
    ],
)
def test_bad_flags_and_settings(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    env: dict[str, str],
    code: int,
    said: str,
) -> None:
    (tmp_path / "text").write_text(
        "hush-hush and more of it, which is no secret and no database at all\n" * 9
    )
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE things (name TEXT)")
    for name, value in variables(**env).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    listen = () if "--listen" in words else ("--listen", "127.0.0.1:0")
    ended = main(["webhook", "serve", *listen, *words])
    out, err = capfd.readouterr()
    assert (ended, out) == (code, ""), err
    check_refusal(err, said)
    assert not (tmp_path / "i.db").exists()


def check_refusal(err: str, said: str) -> None:
    assert said in err
    assert "Traceback" not in err
    assert "bug" not in err
    assert len([line for line in err.splitlines() if "error" in line.lower()]) == 1
    for hidden in (SECRET, TOKEN, "hush-hush", "whsec_AAAA", "with blanks in"):
        assert hidden not in err


def test_a_refusal_as_a_process(tmp_path: Path) -> None:
    words = ("--inbox", "i.db", "--listen", "127.0.0.1:0")
    done = subprocess.run(
        command(*words),
        env=variables(LINGO_WEBHOOK_SECRET="hush-hush"),
        cwd=tmp_path,
        capture_output=True,
        timeout=LIMIT,
    )
    assert (done.returncode, done.stdout) == (3, b"")
    check_refusal(done.stderr.decode(), "LINGO_WEBHOOK_SECRET is not a signing secret")


def test_two_receivers_on_one_port(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        words = ("--inbox", "second.db", "--listen", served.url.removeprefix("http://"))
        done = subprocess.run(
            command(*words), env=variables(), cwd=tmp_path, capture_output=True, timeout=LIMIT
        )
        assert (done.returncode, b"cannot listen on" in done.stderr) == (64, True)
        assert not (tmp_path / "second.db").exists()
        assert served.ask(delivery(1)).status == 204
