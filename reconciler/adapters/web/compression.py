"""Bodies made plain again, piece by piece, so that none grows past its limit: a kilobyte can unpack to a gigabyte.

Only gzip and deflate are asked for. They are what every server has, and Python's own library stops at a given size.
"""

from __future__ import annotations

import zlib

ACCEPTED = "gzip, deflate"
_STEP = 1 << 16


class Unreadable(Exception):
    """Its text is the end of a sentence."""


class TooLarge(Unreadable):
    pass


class Body:
    """Takes the pieces as they come. `encoding` is the value of Content-Encoding. Raises `Unreadable`. A body that
    is longer than `plain` is refused, or cut there with `cut`.
    """

    def __init__(self, encoding: str, wire: int, plain: int, cut: bool = False) -> None:
        self._wire, self._plain, self._cut = wire, plain, cut
        self._came = 0
        self._content = bytearray()
        self._unpack = _unpacker(encoding)
        self._began = False

    def add(self, piece: bytes) -> None:
        self._came += len(piece)
        if self._came > self._wire:
            raise TooLarge(f"is larger than {_size(self._wire)}")
        if self._unpack is None:
            self._keep(piece)
            return
        while piece and not self.full:
            piece = self._unpacked(piece)

    @property
    def full(self) -> bool:
        """Whether it was cut: there is no use in more."""
        return self._cut and len(self._content) >= self._plain

    def announced(self, length: str) -> None:
        """What Content-Length says, so that what is too large need not be read."""
        if not self._cut and length.isdigit() and (len(length) > 15 or int(length) > self._wire):
            raise TooLarge(f"is larger than {_size(self._wire)}")

    def _unpacked(self, piece: bytes) -> bytes:
        """Unpacks a part of `piece`, and returns the rest."""
        unpack = self._unpack
        assert unpack is not None
        try:
            self._keep(unpack.decompress(piece, _STEP))
        except zlib.error as error:
            if self._began or self._content:
                raise Unreadable("is not compressed as it says") from error
            # `deflate` without the header of zlib, as some servers send it.
            self._unpack, self._began = zlib.decompressobj(-zlib.MAX_WBITS), True
            return piece
        self._began = True
        if unpack.eof:
            rest = unpack.unused_data
            # Several gzip members in a row are one body; zeros after the last are padding.
            if rest.strip(b"\0"):
                self._unpack = zlib.decompressobj(zlib.MAX_WBITS | 32)
                return rest
            return b""
        return unpack.unconsumed_tail

    def whole(self) -> bytes:
        """All of it, at the end."""
        if self._unpack is not None and self._came and not self._unpack.eof and not self.full:
            raise Unreadable("ends early")
        return bytes(self._content)

    def _keep(self, piece: bytes) -> None:
        self._content += piece
        if self._cut:
            del self._content[self._plain :]
        if len(self._content) > self._plain:
            raise TooLarge(f"is larger than {_size(self._plain)} when decompressed")


def _unpacker(encoding: str) -> zlib._Decompress | None:
    names = [name for name in encoding.lower().replace(" ", "").split(",") if name not in ("", "identity")]
    if not names:
        return None
    if len(names) > 1 or names[0] not in ("gzip", "x-gzip", "deflate"):
        raise Unreadable("is compressed in a way that was not asked for")
    return zlib.decompressobj(zlib.MAX_WBITS | 32)


def _size(count: int) -> str:
    return f"{count / (1 << 20):g} MiB" if count >= 1 << 20 else f"{count / 1024:g} KiB"
