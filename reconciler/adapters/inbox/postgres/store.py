"""The inbox in PostgreSQL, as `inbox/port.py` wants it. It takes one connection for writing, one for each reader, and
one that listens.
"""

from __future__ import annotations

from reconciler.adapters.inbox.postgres.arrivals import Arrivals
from reconciler.adapters.inbox.postgres.bell import Bell, refuse_transaction_pool
from reconciler.adapters.inbox.postgres.connection import Server, Session
from reconciler.adapters.inbox.postgres.patience import Patience
from reconciler.adapters.inbox.postgres.reading import PostgresInbox
from reconciler.adapters.inbox.postgres.schema import check, prepare, version_of
from reconciler.adapters.inbox.postgres.table import PostgresTable
from reconciler.core.settings.postgres_url import PostgresPlace


class PostgresStore:
    """See the port `Store`."""

    def __init__(self, place: PostgresPlace) -> None:
        self._place = place
        self._patience = Patience()
        self._bell = Bell(place, self._patience)
        self.name = place.name
        self._server: Server | None = None

    def inbox(self) -> PostgresInbox:
        """See the port."""
        return self._opened(self._session("reader", writing=True, leading=True), create=True)

    def existing(self) -> PostgresInbox:
        """See the port."""
        return self._opened(self._session("run"), create=False)

    def _session(self, purpose: str, *, writing: bool = False, leading: bool = False) -> Session:
        return Session(self._place, purpose, self._patience, writing=writing, leading=leading)

    def _opened(self, session: Session, *, create: bool) -> PostgresInbox:
        try:
            (prepare if create else check)(session, self.name)
            if session.server is not None and session.server.pooled and self._server is None:
                refuse_transaction_pool(self._place, self._patience)
            self._server = session.server
            return PostgresInbox(session, self._bell, self.name)
        except BaseException:
            session.close()
            raise

    def table(self) -> PostgresTable:
        """See the port."""
        session = self._session("writer", writing=True)
        try:
            prepare(session, self.name)
        except BaseException:
            session.close()
            raise
        return PostgresTable(session)

    def arrivals(self) -> Arrivals:
        """For what comes from another inbox. As `table`."""
        session = self._session("migration", writing=True)
        try:
            prepare(session, self.name)
        except BaseException:
            session.close()
            raise
        return Arrivals(session)

    def version(self) -> int | None:
        """Of the tables; None where there are none."""
        session = self._session("status")
        try:
            return session.run("read", version_of)
        finally:
            session.close()

    def warnings(self) -> list[str]:
        """See the port."""
        server, found = self._server, []
        if server is None:
            return []
        if not server.fsync:
            found.append("the server has fsync = off: a crash may lose what was acknowledged")
        if server.synchronous_commit == "off":
            found.append("the server has synchronous_commit = off: the receiver turns it on for itself")
        if not (server.verified or server.local):
            how = "is not encrypted" if not server.encrypted else "does not verify the server"
            found.append(f"the connection {how}: add sslmode=verify-full")
        return found

    def hurry(self, seconds: float) -> None:
        """See the port."""
        self._patience.hurry(seconds)

    def close(self) -> None:
        """See the port."""
        self._bell.close()
        self._patience.close()
