"""Calls about engines that exist already (docs/platform.md): read one, change one in place, delete one.

Each call is judged in `core/platform/engine`. A short `Retry-After` is honored by all calls together: one pause, after
which they go on, and not one pause for each of a thousand.
"""

from __future__ import annotations

import asyncio
import json
from functools import cached_property

from reconciler.adapters.platform.api_client import ApiClient
from reconciler.adapters.platform.exchange import Lost, Reply, Unreached
from reconciler.adapters.storage.kill_points import step
from reconciler.core.engine.spec import Spec
from reconciler.core.platform.engine import (
    Deleted,
    DeletionAnswer,
    EngineAnswer,
    Gone,
    Unreadable,
    judge_deletion,
    judge_engine,
    pause_before,
)
from reconciler.core.platform.job import THROTTLE_TRIES
from reconciler.core.platform.update import (
    UPDATE_TRIES,
    NotUpdated,
    Reach,
    Unconfirmed,
    UpdateAnswer,
    judge_look,
    judge_missing,
    judge_update,
    wanted_details,
)

DELETE_TRIES = 3
MAX_BODY = 1_000_000  # bytes of an answer about an engine, which may hold all that it learned


class EngineClient(ApiClient):
    """Implements the port `ExistingEngines`."""

    most = MAX_BODY
    _pauses = 0

    @cached_property
    def _gate(self) -> asyncio.Lock:
        """Held while all calls pause."""
        return asyncio.Lock()

    async def read(self, engine_id: str) -> EngineAnswer:
        """What the platform says of an engine. Repeated once where it says nothing at all."""
        pauses = self._pauses_between_tries()
        outcome = await self._send("GET", engine_id)
        if _may_pass(outcome):
            await self._sleep(next(pauses))
            outcome = await self._send("GET", engine_id)
        if isinstance(outcome, Reply):
            return judge_engine(engine_id, outcome.status, outcome.body)
        return no_answer(outcome)

    async def delete(self, engine_id: str) -> DeletionAnswer:
        """Delete an engine. A call without an answer is repeated: an engine that is deleted already answers 404. Where
        none of them gets a clear answer, the outcome is unknown, whatever the last one says.
        """
        pauses = self._pauses_between_tries()
        lost: DeletionAnswer | None = None
        for attempt in range(DELETE_TRIES):
            step("engine to be deleted")
            outcome = await self._send("DELETE", engine_id)
            step("engine deletion answered")
            answer = (
                judge_deletion(outcome.status, outcome.body)
                if isinstance(outcome, Reply)
                else no_answer(outcome)
            )
            if isinstance(answer, Deleted | Gone):
                return answer
            if not isinstance(answer, Unreadable) or not _may_have_happened(answer):
                return lost or answer
            lost = answer if answer.sent or lost is None else lost
            if not _may_pass(outcome):
                break
            if attempt + 1 < DELETE_TRIES:
                await self._sleep(next(pauses))
        assert lost is not None  # the loop ended with one
        return lost

    async def update(self, engine_id: str, spec: Spec, *, look_first: bool) -> UpdateAnswer:
        """See the port."""
        wanted, content = wanted_details(spec), update_body(spec)
        told = judge_look(engine_id, await self.read(engine_id), wanted) if look_first else None
        if told is not None and not isinstance(told, Unconfirmed):
            return told
        pauses = self._pauses_between_tries()
        answer: UpdateAnswer = Unconfirmed("no call was made")
        for attempt in range(UPDATE_TRIES):
            if attempt > 0:
                await self._sleep(next(pauses))
            step("update about to leave")
            outcome = await self._send("PUT", engine_id, content)
            step("update answered")
            if isinstance(outcome, Unreached):
                answer = NotUpdated(str(outcome.cause), None, Reach.RUN)
                if outcome.cause.lasting:
                    return answer
                continue
            if isinstance(outcome, Lost):
                answer = Unconfirmed(outcome.reason)
            elif outcome.status == 404:
                return judge_missing(await self.read(engine_id), outcome.body)
            else:
                answer = judge_update(engine_id, outcome.status, outcome.body)
            if not isinstance(answer, Unconfirmed):
                return answer
            told = judge_look(engine_id, await self.read(engine_id), wanted)
            if told is not None:
                return told if not isinstance(told, Unconfirmed) else answer.also(told)
        return answer

    async def _send(
        self, method: str, engine_id: str, content: bytes | None = None
    ) -> Reply | Unreached | Lost:
        """One call, repeated only after a 429 that says when, which means that nothing was done."""
        headers = {"Content-Type": "application/json"} if content is not None else None
        tries = 0
        while True:
            async with self._gate:
                seen = self._pauses
            url = self._endpoint.http("engines", engine_id)
            outcome = await self._connections.exchange(method, url, headers, content)
            tries += 1
            pause = pause_before(outcome.status, outcome.retry_after) if isinstance(outcome, Reply) else None
            if pause is None or tries >= THROTTLE_TRIES:
                return outcome
            async with self._gate:
                if self._pauses == seen:  # else all have paused since this call left
                    await self._sleep(pause)
                    self._pauses += 1


def update_body(spec: Spec) -> bytes:
    """All that can be changed in place, also what the file does not have: so the same call always comes to the same."""
    document = {
        "name": spec.name,
        "description": spec.description or "",
        "targetLocales": list(spec.locales),
    }
    try:
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half a surrogate pair in a text: only an escape can carry it
        return json.dumps(document, separators=(",", ":")).encode()


def _may_pass(outcome: Reply | Unreached | Lost) -> bool:
    """Whether the same call may fare better in a moment."""
    if isinstance(outcome, Reply):
        return outcome.status >= 500 and outcome.status != 501
    return isinstance(outcome, Lost) or not outcome.cause.lasting


def _may_have_happened(answer: Unreadable) -> bool:
    """Whether the call may have been carried out, or may yet be with the next try."""
    return answer.status is None or not 400 <= answer.status < 500 or answer.status == 408


def no_answer(outcome: Unreached | Lost) -> Unreadable:
    """What is known after a call that got no answer."""
    if isinstance(outcome, Unreached):
        return Unreadable(str(outcome.cause), sent=False)
    return Unreadable(outcome.reason)
