"""The relay: each verified event of an inbox goes on to GitHub as a `repository_dispatch`, at least once and in order.

It lives in the receiver's event loop and shares nothing with the deliveries but the inbox: it reads with a connection
of its own, in a thread, and writes how far it is through the one writer. So while GitHub is down for a day, the inbox
keeps what comes, and the receiver does not notice. How far it is stands in the inbox, one number for each place,
written after each event: a receiver that was killed goes on with the one it was at. That one may go out twice, and
none is left out. Where several receivers share an inbox, one of them leads, and others take over when it is gone.

An answer that got lost leaves unknown whether GitHub has the event. It is sent again then: who takes events knows them
by their webhook-id and job, and a second one changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from reconciler.adapters.github.client import TIMEOUTS, Answer, GitHub, Timeouts
from reconciler.adapters.github.token import NoToken, Token
from reconciler.adapters.inbox.port import FORGOTTEN_AT_ONCE, Inbox, Received
from reconciler.adapters.platform.endpoint import Endpoint
from reconciler.adapters.relay.pace import PACE, Fate, Pace, Pauses, fate_of, hint_for
from reconciler.adapters.relay.surroundings import Surroundings
from reconciler.core.errors import ReconcileError
from reconciler.core.frozen import dataclass, field
from reconciler.core.platform.dispatch import payload_of, request_of

_PAGE = 50
_GRACE = 5.0  # seconds for the request that is under way at the end
_MEASURE = 1.0  # seconds between looks at how much waits
_HOUR = 3600.0
_SIGN = 30.0  # seconds between signs of life to the inbox, which takes a leader without any for stopped


@dataclass(frozen=True)
class Target:
    """Where events go, and in whose name."""

    owner: str
    repo: str
    api: Endpoint
    token: Token = field(repr=False)
    pace: Pace = PACE
    timeouts: Timeouts = TIMEOUTS

    @property
    def repository(self) -> str:
        return f"{self.owner}/{self.repo}"

    @property
    def place(self) -> str:
        return f"{self.api.authority}/{self.repository}"


@asynccontextmanager
async def relaying(target: Target, around: Surroundings) -> AsyncIterator[None]:
    """Relays for the duration of the block; then the request under way is given a few seconds to end.

    Raises as `Store.inbox` and `GitHub` do when they cannot be opened.
    """
    with around.store.inbox() as inbox:
        await around.writer.call(lambda table: table.begin_relay(target.place))
        async with GitHub(target.api, target.timeouts) as github:
            relay = Relay(target, around, inbox, github)
            tasks = {asyncio.create_task(relay.run()), asyncio.create_task(relay.measure())}
            try:
                yield
            finally:
                relay.stop()
                _, late = await asyncio.wait(tasks, timeout=_GRACE)
                for task in late:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task


class Relay:
    """`run` and `measure` go on until `stop`, and never raise."""

    def __init__(self, target: Target, around: Surroundings, inbox: Inbox, github: GitHub) -> None:
        self._target = target
        self._around = around
        self._inbox = inbox
        self._github = github
        self._log = around.log
        self._counts = around.counts
        self._pauses = Pauses(target.pace, around.random)
        self._stopping = asyncio.Event()
        self._last: Received | None = None  # that was settled here, and stands in the inbox unless it refused
        self._term = 0
        self._stands_by = False

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        """Passes on what there is, and what comes."""
        while not self._stopping.is_set():
            try:
                await self._round()
            except ReconcileError as error:
                await self._trouble("relay cannot use the inbox", error.message)
            except Exception as error:  # a bug here must not take the receiver down with it
                await self._trouble("bug in the relay", type(error).__name__)

    async def measure(self) -> None:
        """Keeps the counts of what waits, and deletes what was passed on long ago."""
        cleaned = 0.0
        seen: tuple[int, int] | None = None
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            start = loop.time()
            try:
                number = self._last.number if self._last is not None else 0
                now = (await asyncio.to_thread(self._inbox.revision), number)
                if now != seen:
                    backlog = await asyncio.to_thread(self._inbox.backlog, await self._where())
                    self._counts.waiting, self._counts.oldest_at = backlog
                    seen = now
                if abs(self._around.clock() - cleaned) > _HOUR:
                    cleaned = self._around.clock()
                    if await self._clean(cleaned - self._around.keep) >= FORGOTTEN_AT_ONCE:
                        cleaned = 0.0  # there may be more
            except ReconcileError as error:
                self._log.say("debug", "waiting events not counted", why=error.message)  # `run` tells of it
            await self._pause(max(_MEASURE, 20 * (loop.time() - start)))

    async def _clean(self, before: float) -> int:
        place = self._target.place
        return await self._around.writer.call(lambda table: table.forget_relayed(place, before))

    async def _leads(self) -> bool:
        """Begins a term, or goes on with it. Where there is only one receiver, nothing is said of it."""
        term = await asyncio.to_thread(self._inbox.leads, self._target.place)
        if term == 0 and not self._stands_by:
            self._log.say("info", "relay stands by", to=self._target.repository)
        elif term > 0 and self._stands_by:
            self._log.say("info", "relay takes over", to=self._target.repository)
        self._stands_by = term == 0
        self._term, self._counts.leads = term, term > 0
        return term > 0

    async def _still_leads(self) -> bool:
        """In the same term: between two of them another receiver may have been further."""
        return await asyncio.to_thread(self._inbox.leads, self._target.place) == self._term

    async def _where(self) -> int:
        return await asyncio.to_thread(self._inbox.relayed, self._target.place)

    async def _round(self) -> None:
        if not await self._leads():
            await self._pause(self._target.pace.stand_by)
            return
        seen = await asyncio.to_thread(self._inbox.revision)
        if self._last is not None and await self._where() < self._last.number:
            await self._remember(self._last)
        page = await asyncio.to_thread(self._inbox.events_since, await self._where(), _PAGE)
        for received in page:
            if not await self._pass_on(received):
                return
        while not page and not self._stopping.is_set():
            if await asyncio.to_thread(self._inbox.revision) != seen:
                return
            await self._pause(self._target.pace.look)

    async def _pass_on(self, received: Received) -> bool:
        """Tries until GitHub has taken it, or never will; False when it was time to end before, or for another to."""
        payload = payload_of(
            received.webhook_id, received.timestamp, received.signature, received.operation_id, received.body
        )
        while not self._stopping.is_set() and await self._still_leads():
            tried = await self._send(payload)
            if tried.fate is Fate.SENT:
                self._counts.sent += 1
                self._report("info", "relayed", received, tried)
                await self._settle(received)
                return True
            self._counts.failed += 1
            if tried.fate is not Fate.REFUSED:
                await self._wait(received, tried)
            elif "body" in payload:
                # It may have been too large after all. Without it a reader still knows which job to look at.
                self._report("warning", "GitHub refused an event; retrying without its body", received, tried)
                del payload["body"]
            else:
                self._report("error", "GitHub refused an event; it is skipped", received, tried)
                self._counts.skipped += 1
                await self._settle(received)
                return True
        return False

    async def _send(self, payload: dict[str, Any]) -> _Tried:
        target = self._target
        content = request_of(payload)
        while True:
            token = await target.token.current(self._github)
            if isinstance(token, NoToken):
                fate = fate_of(token.answer)
                passing = fate in (Fate.LIMITED, Fate.FAILED)
                return _Tried(token.answer, fate if passing else Fate.BARRED, None if passing else token.hint)
            answer = await self._github.ask(
                *("POST", "repos", target.owner, target.repo, "dispatches"), token=token, content=content
            )
            if answer.status == 401 and target.token.refused():
                continue
            if answer.status is not None and answer.status != 401:
                target.token.taken()
            fate = fate_of(answer)
            hint = hint_for(answer.status, target.repository) if fate is Fate.BARRED else None
            return _Tried(answer, fate, hint)

    async def _settle(self, received: Received) -> None:
        self._last = received
        self._pauses.reset()
        await self._remember(received)

    async def _remember(self, last: Received) -> None:
        """Durably. Where the disk refuses, it is tried again before anything else goes out: the same event sent every
        other minute would start as many workflows. An inbox that lost its newest events, in a failover or since a
        backup, gives their numbers to others, which are not to be left out."""
        found = await asyncio.to_thread(self._inbox.events_since, last.number - 1, 1)
        if not found or (found[0].number, found[0].webhook_id) != (last.number, last.webhook_id):
            self._last = None
            return
        place = self._target.place
        await self._around.writer.call(lambda table: table.mark_relayed(place, last.number))

    async def _wait(self, received: Received, tried: _Tried) -> None:
        seconds = self._pauses.after(tried.fate, tried.answer.pause)
        level = "error" if tried.fate is Fate.BARRED else "warning"
        self._report(level, "not relayed", received, tried, again_in=round(seconds, 1))
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0 and not self._stopping.is_set():
            await self._pause(min(left, _SIGN))
            with suppress(ReconcileError):  # it is asked again before anything goes out
                if not await self._still_leads():
                    return

    def _report(
        self, level: str, what: str, received: Received, tried: _Tried, again_in: float | None = None
    ) -> None:
        event = received.event
        self._log.say(
            level,
            what,
            to=self._target.repository,
            id=received.webhook_id,
            job=event.job_id if event is not None else None,
            status=tried.answer.status,
            why=tried.answer.message if tried.fate is not Fate.SENT else None,
            hint=tried.hint,
            again_in=again_in,
        )

    async def _trouble(self, what: str, why: str) -> None:
        self._log.say("error", what, why=why)
        await self._pause(self._pauses.after(Fate.FAILED, None))

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


class _Tried(NamedTuple):
    answer: Answer
    fate: Fate
    hint: str | None
