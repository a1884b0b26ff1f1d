"""Plans for shards on the command line: `plan --shards N --out DIR`, `apply DIR --shard I/N` and `collect DIR`."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.adapters.project.places import refuse_link_out
from reconciler.adapters.storage.durable_files import mapped
from reconciler.cli.stderr import say
from reconciler.cli.wiring.publishing import shares
from reconciler.cli.wiring.saved_plans import SHARDED as PLAN
from reconciler.cli.wiring.written_files import check_written
from reconciler.core.commands import reconcile
from reconciler.core.errors import InvalidInput, StorageError, UsageError
from reconciler.core.settings.model import Settings

if TYPE_CHECKING:
    from reconciler.app.planning import PlanResult
    from reconciler.core.plan.model import Plan
    from reconciler.core.plan.saved import SavedPlan

FROM_CI = "ci"
_GITLAB = ("CI_NODE_INDEX", "CI_NODE_TOTAL")  # counts from 1
_KUBERNETES = "JOB_COMPLETION_INDEX"  # counts from 0


def check_folder(root: Path, settings: Settings, name: str, folder: Path) -> None:
    """Raises `StorageError`, `UsageError` or `InvalidInput` for a folder of --out that cannot be written."""
    if not name:
        raise UsageError("--out is empty", hint="name a folder for the plan, such as --out shards")
    if os.path.lexists(folder) and not folder.is_dir():
        raise StorageError(
            f"--out {name} is a file, but a plan for shards is a folder",
            hint="choose another name, such as --out shards",
        )
    inside = (f"{name}/{PLAN}", folder / PLAN) if folder.is_dir() else (name, folder)
    check_written(root, settings, "--out", *inside)


def write_sharded(
    start: Path,
    root: Path,
    settings: Settings,
    planned: PlanResult,
    flags: Mapping[str, Any],
    code: int,
) -> None:
    """Write the plan for --shards into the folder of --out; none where no plan could be made.

    Raises `GuardRefused` for one that cannot be divided, `StorageError`.
    """
    if planned.plan.invalid:
        return
    from reconciler.cli.wiring.saved_plans import write_saved
    from reconciler.core.plan.saved import Split
    from reconciler.core.plan.shards import check_divisible

    check_divisible(planned.plan.actions)
    folder = start / flags["out"]
    with mapped("create", f"--out {flags['out']}"):
        folder.mkdir(exist_ok=True)
    asked = {name: flags[name] for name in ("retry_failed", "refresh", "fix_drift")}
    split = Split(flags["shards"], uuid.uuid4().hex)
    write_saved(start, str(Path(flags["out"], PLAN)), root, settings, planned, asked, code, split)
    allowed = [("--allow-replace", key) for key in flags["allow_replace"]]
    _say_how_to_go_on(planned.plan, flags["out"], split.shards, allowed, published=not shares(settings))


def _say_how_to_go_on(
    plan: Plan, folder: str, shards: int, allowed: Sequence[tuple[str, str]], *, published: bool
) -> None:
    """`published`: the commands have to say that they publish, as at a desk. What is `allowed` counts when a shard is
    applied.
    """
    from reconciler.core.plan.shards import calls, sizes

    called = [action.key for action in plan.actions if calls(action)]
    engines = f"{len(called):,} engine{'s' if len(called) != 1 else ''}"
    say(
        f"saved in {folder}/{PLAN}: {engines} in {shards} shards, at most {max(sizes(called, shards)):,} in each"
    )
    each = reconcile(
        "apply", "--yes", ("--shard", f"1/{shards}"), *allowed, arguments=[folder], published=published
    )
    last = reconcile("collect", arguments=[folder], published=published)
    say(f"hint: run every shard, each in a clone of its own: `{each}`")
    say(f"hint: when all have ended, publish their results: `{last}`")


def read_sharded(root: Path, start: Path, name: str) -> SavedPlan:
    """The plan in a folder. Raises `InvalidInput` for one that cannot be applied, `UsageError` for a plan of another
    kind.
    """
    from reconciler.adapters.storage.plan_file import read_plan_file  # pydantic, for saved plans only

    file = start / name
    file = file / PLAN if file.is_dir() else file
    refuse_link_out(root, file, name)
    if not os.path.lexists(file):
        raise InvalidInput(f"no plan for shards in {name}", hint=how_to_plan())
    try:
        saved = read_plan_file(file)
    except InvalidInput as error:
        raise InvalidInput(error.message, hint=how_to_plan()) from error
    if saved.split is None:
        raise UsageError(f"{name} is a plan, but not one for shards", hint=how_to_plan())
    return saved


def shard_of(text: str, saved: SavedPlan, environ: Mapping[str, str]) -> int:
    """The shard that --shard asks for, of a plan for so many. Raises `UsageError`."""
    from reconciler.core.plan.shards import split_of

    shards = split_of(saved).shards
    index, total = _from_ci(environ) if text == FROM_CI else _spelled(text)
    if total is not None and total != shards:
        raise UsageError(
            f"the plan has {shards} shards, but this is one of {total}",
            hint=f"start {shards} shards, or make another plan: `{_plan_command(total)}`",
        )
    if not 1 <= index <= shards:
        raise UsageError(f"the plan has {shards} shards, so there is no shard {index}", hint=_example(shards))
    return index


def _spelled(text: str) -> tuple[int, int | None]:
    index, slash, total = text.partition("/")
    if not (_is_number(index) and (_is_number(total) if slash else True)):
        raise UsageError(
            f"--shard `{text[:40]}`: it takes a number and how many there are, or `ci`", hint=_example(8)
        )
    return int(index), int(total) if slash else None


def _from_ci(environ: Mapping[str, str]) -> tuple[int, int | None]:
    """What the CI system says which of its jobs this is."""
    found: dict[str, tuple[int, int | None]] = {}
    index, total = (environ.get(name, "") for name in _GITLAB)
    if index or total:
        if not (_is_number(index) and _is_number(total)):
            raise UsageError(f"{' and '.join(_GITLAB)} must both be numbers", hint=_example(8))
        found[_GITLAB[0]] = int(index), int(total)
    completion = environ.get(_KUBERNETES, "")
    if completion:
        if not _is_number(completion):
            raise UsageError(f"{_KUBERNETES} must be a number", hint=_example(8))
        found[_KUBERNETES] = int(completion) + 1, None
    if not found:
        raise UsageError(
            f"--shard ci: neither {_GITLAB[0]} nor {_KUBERNETES} is set",
            hint=_example(8),
        )
    if len({one for one, _ in found.values()}) > 1:
        raise UsageError(f"{' and '.join(found)} name different shards", hint=_example(8))
    return next(iter(found.values()))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 6


def _example(shards: int) -> str:
    return f"name a shard, such as `--shard 1/{shards}`"


def _plan_command(shards: int) -> str:
    return reconcile("plan", ("--shards", str(shards)), ("--out", "shards"))


def how_to_plan() -> str:
    """A hint."""
    return f"run `{_plan_command(8)}` to make one"
