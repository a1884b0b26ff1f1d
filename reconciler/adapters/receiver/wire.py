"""The connection of the receiver: with httptools where it is installed, with h11 otherwise."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.adapters.receiver.intake import Intake
from reconciler.adapters.receiver.watch import MAX_HEAD, Watch, Watched


class _Plain(Watched, H11Protocol):
    """With h11, which caps heads by itself, but only those that are not whole yet: so it is fed by the mouthful, and
    sees none that is longer than two caps."""

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), MAX_HEAD):
            if not self.transport.is_closing():
                super().data_received(data[start : start + MAX_HEAD])

    def looked_through(self) -> None:
        theirs = self.conn.their_state
        if theirs in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED) or (
            theirs is h11.IDLE and self.cycle is not None and self.cycle.response_complete
        ):
            self.came_whole()


def wire(watch: Watch, intake: Intake, parser: str = "auto") -> type[asyncio.Protocol]:
    """The protocol for connections under this watch: with httptools where it is installed, unless `parser` is "h11".
    The fast one gives deliveries that have come whole to the intake by itself."""
    base: type[Any] = _Plain
    more: dict[str, Any] = {}
    if parser != "h11":
        try:
            from reconciler.adapters.receiver.wire_fast import Answers, Fast
        except ImportError:  # the extra `webhook` is not installed
            base = _Plain
        else:
            base, more = Fast, {"intake": intake, "answers": Answers()}
    return type("Wire", (base,), {"watch": watch, **more})
