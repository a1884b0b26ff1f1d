"""What the platform tells: answers to create calls, and news of provisioning jobs (docs/platform.md).

Here is decided what an answer means, from its status and body alone. The distinction that matters is whether
an engine can exist after a call: *accepted* yes, *refused* no, *uncertain* perhaps. What cannot be read for
sure is uncertain, never guessed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from reconciler.core.frozen import dataclass
from reconciler.core.values import ID, is_count

IN_PROGRESS = "in_progress"
COMPLETED = "completed"
FAILED = "failed"
TERMINAL = frozenset({COMPLETED, FAILED})

SHORT_WAIT = 60.0  # seconds: a Retry-After up to here is honoured, a longer one ends the creating
THROTTLE_TRIES = 3
MAX_MESSAGE = 500  # characters of a foreign message that we repeat

_SHOWN = 80  # characters of what is not an ID

# What has nothing to do with one engine: key, credit, quota, and an address where the API is not to be found.
_HALTING = frozenset({401, 402, 403, 404, 405, 407, 429, 503})
_ABOUT_SPEC = frozenset({400, 413, 422})


@dataclass(frozen=True, slots=True)
class Accepted:
    """The engine exists. `status` is `in_progress` (also for a word we do not know), or a terminal one."""

    job_id: str
    engine_id: str
    status: str = IN_PROGRESS


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was made. `status` is the HTTP status, or None when no request reached the platform."""

    message: str
    status: int | None = None

    @property
    def halts(self) -> bool:
        """Whether further create calls of this run would fare no better: key, credit, quota, no connection,
        a redirect (none is followed)."""
        return self.status is None or self.status in _HALTING or 300 <= self.status < 400

    @property
    def about_spec(self) -> bool:
        """Whether the spec itself was refused, so that the same call would be refused again."""
        return self.status in _ABOUT_SPEC


@dataclass(frozen=True, slots=True)
class Uncertain:
    """The call may have made an engine; nobody here can know. Never repeated by ourselves."""

    reason: str


@dataclass(frozen=True, slots=True)
class Again:
    """Nothing was made; the same call may be repeated after `delay` seconds (None: the caller's backoff)."""

    refused: Refused  # what it comes to when the tries are used up
    delay: float | None = None


Answer = Accepted | Refused | Uncertain


class News(NamedTuple):
    """A job's status as the platform knows it, from a snapshot, a verified webhook, or reading the job. Only a webhook
    tells with it what was made.
    """

    job_id: str
    status: str
    error: str | None = None
    summary: Mapping[str, int] | None = None

    @property
    def terminal(self) -> bool:
        return self.status in TERMINAL


class Progress(NamedTuple):
    """A step of a running job; for people to look at, never a reason to conclude anything."""

    job_id: str
    step: str
    detail: str | None = None


def judge_create(status: int, body: bytes, retry_after: str | None = None) -> Answer | Again:
    """What an answer to `POST /jobs/provisioning` means. `body` may be cut at the reader's cap."""
    if 200 <= status < 300:
        return _accepted(body)
    message = message_of(status, body)
    refused = Refused(message, status)
    delay = short_wait(retry_after)
    if status == 429:
        return refused if delay is None else Again(refused, delay)
    if status == 503 and _is_own_503(body, retry_after):
        return refused if delay is None else Again(refused, delay)
    if 300 <= status < 500 and status != 408:
        return refused
    return Uncertain(f"the platform answered {status}: {message}")


def _is_own_503(body: bytes, retry_after: str | None) -> bool:
    """Whether the platform itself says that it did nothing. Any other 503 may come from a gateway that had forwarded
    the call before it gave up on the answer.
    """
    document = _json(body)
    return (
        isinstance(document, dict)
        and isinstance(document.get("message"), str)
        and _seconds(retry_after) is not None
    )


def _accepted(body: bytes) -> Answer:
    document = _json(body)
    if not isinstance(document, dict):
        return Uncertain("the platform accepted the call, but its answer is unreadable")
    job_id, engine_id, status = (document.get(name) for name in ("jobId", "engineId", "status"))
    if not (ID.accepts(job_id) and ID.accepts(engine_id)):
        name, value = ("engineId", engine_id) if ID.accepts(job_id) else ("jobId", job_id)
        seen = shorten(json.dumps(value))[:_SHOWN]
        return Uncertain(f"the platform accepted the call, but its {name} is not an ID: {seen}")
    return Accepted(
        job_id, engine_id, status if isinstance(status, str) and status in TERMINAL else IN_PROGRESS
    )


class MadeByJob(NamedTuple):
    """The engine of a job, as the platform tells it, and its name where it tells that."""

    engine_id: str
    name: str | None = None


def made_by_job(job_id: str, body: bytes) -> MadeByJob | None:
    """The engine in an answer to `GET /jobs/provisioning/{id}`; None where it is not told, or about another job."""
    document = _json(body)
    if not isinstance(document, dict) or document.get("jobId") != job_id:
        return None
    engine_id, engine = document.get("engineId"), document.get("engine")
    told = document.get("engineName", engine.get("name") if isinstance(engine, dict) else None)
    return MadeByJob(engine_id, told if isinstance(told, str) else None) if ID.accepts(engine_id) else None


def name_of_engine(engine_id: str, body: bytes) -> str | None:
    """The name in an answer to `GET /engines/{id}`, where there is one and it is about that engine."""
    document = _json(body)
    if not isinstance(document, dict) or document.get("id", engine_id) != engine_id:
        return None
    name = document.get("name")
    return name if isinstance(name, str) else None


def news_in(document: dict[str, Any], job_id: str) -> News | None:
    """What a document with a `status` tells of this job; None when it is about another, or has no status."""
    status = document.get("status")
    if not isinstance(status, str) or document.get("jobId", job_id) != job_id:
        return None
    return News(job_id, shorten(status), reason_of(document) if status == FAILED else None)


def reason_of(document: dict[str, Any]) -> str | None:
    """Why a job failed: the first of the names in use that holds a text."""
    for name in ("error", "errorMessage", "reason", "message"):
        value = document.get(name)
        if isinstance(value, str) and (text := shorten(value)):
            return text
    return None


def summary_of(body: bytes) -> dict[str, int] | None:
    """`{"brandVoices": 4, …}` from a finished job's answer of any shape: numbers as is, lists counted."""
    document = _json(body)
    return counts_of(document) if isinstance(document, dict) else None


def counts_of(document: dict[str, Any]) -> dict[str, int] | None:
    """The counts in a flat or nested (`summary`, `result`) document, or None when there are none."""
    for inner in (document.get("summary"), document.get("result"), document):
        if isinstance(inner, dict):
            counts = {name: count for name in _COUNTED if (count := _count(inner, name)) is not None}
            if counts:
                return counts
    return None


_COUNTED = {
    "brandVoices": ("brandVoiceIds", "brandVoicesCount"),
    "glossaryItems": ("glossaryItemIds", "glossaryItemsCount"),
    "instructions": ("instructionIds", "instructionsCount"),
}


def _count(document: dict[str, Any], name: str) -> int | None:
    for spelling in (name, *_COUNTED[name]):
        value = document.get(spelling)
        if isinstance(value, list):
            return len(value)
        if is_count(value):
            return value
    return None


def message_of(status: int, body: bytes) -> str:
    """A sentence for people out of an error body: its `message`, or what the status usually means."""
    document = _json(body)
    if isinstance(document, dict):
        message = document.get("message")
        if isinstance(message, str) and (text := shorten(message)):
            return text
    if 300 <= status < 400:
        return f"it redirects (HTTP {status}), and redirects are not followed; check the API address"
    return _MEANINGS.get(status, f"HTTP {status} without a readable message")


_MEANINGS = {
    400: "the request is not valid",
    401: "the API key is missing or wrong",
    402: "the organization hit its credit limit",
    403: "the API key has no access",
    404: "it does not exist",
    429: "the daily quota is exhausted",
    500: "unexpected failure",
    502: "bad gateway",
    503: "the platform is unavailable",
    504: "gateway timeout",
}


def shorten(text: str) -> str:
    """One line of printable characters, cut at `MAX_MESSAGE`."""
    text = text[: 4 * MAX_MESSAGE]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(text.split())
    return line if len(line) <= MAX_MESSAGE else line[: MAX_MESSAGE - 1] + "…"


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def short_wait(retry_after: str | None) -> float | None:
    """The seconds of a Retry-After that is worth waiting for."""
    seconds = _seconds(retry_after)
    return seconds if seconds is not None and seconds <= SHORT_WAIT else None


def _seconds(retry_after: str | None) -> float | None:
    """A Retry-After as seconds; None where there is none, or none that can be read."""
    try:
        seconds = float(retry_after) if retry_after is not None else None
    except ValueError:
        return None
    return seconds if seconds is not None and 0 <= seconds < math.inf else None
