"""The platform's world: which engines and jobs there are, and what each call does to them.

No socket and no timer: it is given a clock and a source of ids, and every method is one step. What a job is
at a moment follows from the clock (see `jobs`), so nothing here has to happen in time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from reconciler.sandbox import signing
from reconciler.sandbox.fault_kinds import Fault
from reconciler.sandbox.jobs import COMPLETED, FAILED, IN_PROGRESS, Engine, Job, failure_of, summary_of
from reconciler.sandbox.settings import SandboxSettings
from reconciler.sandbox.store import Store
from reconciler.sandbox.validation import CreateRequest

_GOLDEN = 0.6180339887498949


class World:
    def __init__(
        self,
        settings: SandboxSettings,
        store: Store,
        clock: Callable[[], float],
        new_id: Callable[[str], str],
    ) -> None:
        self._settings = settings
        self._store = store
        self.clock = clock
        self._new_id = new_id
        saved = store.load()
        self.engines = {engine.id: engine for engine in saved.engines}
        self.jobs = {job.id: job for job in saved.jobs}
        self.webhook_secret = settings.webhook_secret or saved.webhook_secret
        self.create_calls = 0
        self._drawn = sum(bool(job.sources) for job in saved.jobs)

    def create(
        self, request: CreateRequest, faults: tuple[Fault, ...] = (), idempotency_key: str | None = None
    ) -> Job:
        """A new engine and its job, always: an idempotency key is only recorded."""
        now = self.clock()
        engine = Engine(
            id=self._new_id("eng_"),
            name=request.name,
            description=request.description,
            source_locales=(),
            target_locales=request.locales,
            created_at=now,
            updated_at=now,
        )
        job = self._lay_out(engine, request, {fault.kind: fault for fault in faults})
        job = replace(job, idempotency_key=idempotency_key)
        if job.callback_url and not self.webhook_secret:
            self.webhook_secret = signing.new_secret()
            self._store.save_secret(self.webhook_secret)
        self._store.save(engine, job)
        self.engines[engine.id] = engine
        self.jobs[job.id] = job
        self.create_calls += 1
        return job

    def _lay_out(self, engine: Engine, request: CreateRequest, faults: Mapping[str, Fault]) -> Job:
        job_id = self._new_id("pjb_")
        seconds = self._settings.job_seconds if request.sources else 0.0
        if "job-seconds" in faults:
            seconds = faults["job-seconds"].number
        failing = request.sources and self._is_unlucky()
        error = failure_of(request.sources) if failing else None
        if "fail" in faults:
            error = faults["fail"].text or failure_of(request.sources)
        return Job(
            id=job_id,
            engine_id=engine.id,
            engine_name=engine.name,
            engine_description=engine.description or "",
            sources=request.sources,
            started_at=engine.created_at,
            seconds=seconds,
            outcome=FAILED if error else COMPLETED,
            error=error,
            endless="never" in faults,
            word=(faults["unknown-status"].text or "indexing") if "unknown-status" in faults else IN_PROGRESS,
            summary={} if error else summary_of(job_id, request.sources),
            callback_url=request.callback_url,
            webhook="due" if request.callback_url else "none",
        )

    def _is_unlucky(self) -> bool:
        """Spread evenly: of any run of jobs, about the asked share fails, and the same ones each time."""
        self._drawn += 1
        return (self._drawn * _GOLDEN) % 1 < self._settings.fail_rate

    def change_engine(self, engine_id: str, changes: Mapping[str, object]) -> Engine:
        known: dict[str, Any] = asdict(self.engines[engine_id])
        engine = Engine(**(known | dict(changes) | {"updated_at": self.clock()}))
        self._store.save(engine)
        self.engines[engine_id] = engine
        return engine

    def delete_engine(self, engine_id: str) -> list[Job]:
        """Removes it, and returns its jobs that ran and so end now, failed."""
        error = "The engine was deleted while the job ran"
        cut_short = [
            replace(job, outcome=FAILED, error=error, summary={})
            for job in self._ended_now()
            if job.engine_id == engine_id
        ]
        self._store.drop_engine(engine_id)
        del self.engines[engine_id]
        return self._put(cut_short)

    def end_jobs(self) -> list[Job]:
        """All that run end now, as they would have ended."""
        return self._put(self._ended_now())

    def _ended_now(self) -> list[Job]:
        now = self.clock()
        running = [job for job in self.jobs.values() if not job.ended(now)]
        return [replace(job, seconds=now - job.started_at, endless=False) for job in running]

    def _put(self, jobs: list[Job]) -> list[Job]:
        self._store.save(*jobs)
        self.jobs.update((job.id, job) for job in jobs)
        return jobs

    def note_webhook(self, job_id: str, outcome: str) -> None:
        """`outcome`: delivered, or given-up."""
        job = replace(self.jobs[job_id], webhook=outcome)
        self._store.save(job)
        self.jobs[job_id] = job
