"""Something between us and PostgreSQL: what passes notifications on is used, and what swallows them is refused."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.inbox.port import Store
from reconciler.adapters.inbox.postgres import bell
from reconciler.adapters.inbox.postgres.store import PostgresStore
from reconciler.core.errors import InvalidInput
from reconciler.core.settings.postgres_url import parse_postgres
from tests.adapters.deliveries import row
from tests.adapters.receiving import wait_until
from tests.postgres_server import free_port

_NOTIFICATION, _KEY = b"A", b"K"  # https://www.postgresql.org/docs/current/protocol-message-formats.html


def _forward(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def _answers(source: socket.socket, target: socket.socket, deaf: bool) -> None:
    """Every message but notifications; and the process that it names as its own is nobody's, as a pooler's."""
    with contextlib.suppress(OSError, struct.error), source.makefile("rb") as stream:
        while kind := stream.read(1):
            (length,) = struct.unpack(">I", stream.read(4))
            content = stream.read(length - 4)
            if kind == _KEY:
                content = struct.pack(">I", 1) + content[4:]
            if not (deaf and kind == _NOTIFICATION):
                target.sendall(kind + struct.pack(">I", length) + content)
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def pooler(database: str, *, deaf: bool) -> Iterator[str]:
    """Its address, for the same database."""
    _, _, rest = database.partition("127.0.0.1:")
    port, _, name = rest.partition("/")
    opened: list[socket.socket] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = socket.create_connection(("127.0.0.1", int(port)))
                opened.extend((client, server))
                for work in ((_forward, (client, server)), (_answers, (server, client, deaf))):
                    threading.Thread(target=work[0], args=work[1], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        own = listening.getsockname()[1]
        yield f"postgresql://postgres@127.0.0.1:{own}/{name}?sslmode=disable&gssencmode=disable"
        listening.shutdown(socket.SHUT_RDWR)
    for one in opened:
        one.close()


def opened(address: str) -> contextlib.closing[PostgresStore]:
    return contextlib.closing(PostgresStore(parse_postgres(address)))


def hears(store: Store) -> bool:
    with store.inbox() as inbox, contextlib.closing(store.table()) as table:
        seen = inbox.revision()
        wait_until(lambda: inbox.revision() != seen, "it listens")
        seen = inbox.revision()
        table.insert([row(1)])
        wait_until(lambda: inbox.revision() != seen, "it hears", 5)
    return True


def test_one_that_passes_notifications_on_is_used(database: str) -> None:
    with pooler(database, deaf=False) as address, opened(address) as store:
        assert hears(store)


def test_one_that_swallows_them_is_refused(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell, "_ECHO", 0.5)
    with pooler(database, deaf=True) as address, opened(address) as store:
        with pytest.raises(InvalidInput, match="does not pass on notifications") as caught:
            store.inbox()
        assert "pool_mode = session" in (caught.value.hint or "")


@pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="pgbouncer is not installed")
@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_pgbouncer(database: str, tmp_path: Path, mode: str) -> None:
    port = free_port()
    name = database.rpartition("/")[2]
    there = database.partition("127.0.0.1:")[2].partition("/")[0]
    settings = Path("/tmp") / f"reconcile-pgbouncer-{os.getpid()}.ini"  # noqa: S108 # where another user can read it
    settings.write_text(
        f"[databases]\n{name} = host=127.0.0.1 port={there} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nauth_type = any\npool_mode = {mode}\nunix_socket_dir =\n"
    )
    command = ["pgbouncer", "-q", *(["-u", "nobody"] if os.geteuid() == 0 else []), str(settings)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: _takes(port), "it takes connections")
            with opened(f"postgresql://postgres@127.0.0.1:{port}/{name}") as store:
                if mode == "session":
                    assert hears(store)
                else:
                    with pytest.raises(InvalidInput, match="does not pass on notifications"):
                        store.inbox()
        finally:
            process.terminate()
            settings.unlink()


def _takes(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
