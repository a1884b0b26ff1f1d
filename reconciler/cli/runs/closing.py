"""The end of a plan in shards: `collect DIR` takes the lease from them once none is alive, waits for jobs that still
run, does what the plan decides without a call, and publishes everything once.

What is missing is read off the record, and not off what the shards said: an engine for which nothing was begun.
"""

from __future__ import annotations

from reconciler.app.planning import PlanResult
from reconciler.cli.runs.sharding import shard_target
from reconciler.cli.stderr import say, warn
from reconciler.core.commands import reconcile
from reconciler.core.errors import ExitCode, GitError, GuardRefused, most_severe
from reconciler.core.frozen import replace
from reconciler.core.ledger.epoch import refuse_if_working
from reconciler.core.ledger.lease import Lease
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.saved import SavedPlan
from reconciler.core.plan.shards import calls, missing, parts_of, rest_of, sharing_of
from reconciler.project.opened import Project
from reconciler.project.planner import Planner, with_outputs

NAMED = 5  # engines that are named of a shard


class Closing:
    """What `collect DIR` adds to `collect`. `rest` plans what the plan decides without a call."""

    def __init__(self, project: Project, saved: SavedPlan, collected: Planner, rest: Planner) -> None:
        self._project, self._saved = project, saved
        self._collected, self._rest = collected, rest
        self._refused = False
        self._recorded: Lockfile | None = None

    def check(self, lease: Lease, now: str) -> None:
        """Raises `LeaseHeld` while a shard, or another run, is at work."""
        refuse_if_working(sharing_of(self._saved), lease, now)

    def plan(self, remote: RemoteSnapshot | None) -> PlanResult:
        """What is left to do. Raises what planning raises."""
        called = frozenset(one.key for one in self._saved.plan.actions if calls(one))
        collected = replace(self._collected.collect(remote), made=called)
        self._recorded = collected.recorded.folded
        if not rest_of(self._saved).plan.actions:
            return collected
        try:
            rest = self._rest.plan(remote).plan
        except GuardRefused as error:
            self._refused = True
            for found in error.diagnostics:
                warn(found.message)
            warn(f"only what the shards did is recorded: {error.message}")
            return collected
        if rest.invalid:
            return replace(collected, plan=rest)
        both = {one.key: one for one in (*collected.plan.actions, *rest.actions)}
        plan = replace(
            collected.plan,
            actions=tuple(both[key] for key in sorted(both)),
            unchanged=tuple(key for key in collected.plan.unchanged if key not in both),
        )
        return with_outputs(self._project.root, self._project.settings, replace(collected, plan=plan))

    def finish(self, code: ExitCode) -> ExitCode:
        """Report what is missing, and see that no shard comes too late. The code is that of the whole."""
        self._close()
        codes = {code, ExitCode.GUARD} if self._refused else {code}
        left = missing(self._saved, self._recorded) if self._recorded is not None else {}
        parts = parts_of(self._saved)
        for shard, keys in left.items():
            named = ", ".join(f"`{key}`" for key in keys[:NAMED])
            more = f" and {len(keys) - NAMED:,} more" if len(keys) > NAMED else ""
            warn(
                f"shard {shard} of {len(parts)} has not done its part: {len(keys):,} of "
                f"{len(parts[shard]):,} engines were not begun ({named}{more})"
            )
        if left:
            say(f"hint: run `{reconcile('plan')}` to see what is left to do")
            codes.add(ExitCode.RUNNING)
        return most_severe(codes)

    def _close(self) -> None:
        """A run that had something to publish took the lease already; otherwise it is taken from them now."""
        try:
            shard_target(self._project).close_shared(sharing_of(self._saved))
        except GitError as error:
            warn(f"the lease that the shards shared was not given back, and expires: {error.message}")
