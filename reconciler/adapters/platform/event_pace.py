"""When a job's next connection to the event stream is due, after one that ended.

The platform tells of a job's end by closing its socket, so after such a close there is something to be learned, and a
short run would spend most of its time in waiting before it looks. But a platform, or a proxy before it, may also close
every connection as soon as it is open, for hours and to thousands of watches, and must not be asked all the more often
for it.

So one look at once is earned by a connection that brought news and was closed in good order. The next one is earned
only by a connection that lasted. Everything else waits, longer each time that a connection was of no use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reconciler.core.platform.backoff import delays
from reconciler.core.platform.job import News, Progress

AT_ONCE = 0.1  # seconds over which the looks are spread when many sockets are closed in one moment
LASTED = 1.0  # seconds of a connection after which a look at once can do no harm
LIVED_LONG = 10.0  # seconds after which a lost connection is bad luck, not a sign of trouble


class Pace:
    """For one watch: is told what each connection brought and how it ended, and says how long to wait.

    `pause` are the seconds until the next connection, and `at_once` tells whether that is a look at once.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self.pause = 0.0
        self.at_once = False
        self._random = random
        self._spent = False  # the look at once for which no connection need have lasted
        self._status: str | None = None
        self._news = self._progress = False
        self._pauses = self._afresh()

    def heard(self, message: News | Progress) -> None:
        """A snapshot that repeats the known status is no news: a server may send it and hang up, for ever."""
        if isinstance(message, Progress):
            self._news = self._progress = True
        elif message.status != self._status:
            self._status = message.status
            self._news = True

    def ended(self, lived: float = 0.0, *, in_order: bool = False) -> None:
        """A connection lived so many seconds (0: it was never made). `in_order` means that the far end closed it, and
        gave no trouble as the reason.
        """
        if self._progress or lived >= LIVED_LONG:
            self._pauses = self._afresh()
        self.at_once = in_order and self._news and (lived >= LASTED or not self._spent)
        self._spent = self._spent or self.at_once
        self._news = self._progress = False
        self.pause = self._random() * AT_ONCE if self.at_once else next(self._pauses)

    def _afresh(self) -> Iterator[float]:
        return delays(self._random, floor=0.2, first=1.0, ceiling=15.0)
