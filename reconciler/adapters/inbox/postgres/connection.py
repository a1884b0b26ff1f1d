"""One connection to the server, which comes back: opened when it is first needed, and again after it was lost.

What a session needs is set once, and looked at once: whether the server may write, keeps what it acknowledges, and is
reached directly. All times are bounded, so that neither a server that hangs nor a network that swallows packets holds
a delivery for ever: it is refused, and its sender tries again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

import psycopg
from psycopg import errors

from reconciler.adapters.inbox.postgres.patience import LONGEST, Connection, Patience
from reconciler.core.errors import InvalidInput, ReconcileError, StorageError
from reconciler.core.platform.job import shorten
from reconciler.core.settings.postgres_url import PostgresPlace
from reconciler.core.user_info import without_user_info

Value = TypeVar("Value")

LOCKS = 0x4C724962  # "LrIb": the first half of our advisory locks' keys; the second says what for
_OLDEST = 130000  # PostgreSQL 13
_PATIENCE = 1.0  # seconds after a failed try, in which others fail at once
_DEFAULTS = {
    "connect_timeout": "5",
    "keepalives_idle": "20",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
_SETTINGS = {  # milliseconds, and seconds for keepalives
    # Others may put functions with the names of PostgreSQL's own into schemas that roles search.
    "search_path": "pg_catalog, pg_temp",
    # What is looked at under a lock must be what was committed before it.
    "default_transaction_isolation": "read committed",
    "statement_timeout": "20000",
    "lock_timeout": "15000",
    "idle_in_transaction_session_timeout": "20000",
    "client_encoding": "UTF8",
    # A receiver that is cut off gives its locks back in half a minute; the server's default is hours.
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
IDLE = 120  # seconds after which a receiver counts as stopped that holds a lock and does nothing
_KNOWS_IDLE = 140000
_OPENED = (
    "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),"
    " current_setting('transaction_read_only')::bool, current_setting('synchronous_commit'),"
    " current_setting('fsync')::bool, pg_backend_pid(), "
    + ", ".join(f"set_config('{name}', '{value}', false)" for name, value in _SETTINGS.items())
)
# These say that this server is not the one to talk to now: another may be, or this one later.
_ELSEWHERE = (
    errors.ReadOnlySqlTransaction,
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.IdleInTransactionSessionTimeout,
)


class Server(NamedTuple):
    """What is known of the other end. `pooled`: something stands between that is no server itself. `local`: it is on
    this machine."""

    version: int
    read_only: bool
    synchronous_commit: str
    fsync: bool
    pooled: bool
    local: bool
    encrypted: bool
    verified: bool


class Session:
    """Not safe for several threads. `term` counts the connections there were. With `writing`, a server that is read-
    only is refused. One that is `leading` may hold a lock, and loses its connection, and the lock, once it is idle for
    long: the system goes on answering for a process that was stopped.
    """

    def __init__(
        self,
        place: PostgresPlace,
        purpose: str,
        patience: Patience,
        *,
        writing: bool = False,
        leading: bool = False,
    ) -> None:
        self._place = place
        self._purpose = purpose
        self.patience = patience
        self._writing = writing
        self._leading = leading
        self._connection: Connection | None = None
        self._failed: tuple[float, ReconcileError] | None = None
        self.server: Server | None = None
        self.term = 0

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()

    def run(self, doing: str, work: Callable[[Connection], Value], seconds: float = LONGEST) -> Value:
        """What `work` returns; it is done again if a connection turns out to be lost, so twice must be as good as once.
        One that takes longer than `seconds` is lost. Raises `StorageError`, or `InvalidInput` for a server that will
        never do."""
        for again in (self._connection is not None, False):
            connection = self.open()
            try:
                with self.patience.limit(connection, seconds):
                    return work(connection)
            except (psycopg.Error, UnicodeError) as error:
                lost = connection.closed or isinstance(error, _ELSEWHERE)
                if lost:
                    self.close()
                if not (lost and again):
                    raise self.refusal(doing, error) from error
        raise AssertionError

    def open(self) -> Connection:
        """The connection, which is made where there is none. Raises as `run` does."""
        if self._connection is not None and not self._connection.closed:
            return self._connection
        self.close()
        now = time.monotonic()
        if self._failed is not None and now - self._failed[0] < _PATIENCE:
            raise self._failed[1]
        if self.patience.is_over:
            raise StorageError(f"no time is left to open the inbox {self._place.name}")
        try:
            self._connection = self._opened()
        except ReconcileError as error:
            self._failed = time.monotonic(), error
            raise
        self._failed = None
        self.term += 1
        return self._connection

    def _opened(self) -> Connection:
        known = {name for name, _ in self._place.parameters}
        defaults: dict[str, Any] = {name: value for name, value in _DEFAULTS.items() if name not in known}
        if len(self._place.hosts) > 1 and "target_session_attrs" not in known:
            defaults["target_session_attrs"] = "read-write"
        defaults["fallback_application_name"] = f"reconcile {self._purpose}"
        try:
            connection: Connection = psycopg.connect(self._place.url, autocommit=True, **defaults)
        except psycopg.Error as error:
            raise self.refusal("open", error) from error
        try:
            with self.patience.limit(connection):
                self.server = self._looked_at(connection)
        except psycopg.Error as error:
            connection.close()
            raise self.refusal("open", error) from error
        except ReconcileError:
            connection.close()
            raise
        return connection

    def _looked_at(self, connection: Connection) -> Server:
        row = connection.execute(_OPENED.encode()).fetchone()
        assert row is not None
        version, encoding, read_only, commit, fsync, pid = row[:6]
        where = self._place.name
        if version < _OLDEST:
            raise InvalidInput(
                f"the server of the inbox {where} is PostgreSQL {version // 10000}",
                hint=f"use PostgreSQL {_OLDEST // 10000} or newer",
            )
        if encoding != "UTF8":
            raise InvalidInput(
                f"the database of the inbox {where} has the encoding {encoding}",
                hint="create it with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
            )
        if self._writing and read_only:
            raise StorageError(
                f"cannot write the inbox {where}: the server is read-only, such as a standby",
                hint="connect to the primary; with several hosts, it is found",
            )
        if commit == "off" and not read_only:  # or it would acknowledge before the disk has it
            connection.execute("SET synchronous_commit = on")
        if self._leading and version >= _KNOWS_IDLE:
            connection.execute(f"SET idle_session_timeout = '{IDLE}s'".encode())
        info = connection.info
        address = info.hostaddr
        return Server(
            version,
            read_only,
            commit,
            fsync,
            pooled=pid != info.backend_pid,
            local=not address or address == "::1" or address.startswith("127."),
            encrypted=connection.pgconn.ssl_in_use,
            verified=info.get_parameters().get("sslmode") == "verify-full",
        )

    def refusal(self, doing: str, error: Exception) -> StorageError:
        """The same as ours, without anything of the address that is secret."""
        reason, hint = (
            reason_of(error, self._place),
            "check the server, and whether this user may use the inbox",
        )
        if isinstance(error, errors.InsufficientPrivilege):
            hint = "GRANT what is missing to this user; docs/webhooks.md has the statements"
        elif isinstance(error, errors.UndefinedTable | errors.InvalidSchemaName):
            hint = "restart a receiver, which creates what is missing"
        elif isinstance(error, errors.DiskFull):
            hint = "free some space"
        elif "password" in reason:
            hint = "set PGPASSWORD to this user's password, or use a pgpass file"
        return StorageError(f"cannot {doing} the inbox {self._place.name}: {reason}", hint=hint)


def reason_of(error: Exception, place: PostgresPlace) -> str:
    """What the server or libpq says, in one line and without secrets."""
    said = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    text = " ".join((said or str(error) or type(error).__name__).split())
    for secret in sorted(place.secrets, key=len, reverse=True):
        text = text.replace(secret, "…")
    return shorten(without_user_info(text))
