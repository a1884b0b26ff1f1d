"""How much a receiver takes upon itself, and for how long. The defaults are what docs/webhooks.md says."""

from __future__ import annotations

from reconciler.core.frozen import dataclass

MAX_HEAD = 16 * 1024  # bytes of a request's line and headers
MAX_HEADERS = 100  # of them and of the trailers together
MAX_LINE = 4 * 1024  # bytes of a chunk's first line, and of all trailers
MAX_CHUNKS = 256  # of a body; each costs more time than its bytes do
MAX_REQUEST = (
    2 << 20
)  # bytes; a body above the cap is read up to here, so that its sender can read our refusal
MAX_PAGE_BODY = 64 * 1024  # bytes of a request that is no delivery


@dataclass(frozen=True)
class Limits:
    """Times are seconds. `fresh` is how long a look at the disk counts; `answer` the time for an answer: the longest
    poll, and time for its reader to take it; `readers` is how many may wait at the feed. `memory` is bytes: of all that
    has come and is not done with, and of answers that nobody takes.
    """

    fresh: float = 1.0
    answer: float = 100.0
    readers: int = 256
    memory: int = 64 << 20
