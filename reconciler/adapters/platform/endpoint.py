"""Where the platform is and how it is reached safely: rules that every connection with the API key obeys.

One module, because the HTTP client and the event stream must not differ in them: HTTPS unless the host is
this very machine, a key that fits into a header, one proxy chosen by the usual environment variables, one TLS
context (making one takes 20 ms or more, so it is made once). The variables are read here, through the
standard library as every HTTP tool does, and not in the command, because they are the system's and not
settings of ours.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import urllib.request
from functools import cache
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from reconciler import __version__
from reconciler.core.commands import key_variable
from reconciler.core.errors import InvalidInput, PlatformError
from reconciler.core.platform.scrub import scrub

_URL_HINT = "set LINGO_API_URL to a base address such as https://api.lingo.dev"


class Endpoint(NamedTuple):
    """A checked base address. `prefix` is its path without a slash at the end, often empty."""

    secure: bool
    host: str  # lower case; an IPv6 address without brackets
    port: int
    prefix: str

    @property
    def authority(self) -> str:
        """`host:port`, as people and headers write it; the port only where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    def http(self, *segments: str) -> str:
        """The URL of an API path; segments are percent-encoded, so no id changes which path is meant."""
        return f"{'https' if self.secure else 'http'}://{self.authority}{self._path(segments)}"

    def websocket(self, *segments: str) -> str:
        return f"{'wss' if self.secure else 'ws'}://{self.authority}{self._path(segments)}"

    def _path(self, segments: tuple[str, ...]) -> str:
        return self.prefix + "".join("/" + _segment(segment) for segment in segments)


def _segment(text: str) -> str:
    # A dot is never encoded by `quote`, and `..` would climb out of the path.
    return quote(text, safe="").replace(".", "%2E") if set(text) == {"."} else quote(text, safe="")


def parse_endpoint(api_url: str) -> Endpoint:
    """The base address out of a setting. Raises `InvalidInput` for one that the key must not be sent to."""
    try:
        parts = urlsplit(api_url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _bad_url(f"the API address is not a URL: {error}") from error
    if not api_url.isascii() or not api_url.isprintable() or " " in api_url:
        raise _bad_url("the API address contains spaces or characters that are invalid in a URL")
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise _bad_url("the API address does not begin with https:// and a host name")
    if parts.username is not None or parts.password is not None:
        raise _bad_url("the API address contains a user name or password")
    if parts.query or parts.fragment:
        raise _bad_url("the API address has a query or fragment")
    secure = parts.scheme == "https"
    if not secure and not is_loopback(host):
        raise InvalidInput(
            f"refusing to send the API key over plain http to {host}",
            hint="use https://; plain http is allowed only for a platform on this machine (localhost, 127.0.0.1)",
        )
    return Endpoint(secure, host, port or (443 if secure else 80), parts.path.rstrip("/"))


def _bad_url(message: str) -> InvalidInput:
    return InvalidInput(message, hint=_URL_HINT)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its spelling alone; no name is looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _key_hint() -> str:
    return f"set {key_variable()} to the key exactly as the platform shows it, without quotes or line breaks"


def check_key(api_key: str) -> str:
    """The key, fit for a header. Raises `InvalidInput`, which never repeats any of it."""
    if not api_key:
        raise InvalidInput("the API key is empty", hint=_key_hint())
    if any(not "\x21" <= letter <= "\x7e" for letter in api_key):
        raise InvalidInput(
            "the API key contains a space, a line break or another invalid character",
            hint=_key_hint(),
        )
    return api_key


def without_key(text: str, api_key: str) -> str:
    """A foreign text, with the key blotted out in case the far end repeats it."""
    return scrub(text, [api_key])


def user_agent() -> str:
    return f"reconcile/{__version__}"


def proxy_for(endpoint: Endpoint) -> str | None:
    """The proxy's URL that the environment names for this address (HTTPS_PROXY, ALL_PROXY, NO_PROXY), or
    None.

    Plain http goes to loopback only and never through a proxy: its loopback is another machine, and the key
    would travel there in the clear. Raises `PlatformError` for a proxy that we cannot use.
    """
    if not endpoint.secure:
        return None
    proxies = urllib.request.getproxies()
    value = proxies.get("https") or proxies.get("all")
    if not value or urllib.request.proxy_bypass(f"{endpoint.host}:{endpoint.port}"):
        return None
    return checked_proxy(value if "://" in value else f"http://{value}")


def checked_proxy(value: str) -> str:
    """A proxy's URL, fit for our libraries. Raises `PlatformError`."""
    hint = "set HTTPS_PROXY to http://host:port, or list the platform's host in NO_PROXY"
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise PlatformError("HTTPS_PROXY or ALL_PROXY is not a URL", hint=hint) from error
    if parts.scheme.startswith("socks"):
        raise PlatformError("SOCKS proxies are not supported (HTTPS_PROXY or ALL_PROXY names one)", hint=hint)
    fits = parts.scheme in ("http", "https") and host and parts.path in ("", "/") and not parts.query
    if not fits or parts.fragment or not value.isascii() or not value.isprintable() or " " in value:
        raise PlatformError("HTTPS_PROXY or ALL_PROXY is not of the form http://host:port", hint=hint)
    if parts.username is None:
        return value
    # Both libraries want a password wherever there is a user name.
    user, password = (quote(unquote(part or ""), safe="") for part in (parts.username, parts.password))
    return f"{parts.scheme}://{user}:{password}@{parts.netloc.rpartition('@')[2]}"


def tls_context() -> ssl.SSLContext:
    """The one TLS context: SSL_CERT_FILE and SSL_CERT_DIR where set, else the certificates that come with us.

    Raises `PlatformError` when a variable names certificates that cannot be read.
    """
    return _tls_context(os.environ.get("SSL_CERT_FILE") or None, os.environ.get("SSL_CERT_DIR") or None)


def new_tls_context() -> ssl.SSLContext:
    """One more, for who offers protocols in it that other connections must not offer. Raises like `tls_context`."""
    return _new_context(os.environ.get("SSL_CERT_FILE") or None, os.environ.get("SSL_CERT_DIR") or None)


@cache
def _tls_context(cafile: str | None, capath: str | None) -> ssl.SSLContext:
    return _new_context(cafile, capath)


def _new_context(cafile: str | None, capath: str | None) -> ssl.SSLContext:
    if cafile is None and capath is None:
        import certifi

        cafile = certifi.where()
    try:
        return ssl.create_default_context(cafile=cafile, capath=capath)
    except (OSError, ssl.SSLError) as error:
        raise PlatformError(
            f"the certificates in {cafile or capath} cannot be read: {error.strerror or error}",
            hint="set SSL_CERT_FILE to a file of PEM certificates, or SSL_CERT_DIR to a folder of them",
        ) from error
