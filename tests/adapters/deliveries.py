"""Deliveries that the inbox's tests store, and what they look at afterwards."""

from __future__ import annotations

import base64
import os
import struct
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

from reconciler.adapters.inbox.port import Received, Row, Unverified
from reconciler.adapters.inbox.sqlite.file import connect
from reconciler.adapters.inbox.sqlite.reading import SqliteInbox as Inbox
from reconciler.adapters.inbox.sqlite.rows import insert
from reconciler.core.platform.webhook import Signed, SigningKeys
from reconciler.sandbox.signing import signature

KEY, OTHER = b"k" * 32, b"o" * 32
KEYS = SigningKeys([KEY])
THEN = 1_700_000_000.0


def secret_of(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def row(
    number: int,
    *,
    webhook_id: str | None = None,
    kind: str | None = "provisioning.completed",
    job: str | None = "pjb_{}",
    operation: str | None = "op-{}",
    size: int = 0,
) -> Row:
    """The delivery of that number; `{}` in a name stands for the number, `size` for bytes more in the body."""
    job = job.format(number) if job is not None else None
    operation = operation.format(number) if operation is not None else None
    body = f'{{"type": "{kind}", "jobId": "{job}", "engineId": "eng_{number}", "padding": "{"x" * size}"}}'
    name = f"msg_{number}" if webhook_id is None else webhook_id
    return Row(name, kind, job, operation, THEN + number, f"{int(THEN)}", "v1,c2lnbmF0dXJl", body.encode())


def unverified(
    number: int, key: bytes = KEY, *, at: float = THEN, size: int = 0, operation: str | None = None
) -> Unverified:
    """A delivery that came at that time, signed then."""
    body = row(number, size=size).body
    signed = signature(secret_of(key), f"msg_{number}", int(at), body)
    return Unverified(
        Signed(b"msg_%d" % number, b"%d" % int(at), signed.encode()), operation or f"op-{number}", at, body
    )


def fill(path: Path, rows: Iterable[Row]) -> list[bool]:
    connection = connect(path)
    try:
        return insert(connection, list(rows))
    finally:
        connection.close()


def stored(path: Path) -> list[Received]:
    """Everything, page by page."""
    found: list[Received] = []
    with Inbox(path) as inbox:
        while page := inbox.events_since(found[-1].number if found else 0, 1000):
            found += page
    return found


def ids(found: Iterable[Received]) -> list[str]:
    return [one.webhook_id for one in found]


def commits(path: Path) -> int:
    """How many are in the write-ahead log since it was last begun anew (https://sqlite.org/fileformat2.html#walformat)."""
    log = path.with_name(path.name + "-wal").read_bytes()
    if len(log) < 32:
        return 0
    page, salt = struct.unpack(">I", log[8:12])[0], log[16:24]
    heads = (log[at : at + 24] for at in range(32, len(log), 24 + page))
    return sum(head[4:8] != b"\0\0\0\0" and head[8:16] == salt for head in heads)


def process(code: str, *arguments: object, user: int | None = None) -> subprocess.Popen[str]:
    """Another Python, with the inbox's modules imported. `user`: whom it becomes before the code runs, if it can."""
    become = f"import os\nif os.geteuid() == 0:\n    os.setuid({user})\n" if user is not None else ""
    head = """
        import sys, sqlite3, resource
        from pathlib import Path
        from reconciler.adapters.inbox.sqlite.reading import SqliteInbox as Inbox
        from reconciler.adapters.inbox.sqlite.file import connect
        from reconciler.adapters.inbox.port import Row
        from reconciler.adapters.inbox.sqlite.rows import insert
        from reconciler.adapters.receiver.signing_secrets import Secrets
        from reconciler.core.errors import ReconcileError
        from tests.adapters.deliveries import fill, row
        path = Path(sys.argv[1])
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(head) + become + textwrap.dedent(code), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def said_by(running: subprocess.Popen[str], told: str | None = None) -> str:
    """What it printed, once it has ended well."""
    with running:
        out, _ = running.communicate(told, timeout=60)
    assert running.returncode == 0
    return out
