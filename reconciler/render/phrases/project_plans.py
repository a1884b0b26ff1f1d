"""Plans of several projects or environments as every view has them: a row for each, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.errors import ExitCode, ReconcileError
from reconciler.core.frozen import dataclass
from reconciler.core.plan.model import Plan
from reconciler.render.phrases.diagnostics import tally
from reconciler.render.phrases.words import counted, summary_sentence


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """The plan of one project for one environment. `folder` counts from the repository's root, `.` is the root itself.

    With an `error` there is no plan, and `plan` has what is wrong among its diagnostics. `environment` is empty where
    the settings are so wrong that they do not tell.
    """

    folder: str
    environment: str
    plan: Plan
    exit_code: ExitCode = ExitCode.OK
    error: ReconcileError | None = None

    @property
    def prefix(self) -> str:
        """What leads from the repository's root to the project's files."""
        return "" if self.folder == "." else self.folder

    @property
    def stands_out(self) -> bool:
        """Whether there is more to show of it than a row."""
        plan = self.plan
        return plan.changes_anything or bool(
            plan.actions or plan.diagnostics or plan.outputs or plan.outputs_failed
        )


def row_of(one: ProjectPlan) -> str:
    """What the plan comes to, in few words."""
    if one.plan.invalid:
        return f"no plan: {tally(one.plan.diagnostics).rstrip('.')}"
    return summary_sentence(one.plan).removeprefix("Plan: ").rstrip(".")


def total_of(plans: Sequence[ProjectPlan]) -> str:
    """`3 plans: 1 changes engines, 1 could not be made, 1 without changes.`"""
    valid = [one.plan for one in plans if not one.plan.invalid]
    failed = len(plans) - len(valid)
    changing = sum(plan.changes_anything or bool(plan.outputs) for plan in valid)
    waiting = sum(any(act.condition or act.guard is not None for act in plan.actions) for plan in valid)
    rest = len(plans) - failed - changing
    parts = [
        *([f"{failed:,} could not be made"] if failed else []),
        *([f"{changing:,} with changes"] if changing else []),
        *([f"{rest:,} without changes"] if rest else []),
        *([f"{waiting:,} with engines that need attention"] if waiting else []),
    ]
    return f"{counted(len(plans), 'plan')}: {', '.join(parts)}."


def summary_of(plans: Sequence[ProjectPlan]) -> dict[str, int]:
    """How many plans there are, and the counts of all of them together."""
    total: dict[str, int] = {}
    for one in plans:
        for name, number in one.plan.summary().items():
            total[name] = total.get(name, 0) + number
    return total
