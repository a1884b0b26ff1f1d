"""Engines and provisioning jobs as values, and how a job looks at a given moment.

A job is laid out when it is created: when it starts and ends, through which steps, and how. What it is *now*
is a function of the clock, so a restarted sandbox continues its jobs without having saved anything in
between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from reconciler.core.frozen import dataclass, field

COMPLETED = "completed"
FAILED = "failed"
IN_PROGRESS = "in_progress"


class Source(NamedTuple):
    type: str  # link | content
    payload: str


class Progress(NamedTuple):
    """One progress message of a job, due at unix time `at`."""

    at: float
    step: str
    detail: str


@dataclass(frozen=True)
class Engine:
    id: str
    name: str
    description: str | None
    source_locales: tuple[str, ...]
    target_locales: tuple[str, ...]
    created_at: float
    updated_at: float

    def view(self) -> dict[str, object]:
        """As `GET /engines/{id}` shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "sourceLocales": list(self.source_locales),
            "targetLocales": list(self.target_locales),
            "createdAt": _iso(self.created_at),
            "updatedAt": _iso(self.updated_at),
        }


@dataclass(frozen=True)
class Job:
    id: str
    engine_id: str
    engine_name: str  # as submitted, faults asked for in it included
    engine_description: str
    sources: tuple[Source, ...]
    started_at: float
    seconds: float
    outcome: str  # completed | failed
    error: str | None = None
    endless: bool = False
    word: str = IN_PROGRESS  # the status it reports while it runs
    summary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    callback_url: str | None = None
    idempotency_key: str | None = None
    webhook: str = "none"  # none | due | delivered | given-up

    @property
    def ends_at(self) -> float | None:
        return None if self.endless else self.started_at + self.seconds

    def ended(self, now: float) -> bool:
        return not self.endless and now >= self.started_at + self.seconds

    def status(self, now: float) -> str:
        return self.outcome if self.ended(now) else self.word

    def view(self, now: float) -> dict[str, object]:
        """As `GET /jobs/provisioning/{id}` shows it."""
        ended = self.ended(now)
        done = ended and self.outcome == COMPLETED
        return {
            "jobId": self.id,
            "engineId": self.engine_id,
            "status": self.status(now),
            "errorMessage": self.error if ended else None,
            "summary": {name: list(ids) for name, ids in self.summary.items()} if done else None,
            "createdAt": _iso(self.started_at),
        }

    def overview(self, now: float) -> dict[str, object]:
        """The view plus what only the sandbox knows."""
        return self.view(now) | {
            "engineName": self.engine_name,
            "sources": [source._asdict() for source in self.sources],
            "callbackUrl": self.callback_url,
            "idempotencyKey": self.idempotency_key,
            "webhook": self.webhook,
        }

    def snapshot(self, now: float) -> dict[str, object]:
        """The first message of its socket."""
        return {
            "type": "provisioning.snapshot",
            "jobId": self.id,
            "status": self.status(now),
            "errorMessage": self.error if self.ended(now) else None,
        }


def progress_of(job: Job) -> list[Progress]:
    """Every progress message the job sends, in order. A job that never ends stays in its last step."""
    steps = _steps(job.sources)
    span = job.seconds / len(steps) if steps else 0.0
    messages = []
    for index, (step, detail) in enumerate(steps):
        begin = job.started_at + span * index
        messages.append(Progress(begin, step, detail))
        if not (job.endless and index == len(steps) - 1):
            messages.append(Progress(begin + span, step, "completed"))
    return messages


def _steps(sources: Sequence[Source]) -> list[tuple[str, str]]:
    if not sources:
        return []
    links = sum(source.type == "link" for source in sources)
    texts = len(sources) - links
    first = ("crawling", f"{links} link(s)") if links else ("reading_content", f"{texts} text(s)")
    return [
        first,
        ("extracting_brand_voices", f"from {len(sources)} source(s)"),
        ("building_glossary", f"from {len(sources)} source(s)"),
        ("writing_instructions", "for the target locales"),
    ]


def summary_of(job_id: str, sources: Sequence[Source]) -> dict[str, tuple[str, ...]]:
    """The ids of what a job makes. How many is decided by the sources alone, so equal specs count alike."""
    digests = [hashlib.sha256(source.payload.encode("utf-8", "surrogatepass")).digest() for source in sources]
    voices = sum(source.type == "link" for source in sources) or min(1, len(sources))
    glossary = sum(2 + digest[0] % 5 for digest in digests)
    instructions = sum(1 + digest[1] % 3 for digest in digests)
    tail = job_id.removeprefix("pjb_")
    return {
        "brandVoices": tuple(f"bv_{tail}{number:02}" for number in range(voices)),
        "glossaryItems": tuple(f"gi_{tail}{number:02}" for number in range(glossary)),
        "instructions": tuple(f"in_{tail}{number:02}" for number in range(instructions)),
    }


def failure_of(sources: Sequence[Source]) -> str:
    """Why a job with these sources might fail."""
    link = next((source.payload for source in sources if source.type == "link"), None)
    return f"Could not crawl {link}: the site answered 404" if link else "The content could not be analyzed"


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
