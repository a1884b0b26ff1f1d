"""Less memory for a TLS connection that carries a few short messages.

asyncio gives each one a read buffer of 256 KiB for its whole life, which for a thousand waiting connections is
a quarter of a gigabyte of zeroes. There is no option for it. TLS records are at most 16 KiB, so that is enough.
"""

from __future__ import annotations

import asyncio
from asyncio import sslproto

ENOUGH = 16 * 1024


def shrink_read_buffer(transport: asyncio.BaseTransport) -> None:
    """To be called between reads, that is from anywhere but the transport's own callbacks. Does nothing to a plain
    connection, nor where asyncio is made otherwise: the attributes are its own affair, and this is only a saving."""
    protocol = getattr(transport, "_ssl_protocol", None)
    known = isinstance(protocol, sslproto.SSLProtocol) and hasattr(protocol, "_ssl_buffer_view")
    if not known or getattr(protocol, "max_size", 0) <= ENOUGH:
        return
    buffer = bytearray(ENOUGH)
    for name, value in (
        ("max_size", ENOUGH),
        ("_ssl_buffer", buffer),
        ("_ssl_buffer_view", memoryview(buffer)),
    ):
        setattr(protocol, name, value)
