"""Saved plans and guards on the command line: `plan --out`, `apply PLAN`, --allow-replace and --allow-retire."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.adapters.project.places import refuse_link_out
from reconciler.core.commands import reconcile
from reconciler.core.errors import UsageError
from reconciler.core.settings.model import Settings

SHARDED = "plan.json"  # in the folder of a plan for shards

if TYPE_CHECKING:
    from reconciler.app.planning import PlanResult
    from reconciler.core.plan.saved import SavedPlan, Split


def write_saved(
    start: Path,
    out: str,
    root: Path,
    settings: Settings,
    planned: PlanResult,
    asked: Mapping[str, bool],
    code: int,
    split: Split | None = None,
) -> None:
    """Write the plan file `out`, as seen from the folder `start`; none where no plan could be made. `asked` are the
    flags that applying it needs to know; with `split` it is for shards.

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
        "apply": apply_document(planned.plan, planned.recorded.folded, split=split, **asked),
        "exitCode": int(code),
    }
    write_plan_file(file, document)


def read_saved(root: Path, start: Path, flags: Mapping[str, Any]) -> SavedPlan | None:
    """The plan file that is to be applied, if one is named. Raises `InvalidInput` for one that cannot be."""
    name = flags["plan_file"]
    if name is None:
        return None
    refuse_with_saved(flags)
    from reconciler.adapters.storage.plan_file import read_plan_file  # pydantic, for saved plans only

    file = start / name
    in_folder = file.is_dir() and (file / SHARDED).exists()
    file = file / SHARDED if in_folder else file
    refuse_link_out(root, file, name)
    saved = read_plan_file(file)
    if saved.split is not None:
        shards = saved.split.shards
        folder = name if in_folder else os.path.dirname(name) or "."
        how = reconcile("apply", "--yes", ("--shard", f"1/{shards}"), arguments=[folder])
        raise UsageError(f"{name} is a plan for {shards} shards", hint=f"apply them one by one: `{how}`")
    return saved


def refuse_with_saved(flags: Mapping[str, Any]) -> None:
    """Raises `UsageError` for options that say what to plan, where a plan is there already."""
    for option in ("--only", "--retry-failed", "--refresh", "--fix-drift", "--check-sources"):
        if flags[option[2:].replace("-", "_")]:
            raise UsageError(
                f"{option} cannot be used with a saved plan", hint="use it with the command `plan`"
            )
