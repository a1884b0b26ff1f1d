"""What can stand for a value: engine keys, environments, saved plans. Read from the project's files, and never run.

A project that is broken completes what can still be read of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import click

from reconciler.adapters.project.settings import find_root, read_settings_file
from reconciler.cli.options import given
from reconciler.core.errors import ReconcileError
from reconciler.core.settings.model import OVERLAYS, SETTINGS_FILE, Settings
from reconciler.project.opened import Project, Surroundings
from reconciler.project.opening import project_of, settings_of

FILE, FOLDER = "file", "dir"  # the shell completes these
_MOST = 1_000  # words; more are of no help
_HEAD = 4_096  # bytes of a file, in which a plan shows


def kind_of(param: click.Parameter) -> str | Callable[[click.Context, str], Iterable[str]] | None:
    """How values of an option or argument are completed, by its name; None where click knows."""
    if isinstance(param.type, click.Choice):
        return None
    if param.name in _FILES or param.metavar == "FILE" or isinstance(param.type, click.Path):
        return FILE
    if param.name in ("directory", "globs"):
        return FOLDER
    if "--to" in param.opts and param.metavar == "ENGINE_ID":
        return _earlier_engines
    if param.metavar == "ENV":
        return _environments
    return _keys if param.metavar in ("KEY", "KEY [KEY]...") else _VALUES.get(param.name or "")


def _keys(ctx: click.Context, typed: str) -> Iterable[str]:
    project = _project(ctx)
    found: set[str] = set()
    with suppress(ReconcileError):
        found.update(project.engines.discover()[0])
    with suppress(ReconcileError):
        lockfile = project.lockfile.read()[0]
        found |= lockfile.engines.keys() | lockfile.retired.keys()
    matching = sorted(key for key in found if key.startswith(typed))
    return matching[:_MOST]


def _earlier_engines(ctx: click.Context, typed: str) -> Iterable[str]:
    """The engines that the key of this line served with before, the newest first."""
    key = ctx.params.get("key") or next(iter(ctx.args), "")  # left there while `--to` lacks its value
    entry = _project(ctx).lockfile.read()[0].entry(key)
    return [] if entry is None else [one.engine_id for one in reversed(entry.superseded)]


def _environments(ctx: click.Context, typed: str) -> Iterable[str]:
    start, root, config = _place(ctx)
    path = root / SETTINGS_FILE if config is None else start / config
    overlays = (read_settings_file(path, explicit=config is not None).values or {}).get(OVERLAYS)
    return [name for name in overlays if isinstance(name, str)] if isinstance(overlays, dict) else []


def _commands(ctx: click.Context, typed: str) -> Iterable[str]:
    root = ctx.find_root().command
    return root.list_commands(ctx) if isinstance(root, click.Group) else ()


def _plans(ctx: click.Context, typed: str) -> Iterable[str]:
    """Saved plans in the folder that is typed so far, and its folders."""
    folder, _, name = typed.rpartition("/")
    prefix = typed.removesuffix(name)
    base = _place(ctx)[0] / (folder or ("/" if prefix else "."))
    entries = sorted(os.scandir(base), key=lambda one: one.name)[: 10 * _MOST]
    shown = [one for one in entries if one.name.startswith(name) and (name or not one.name.startswith("."))]
    plans = [prefix + one.name for one in shown if one.name.endswith(".json") and _is_plan(Path(one.path))]
    return plans + [f"{prefix}{one.name}/" for one in shown if one.is_dir()]


def _is_plan(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        head = opened.read(_HEAD)
    return b'"schemaVersion"' in head and b'"digest"' in head


def _project(ctx: click.Context) -> Project:
    """The project, or the one that the default settings make, where its own are wrong."""
    start, root, config = _place(ctx)
    try:
        settings = settings_of(root, start, config, {"environment": given(ctx, "environment")}, os.environ)
        return project_of(root, start, config, settings, Surroundings())
    except ReconcileError:
        return Project(root, Settings())


def _place(ctx: click.Context) -> tuple[Path, Path, str | None]:
    start = Path(os.path.expanduser(given(ctx, "directory") or ".")).absolute()
    return start, find_root(start), given(ctx, "config")


_FILES = frozenset(
    {"config", "paths", "inbox", "source", "event", "base_file", "ours", "theirs", "out", "report", "output"}
)
_VALUES: dict[str, Callable[[click.Context, str], Iterable[str]]] = {
    "key": _keys,
    "environment": _environments,
    "plan_file": _plans,
    "names": _commands,
    "publish": lambda ctx, typed: ["pr"],
}
