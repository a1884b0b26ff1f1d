"""Which proxy the environment names for an address, as for every HTTP tool.

Through a proxy it is the proxy that looks a name up, and decides where the connection goes. What can be checked here is
checked: an address in digits, and the name, if it can be looked up from here at all.
"""

from __future__ import annotations

import urllib.request

from reconciler.adapters.platform.endpoint import checked_proxy
from reconciler.adapters.web.web_address import WebAddress


def proxy_of(address: WebAddress) -> str | None:
    """From HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY. Raises `PlatformError` for one that cannot be used."""
    proxies = urllib.request.getproxies()
    value = proxies.get("https" if address.secure else "http") or proxies.get("all")
    if not value or urllib.request.proxy_bypass(f"{address.host}:{address.port}"):
        return None
    return checked_proxy(value if "://" in value else f"http://{value}")
