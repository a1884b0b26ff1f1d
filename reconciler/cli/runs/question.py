"""What a person is asked before a plan is applied."""

from __future__ import annotations

from reconciler.core.plan.model import Plan


def question(plan: Plan) -> str:
    """With what the plan costs."""
    jobs = sum(action.creates for action in plan.actions)
    cost = (
        f"{jobs} provisioning job{'s' if jobs != 1 else ''} will be created."
        if jobs
        else "No provisioning jobs will be created."
    )
    updates = sum(action.updates for action in plan.actions)
    if updates:
        cost += f" {updates} engine{'s' if updates != 1 else ''} will be updated in place."
    return f"\nApply this? {cost}"
