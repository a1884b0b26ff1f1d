"""What happens to running jobs over time: who hears of their progress, and what their end sets off.

One timer per running job, set to its next message; a message is encoded once and put into the feed of every
socket that listens. A thousand listeners wait without polling.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from reconciler.sandbox.jobs import Job, Progress, progress_of
from reconciler.sandbox.world import World

Feed = asyncio.Queue[str | None]
_SHORTEST = 0.001


class Hub:
    """Lives in one event loop, between `start` and `stop`. A feed gives the messages of a job, then None
    once, when the job has ended or the sandbox stops."""

    def __init__(self, world: World, on_end: Callable[[Job], None]) -> None:
        self._world = world
        self._on_end = on_end
        self._feeds: dict[str, set[Feed]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def start(self) -> None:
        """Takes up the jobs that an earlier sandbox left."""
        now = self._world.clock()
        for job in list(self._world.jobs.values()):
            if not job.ended(now):
                self.follow(job)
            elif job.webhook == "due":
                self._on_end(job)

    def follow(self, job: Job) -> None:
        """A job from its creation to its end; one without sources ends here."""
        if job.ended(self._world.clock()):
            self._finish(job)
        else:
            self._arm(job, progress_of(job))

    def end_early(self, job: Job) -> None:
        """For a job the world has cut short."""
        timer = self._timers.pop(job.id, None)
        if timer is not None:
            timer.cancel()
        self._finish(job)

    def subscribe(self, job_id: str) -> Feed:
        feed: Feed = asyncio.Queue()
        self._feeds.setdefault(job_id, set()).add(feed)
        return feed

    def unsubscribe(self, job_id: str, feed: Feed) -> None:
        feeds = self._feeds.get(job_id)
        if feeds is not None:
            feeds.discard(feed)
            if not feeds:
                del self._feeds[job_id]

    def stop(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for feeds in self._feeds.values():
            for feed in feeds:
                feed.put_nowait(None)

    def _arm(self, job: Job, messages: list[Progress]) -> None:
        now = self._world.clock()
        due = 0
        while due < len(messages) and messages[due].at <= now:
            due += 1
        self._broadcast(job, messages[:due])
        if job.ended(now):
            self._timers.pop(job.id, None)
            self._finish(job)
            return
        later = messages[due:]
        moment = later[0].at if later else job.ends_at
        if moment is not None:
            delay = max(_SHORTEST, moment - now)
            self._timers[job.id] = asyncio.get_running_loop().call_later(delay, self._arm, job, later)

    def _broadcast(self, job: Job, messages: list[Progress]) -> None:
        feeds = self._feeds.get(job.id)
        if not feeds:
            return
        for message in messages:
            doc = {
                "type": "provisioning.progress",
                "jobId": job.id,
                "step": message.step,
                "detail": message.detail,
            }
            text = json.dumps(doc)
            for feed in feeds:
                feed.put_nowait(text)

    def _finish(self, job: Job) -> None:
        for feed in self._feeds.get(job.id, ()):
            feed.put_nowait(None)
        if job.webhook == "due":
            self._on_end(job)
