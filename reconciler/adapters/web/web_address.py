"""An address before anything is sent to it: what may be asked for at all, in one spelling."""

from __future__ import annotations

from typing import NamedTuple

from reconciler.adapters.system.httpx_library import httpx
from reconciler.core.patterns import lazy_pattern
from reconciler.core.sources.addresses import plain_host, spelled_address
from reconciler.core.sources.look import MAX_URL
from reconciler.core.values import why_no_link

# Ports of other services, to whom a request may look like a command: below 1024 all but these, and from the list of
# browsers (the Fetch standard, "bad port") those above.
_WEB_PORTS = frozenset({80, 443, 591})
_BAD_PORTS = frozenset({
    1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697,
    9200, 10080, 11211, 27017,
})  # fmt: skip
_HOST = lazy_pattern(r"(?=.{1,254}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")  # what DNS can be asked for


class WebAddress(NamedTuple):
    """`host` as it is sent, in ASCII and lower case; `path` with its query."""

    url: str  # without fragment
    secure: bool
    host: str
    port: int
    path: bytes

    @property
    def origin(self) -> str:
        """What robots.txt and connections are kept by."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}"


def parse(url: str) -> WebAddress:
    """Raises `ValueError` whose text is the end of a sentence, such as `it does not begin with …`."""
    if len(url) > MAX_URL:
        raise ValueError(f"it is longer than {MAX_URL} characters")
    why = why_no_link(url)
    if why is not None:
        raise ValueError(why)
    try:
        parsed = httpx.URL(url).copy_with(fragment=None)
        host = parsed.raw_host.decode("ascii").lower()
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise ValueError("its host or port is malformed") from error
    secure = parsed.scheme == "https"
    port = (443 if secure else 80) if parsed.port is None else parsed.port
    if not plain_host(host):
        raise ValueError("it has no host")
    if ":" not in host and not _HOST.fullmatch(host):
        raise ValueError("its host or port is malformed")
    spelled_address(host)  # numbers that are no address
    if (port < 1024 and port not in _WEB_PORTS) or port in _BAD_PORTS:
        raise ValueError(f"port {port} is not one for web pages")
    return WebAddress(str(parsed), secure, host.strip("[]"), port, parsed.raw_path)


def joined(base: WebAddress, location: str) -> WebAddress:
    """Where a redirect leads. Raises `ValueError` like `parse`."""
    if len(location) > MAX_URL:
        raise ValueError(f"it is longer than {MAX_URL} characters")
    try:
        target = str(httpx.URL(base.url).join(location.strip(" \t")))
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise ValueError("it is malformed") from error
    return parse(target)
