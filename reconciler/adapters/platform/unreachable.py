"""Why a connection could not be made, in words: DNS, refused, TLS, proxy, time.

The libraries wrap the operating system's error several times over, and each in its own way; the sentence is
found by looking for the innermost one that says something.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from typing import NamedTuple

from reconciler.adapters.platform.endpoint import Endpoint
from reconciler.core.platform.job import shorten
from reconciler.core.user_info import without_user_info


class Cause(NamedTuple):
    """`lasting` means that no waiting heals it: a person has to change something."""

    message: str
    hint: str
    lasting: bool = False

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})"


def why_unreachable(error: BaseException, endpoint: Endpoint, proxied: bool) -> Cause:
    """What to tell about a connection to `endpoint` that was never made. The text holds no header and no
    body.
    """
    chain = list(_chain(error))
    place = f"{endpoint.authority} through the proxy" if proxied else endpoint.authority
    for explain in (_certificate, _tls, _name, _descriptors, _refused, _slow):
        cause = next((found for link in chain if (found := explain(link, place)) is not None), None)
        if cause is not None:
            return cause
    return Cause(
        f"could not connect to {place}: {shorten(without_user_info(_text(chain)))}",
        "check the network, the proxy settings and LINGO_API_URL",
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and everything it came from. `__context__` counts too: httpcore raises its errors `from
    None`.
    """
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        link = waiting.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [cause for cause in (link.__cause__, link.__context__) if cause is not None]
        if isinstance(link, BaseExceptionGroup):
            waiting += link.exceptions


def _text(chain: list[BaseException]) -> str:
    return next((text for link in chain if (text := str(link))), type(chain[0]).__name__)


def _certificate(error: BaseException, place: str) -> Cause | None:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return None
    return Cause(
        f"the certificate of {place} is not trusted: {shorten(error.verify_message)}",
        "point SSL_CERT_FILE at your network's root certificate, if it replaces certificates",
        lasting=True,
    )


def _tls(error: BaseException, place: str) -> Cause | None:
    # "Want read" and the like are how a handshake waits for bytes, and not why it failed.
    if not isinstance(error, ssl.SSLError) or isinstance(error, ssl.SSLWantReadError | ssl.SSLWantWriteError):
        return None
    return Cause(
        f"no secure connection to {place}: {shorten(error.reason or str(error))}",
        "check that it is an https address and port",
    )


def _name(error: BaseException, place: str) -> Cause | None:
    if not isinstance(error, socket.gaierror):
        return None
    return Cause(
        f"the host name of {place} cannot be resolved: {shorten(error.strerror or str(error))}",
        "check LINGO_API_URL and the network's DNS",
    )


def _descriptors(error: BaseException, place: str) -> Cause | None:
    if not isinstance(error, OSError) or error.errno not in (errno.EMFILE, errno.ENFILE):
        return None
    return Cause(f"no connection to {place}: too many open files", "raise the limit with `ulimit -n`")


def _refused(error: BaseException, place: str) -> Cause | None:
    if not isinstance(error, ConnectionRefusedError):
        return None
    return Cause(f"{place} refuses connections", "check that the platform is up, and LINGO_API_URL")


def _slow(error: BaseException, place: str) -> Cause | None:
    if not isinstance(error, TimeoutError):
        return None
    return Cause(
        f"the connection to {place} timed out",
        "check the network, its firewall and the proxy settings",
    )
