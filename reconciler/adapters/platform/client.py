"""The provisioning API over HTTP (docs/platform.md): sends what is documented, and loses no create call's outcome.

A create call is repeated only while nothing of it can have left, or when the platform said that it did
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeGuard

from reconciler.adapters.platform.api_client import ApiClient
from reconciler.adapters.platform.exchange import Lost, Reply, Unreached
from reconciler.adapters.storage.kill_points import step
from reconciler.core.commands import key_variable
from reconciler.core.engine.spec import Spec
from reconciler.core.errors import PlatformError
from reconciler.core.platform.job import (
    THROTTLE_TRIES,
    Again,
    Answer,
    MadeByJob,
    Refused,
    Uncertain,
    judge_create,
    made_by_job,
    message_of,
    name_of_engine,
    summary_of,
)

CONNECT_TRIES = 3
READ_TRIES = 2
_NOT_OFFERED = frozenset({404, 405, 501})


class PlatformClient(ApiClient):
    """Implements the port `Platform`."""

    _reads_jobs = True

    async def create(self, operation_id: str, spec: Spec, callback_url: str | None) -> Answer:
        """One create call. `Refused.status` is None when no connection could be made."""
        url = self._endpoint.http("jobs", "provisioning")
        content = body_of(spec, callback_url)
        headers = {"Content-Type": "application/json", "Idempotency-Key": operation_id}
        pauses = self._pauses_between_tries()
        unreached = throttled = 0
        while True:
            step("create call about to leave")
            outcome = await self._connections.exchange("POST", url, headers, content)
            step("create call answered")
            if isinstance(outcome, Lost):
                return Uncertain(outcome.reason)
            if isinstance(outcome, Unreached):
                unreached += 1
                if outcome.cause.lasting or unreached >= CONNECT_TRIES:
                    return Refused(str(outcome.cause))
                await self._sleep(next(pauses))
                continue
            answer = judge_create(outcome.status, outcome.body, outcome.retry_after)
            if not isinstance(answer, Again):
                return answer
            throttled += 1
            if throttled >= THROTTLE_TRIES:
                return answer.refused
            await self._sleep(next(pauses) if answer.delay is None else answer.delay)

    async def read_summary(self, job_id: str) -> Mapping[str, int] | None:
        """Counts of what a finished job made. Asks no more once the platform said that it tells none."""
        reply = await self._read_job(job_id)
        return None if reply is None else summary_of(reply.body)

    async def read_made(self, job_id: str) -> MadeByJob | None:
        """The engine that a job made, with its name where the platform tells it; None where it does not tell.

        A job that there is not says nothing about others: whoever names it may have made it up.
        """
        job = await self._read("jobs", "provisioning", job_id)
        made = made_by_job(job_id, job.body) if _is_fine(job) else None
        if made is None or made.name is not None:
            return made
        engine = await self._read("engines", made.engine_id)
        return made._replace(name=name_of_engine(made.engine_id, engine.body)) if _is_fine(engine) else made

    async def check_key(self) -> None:
        """Asks the platform who we are. Raises `PlatformError`, with its status where it answered."""
        outcome = await self._read("users", "me")
        if isinstance(outcome, Unreached):
            cause = outcome.cause
            raise PlatformError(cause.message, hint=cause.hint, retryable=not cause.lasting)
        if isinstance(outcome, Lost):
            raise PlatformError(f"the platform did not answer: {outcome.reason}", retryable=True)
        if not 200 <= outcome.status < 300:
            message = message_of(outcome.status, outcome.body)
            raise PlatformError(
                f"the platform answered {outcome.status}: {message}",
                hint=f"check {key_variable()}" if outcome.status in (401, 403) else "check LINGO_API_URL",
                status=outcome.status,
                retryable=outcome.status >= 500,
            )

    async def _read_job(self, job_id: str) -> Reply | None:
        if not self._reads_jobs:
            return None
        outcome = await self._read("jobs", "provisioning", job_id)
        if not isinstance(outcome, Reply):
            return None
        if outcome.status in _NOT_OFFERED:
            self._reads_jobs = False
        return outcome if 200 <= outcome.status < 300 else None

    async def _read(self, *segments: str) -> Reply | Unreached | Lost:
        """A GET, which may be repeated whatever became of it."""
        pauses = self._pauses_between_tries()
        for _ in range(READ_TRIES - 1):
            outcome = await self._connections.exchange("GET", self._endpoint.http(*segments))
            if isinstance(outcome, Reply) or (isinstance(outcome, Unreached) and outcome.cause.lasting):
                return outcome
            await self._sleep(next(pauses))
        return await self._connections.exchange("GET", self._endpoint.http(*segments))


def _is_fine(outcome: Reply | Unreached | Lost) -> TypeGuard[Reply]:
    return isinstance(outcome, Reply) and 200 <= outcome.status < 300


def body_of(spec: Spec, callback_url: str | None) -> bytes:
    """The create call's body: documented fields only, and those that are empty left out."""
    document: dict[str, Any] = {"engine": {"name": spec.name}}
    if spec.description:
        document["engine"]["description"] = spec.description
    if spec.locales:
        document["locales"] = list(spec.locales)
    if spec.sources:
        document["sources"] = [{"type": source.type, "payload": source.payload} for source in spec.sources]
    if callback_url is not None:
        document["callbackUrl"] = callback_url
    try:
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half a surrogate pair in a text: only an escape can carry it
        return json.dumps(document, separators=(",", ":")).encode()
