"""Records what pages were like when engines learned from them (`track_sources`), beside the run and never in its way.

Pages are looked at in a thread of its own, once every create call has its answer, while jobs run. At the end the run
waits a few seconds for it. Whatever goes wrong is a warning: the engines are made, and recorded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from reconciler.app.sources.recording import recorded, wanted_of
from reconciler.cli.stderr import warn
from reconciler.core.commands import reconcile
from reconciler.core.errors import ReconcileError
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.sources import state as format_
from reconciler.core.sources.links import unread

if TYPE_CHECKING:
    from reconciler.app.planning import PlanResult
    from reconciler.app.ports import Observer
    from reconciler.core.settings.model import Settings
    from reconciler.core.sources.look import PageLook

_GRACE = 10.0  # seconds at the end of a run that waited for its jobs


class SourceRecorder:
    """What one run records. `grace` is how long its end may take for this."""

    def __init__(self, root: Path, settings: Settings, planned: PlanResult, *, waits: bool) -> None:
        self.path = settings.sources_file
        self._root, self._settings = root, settings
        where = planned.recorded
        before = where.on_disk if where.shared is None else where.shared.recorded
        self.wanted = wanted_of(planned.plan, where.folded, planned.made, before)
        self._open = sum(action.creates for action in planned.plan.actions)
        self._waits = waits
        self._grace = _GRACE if waits else 0.0
        self._looks: dict[str, PageLook] = {}
        self._trouble: str | None = None
        self._thread: threading.Thread | None = None
        self._published: bytes | None = None
        self._at = _now()

    def beside(self, observer: Observer) -> Observer:
        """The observer, through which this hears that the last create call has its answer."""
        if not self._open:
            self._begin()
        return cast("Observer", _Hearing(observer, self._answered))

    def _answered(self) -> None:
        self._open -= 1
        if self._open == 0:
            self._begin()

    def _begin(self) -> None:
        if self.wanted.links and self._thread is None:
            self._at = _now()
            self._thread = threading.Thread(target=self._look, name="sources", daemon=True)
            self._thread.start()

    def _look(self) -> None:
        from reconciler.core.settings.trust import allowed_sources
        from reconciler.core.sources.look import Target
        from reconciler.project.source_checks import looks_at

        try:
            allowed = allowed_sources(self._settings)
            looks_at([Target(url) for url in self.wanted.links], allowed, self._looks)
        except ReconcileError as error:
            self._trouble = error.message
        except Exception as error:
            self._trouble = f"{type(error).__name__} while pages were looked at"

    def hurry(self) -> None:
        """The run ends now."""
        self._grace = 0.0

    def _wait(self) -> None:
        if self._thread is not None:
            self._thread.join(self._grace)
            self._grace = 0.0  # once in a run

    # ── what is written ────────────────────────────────────────────────────────────────────────────────────────────

    def content(self, before: bytes | None, lockfile: Lockfile) -> bytes | None:
        """What the file on the branch is to hold, given what it holds; None to leave it as it is. Never raises."""
        self._wait()
        try:
            state = format_.parse(before or b"", self.path)
            after = recorded(state, lockfile, self.wanted, dict(self._looks), self._at)
        except ReconcileError as error:
            self._trouble = self._trouble or error.message
            return None
        if after == state:
            return None
        self._published = format_.render(after)
        return self._published

    def write_here(self, lockfile: Lockfile) -> None:
        """The same in the work tree. What went wrong is told."""
        from reconciler.project.source_checks import sources_file

        self._wait()
        try:
            file = sources_file(self._root, self._settings)
            if self._published is not None:
                here = format_.merge(None, file.read(), format_.parse(self._published, self.path))
                file.write(here.of(lockfile))  # with what was recorded here and is not on the branch yet
            else:
                file.write(recorded(file.read(), lockfile, self.wanted, dict(self._looks), self._at))
        except ReconcileError as error:
            self._trouble = self._trouble or error.message
        self._tell()

    def _tell(self) -> None:
        if self._trouble is not None:
            warn(f"{self.path} is not up to date: {self._trouble}")
            return
        if not self._waits:  # `collect` records it
            return
        left = len(set(self.wanted.links) - self._looks.keys())
        if left:
            pages = "page was" if left == 1 else "pages were"
            warn(
                f"{left:,} {pages} not looked at in time; `{reconcile('sources', '--record')}` records what is missing"
            )
        for line in unread(dict(self._looks).values()):
            warn(f"not recorded: {line}")


class _Hearing:
    """An observer that says when a create call has its answer, and passes everything on."""

    def __init__(self, observer: Observer, answered: Callable[[], None]) -> None:
        self._observer = observer
        self._answered = answered
        self._submitted: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._observer, name)

    def submitting(self, key: str) -> None:
        self._submitted.add(key)
        self._observer.submitting(key)

    def accepted(self, key: str, engine_id: str, job_id: str) -> None:
        self._over(key)
        self._observer.accepted(key, engine_id, job_id)

    def failed(self, key: str, error: str) -> None:
        self._over(key)
        self._observer.failed(key, error)

    def uncertain(self, key: str, reason: str) -> None:
        self._over(key)
        self._observer.uncertain(key, reason)

    def _over(self, key: str) -> None:
        if key in self._submitted:
            self._submitted.discard(key)
            self._answered()


def recorder_of(root: Path, settings: Settings, planned: PlanResult, *, waits: bool) -> SourceRecorder | None:
    """None where nothing is tracked, or nothing is made."""
    if not settings.track_sources:
        return None
    recorder = SourceRecorder(root, settings, planned, waits=waits)
    return recorder if recorder.wanted.keys else None


def _now() -> str:
    from reconciler.adapters.system.clock import UtcClock
    from reconciler.core.lockfile.transitions import seconds

    return seconds(UtcClock().now())
