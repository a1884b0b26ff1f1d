"""Apply: carry a plan out, under the lease, and only if it still is what was shown."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.app.driver import Driver, Ports
from reconciler.app.planning import PlanResult
from reconciler.core.commands import reconcile
from reconciler.core.errors import GuardRefused
from reconciler.core.frozen import dataclass
from reconciler.core.plan.model import Plan
from reconciler.core.run.machine import Run
from reconciler.core.run.operations import Options

MOST_ANNOUNCED = 512  # create calls: a shard that is killed leaves at most so many to look into


@dataclass(frozen=True, slots=True)
class ApplySettings:
    """How to apply. `timeout` is in seconds; `new_id` gives a random operation id at every call."""

    concurrency: int
    timeout: float
    detach: bool
    callback_url: str | None
    new_id: Callable[[], str]
    no_wait: bool = False


def build_driver(planned: PlanResult, ports: Ports, settings: ApplySettings) -> Driver:
    """A driver for the plan. Raises `StorageError` when the lockfile could not be written at the end, and
    `LockfileError` for any entry in it that cannot be read.
    """
    if planned.plan.changes_anything:
        planned.recorded.folded.check()
        ports.lockfile.check_writable()
    calls = [action.key for action in planned.plan.actions if action.creates or action.updates]
    operations = {key: settings.new_id() for key in calls}
    contenders = ports.ledger_writer.contenders if ports.ledger_writer is not None else 0
    run = Run(
        planned.plan,
        planned.recorded.folded,
        operations,
        Options(
            concurrency=settings.concurrency,
            ahead=settings.concurrency * min(max(contenders - 1, 1), 7) if contenders else 0,
            most=MOST_ANNOUNCED if contenders > 1 else 0,
            shared=ports.ledger_writer is not None,
            detach=settings.detach,
            no_wait=settings.no_wait,
        ),
    )
    creates = sum(1 for action in planned.plan.actions if action.creates)
    waits = sum(1 for action in planned.plan.actions if action.waits)
    ports.observer.begun(creates, waits, len(calls) - creates)
    return Driver(run, ports, timeout=settings.timeout, callback_url=settings.callback_url)


def refuse_if_stale(shown: Plan, now: Plan) -> None:
    """Raises `GuardRefused` when the plan that was shown is no longer the plan."""
    if shown.digest == now.digest and not now.invalid:
        return
    raise GuardRefused(
        "the engine files or the lockfile changed since the plan was shown; nothing was done",
        hint=f"look at the new plan: {reconcile('plan')}",
    )
