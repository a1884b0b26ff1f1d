"""Saved plans and guards on the command line: `plan --out`, `apply PLAN`, --allow-replace and --allow-retire."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.adapters.project.places import refuse_link_out
from reconciler.core.errors import UsageError
from reconciler.core.settings.model import Settings

if TYPE_CHECKING:
    from reconciler.app.planning import PlanResult
    from reconciler.core.plan.saved import SavedPlan


def write_saved(
    start: Path,
    out: str,
    root: Path,
    settings: Settings,
    planned: PlanResult,
    asked: Mapping[str, bool],
    code: int,
) -> None:
    """Write the plan file `out`, as seen from the folder `start`; none where no plan could be made. `asked` are the
    flags that applying it needs to know.

    The file was looked at before (written_files.py). Raises `StorageError`, `UsageError`.
    """
    file = start / out
    if planned.plan.invalid:
        return
    from reconciler.adapters.storage.plan_file import write_plan_file  # pydantic, for saved plans only
    from reconciler.core.plan.saved import apply_document
    from reconciler.render.data.json_view import plan_document

    document = {
        **plan_document(planned.plan),
        "apply": apply_document(planned.plan, planned.recorded.folded, **asked),
        "exitCode": int(code),
    }
    write_plan_file(file, document)


def read_saved(root: Path, start: Path, flags: Mapping[str, Any]) -> SavedPlan | None:
    """The plan file that is to be applied, if one is named. Raises `InvalidInput` for one that cannot be."""
    name = flags["plan_file"]
    if name is None:
        return None
    for option in ("--only", "--retry-failed", "--refresh", "--fix-drift"):
        if flags[option[2:].replace("-", "_")]:
            raise UsageError(
                f"{option} cannot be used with a saved plan", hint="use it with the command `plan`"
            )
    from reconciler.adapters.storage.plan_file import read_plan_file  # pydantic, for saved plans only

    refuse_link_out(root, start / name, name)
    return read_plan_file(start / name)
