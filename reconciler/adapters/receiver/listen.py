"""What a receiver listens with: its socket, its certificate, and how many connections the system lets it have."""

from __future__ import annotations

import resource
import socket
import ssl
from pathlib import Path
from typing import cast

from reconciler.core.errors import UsageError

BACKLOG = 4096
_BUFFER = 32 * 1024  # bytes that the system keeps for a connection, each way: they are memory as well
_DESCRIPTORS = 65536
_SPARE = 128  # descriptors that are no connections


class Certificate:
    """A certificate chain and its key, which are read again when the files change: certificates live for weeks, and a
    receiver for months. `context` stays the same object. Raises `UsageError` for files that cannot be used."""

    def __init__(self, chain: Path, key: Path | None) -> None:
        self._chain = chain
        self._key = key
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._seen = self._look()
        self._load(self.context)

    def refresh(self) -> bool:
        """Whether other ones are used from now on. Raises as the beginning does, once for each change; the ones before
        stay in use then."""
        seen = self._look()
        if seen == self._seen:
            return False
        self._seen = seen
        # Tried on another context first: half a change would leave a chain with a key that is not its own.
        self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        self._load(self.context)
        return True

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            # An encrypted key would be asked for on the terminal; there is none.
            context.load_cert_chain(self._chain, self._key, password=lambda: "")
        except (OSError, ssl.SSLError) as error:
            reason = error.strerror or getattr(error, "reason", None) or "the files are not readable"
            raise UsageError(
                f"cannot use the certificate {self._chain} with its key: {reason}",
                hint="use PEM files, and a key without a passphrase",
            ) from error

    def _look(self) -> tuple[tuple[int, int, int] | str, ...]:
        return tuple(_mark(file) for file in (self._chain, self._key) if file is not None)


def _mark(file: Path) -> tuple[int, int, int] | str:
    try:
        found = file.stat()
    except OSError as error:
        return str(error)
    return found.st_mtime_ns, found.st_size, found.st_ino


def listen(host: str, port: int) -> socket.socket:
    """A socket that connections can be made to from now on. Raises `UsageError` where there can be none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio switches Nagle's delay off (40 ms an answer) only where it says TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # [::] takes both kinds
        for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            listener.setsockopt(socket.SOL_SOCKET, buffer, _BUFFER)  # its connections have the same
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except (OSError, UnicodeError) as error:
        listener.close()
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else "that is not a host name"
        raise UsageError(
            f"cannot listen on {host}:{port}: {reason}",
            hint="check whether another receiver is running there, or use port 0 to pick a free port",
        ) from error
    return listener


def url_of(listener: socket.socket, tls: bool) -> str:
    host, port = cast(tuple[str, int], listener.getsockname()[:2])
    host = f"[{host}]" if ":" in host else host
    return f"http{'s' if tls else ''}://{host}:{port}"


def allow_many_sockets() -> None:
    """For a process of its own: as many as it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_connections(wanted: int) -> int:
    """As many as wanted, as far as the system lets us."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(16, min(wanted, soft - _SPARE))
