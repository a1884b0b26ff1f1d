"""What was asked of the sandbox, for looking at afterwards. Keys are not kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

_SECRET = {"x-api-key", "authorization", "cookie", "proxy-authorization"}
_KEPT = 20_000


@dataclass
class RequestRecord:
    """Header names are in lower case. `status` is None while, or when, nothing was answered; 101 for a
    socket."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: object = None
    status: int | None = None


class RequestLog:
    """The last requests on the platform's own paths; `say` hears a line about each when it is answered."""

    def __init__(self, say: Callable[[str], None] | None = None) -> None:
        self.records: deque[RequestRecord] = deque(maxlen=_KEPT)
        self._say = say

    def open(self, method: str, path: str, headers: Iterable[tuple[bytes, bytes]]) -> RequestRecord:
        record = RequestRecord(method, path, dict(_readable(headers)))
        self.records.append(record)
        return record

    def close(self, record: RequestRecord, status: int | None) -> None:
        record.status = status
        if self._say is not None:
            self._say(f"{record.method} {record.path} -> {status or 'no answer'}")


def _readable(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[str, str]]:
    for raw_name, value in headers:
        name = raw_name.decode("latin-1").lower()
        yield name, "[redacted]" if name in _SECRET else value.decode("latin-1")
