"""What changed in an environment since it was recorded: engine files with their overlays, read as little as possible.

An engine whose files still have the blob ids in the lockfile is unchanged, and its YAML is not read: provided that the
overlay that counts now is among those files, and no other one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from reconciler.core.lockfile.fast_path import recorded_files

if TYPE_CHECKING:
    from reconciler.app.ports import Engines
    from reconciler.core.engine.overlay import Beside
    from reconciler.core.engine.spec import Desired
    from reconciler.core.errors import Diagnostic
    from reconciler.core.lockfile.model import Lockfile

_SUFFIXES = (".yaml", ".yml")


def load_changed(
    engines: Engines,
    found: Mapping[str, str],
    lockfile: Lockfile,
    selected: Callable[[str], bool],
    id_length: int,
    suspects: Collection[str],
) -> tuple[dict[str, Desired], list[str], list[Diagnostic]]:
    """What the files ask for, the keys that need no reading, and what is wrong. `suspects` are read in any case."""
    desired: dict[str, Desired] = {}
    unchanged: list[str] = []
    diagnostics: list[Diagnostic] = []
    beside = engines.beside()
    overlays, left_over = beside.overlays, _left_over(beside, lockfile)
    moves_possible = not lockfile.engines.keys() <= found.keys()
    for key, path in found.items():
        if left_over and key in left_over:
            continue  # `about_others` says what is wrong with it
        wanted = selected(key)
        document = lockfile.engines.get(key)
        if not wanted and (document is not None or not moves_possible):
            continue
        if (
            document is not None
            and key not in suspects
            and _is_unchanged(engines, document, path, overlays.get(key))
        ):
            unchanged.append(key)
            continue
        loaded = engines.load(key, path, id_length)
        if not isinstance(loaded, list):
            desired[key] = loaded
        elif wanted:
            diagnostics += loaded
    return desired, unchanged, diagnostics


def with_left_out(
    engines: Engines,
    lockfile: Lockfile,
    found: Mapping[str, str],
    desired: Mapping[str, Desired],
    id_length: int,
) -> Beside:
    """What is beside the engines, with those that only a removed or moved file keeps from being seen as not chosen."""
    beside = engines.beside()
    if not (beside.choice.include or beside.choice.exclude) or lockfile.engines.keys() <= found.keys():
        return beside
    from reconciler.app.desired.others import left_out

    left = left_out(engines, beside, lockfile, found, desired, id_length)
    return beside._replace(unchosen={**beside.unchosen, **left}) if left else beside


def about_others(
    beside: Beside,
    lockfile: Lockfile,
    found: Mapping[str, str],
    environment: str,
    allowed: Collection[str],
) -> Iterable[Diagnostic]:
    """What is to be said of files beside the engines. `allowed` are those that are named to be retired."""
    if not beside.lone and not beside.unchosen:
        return
    from reconciler.core.plan.environments import overlays

    yield from overlays.findings(beside, lockfile, found.items())
    left = overlays.unchosen_of(beside, lockfile, allowed)
    if left:
        yield overlays.told_of_unchosen(left, environment, overlays.moved_of(beside, lockfile))


def _left_over(beside: Beside, lockfile: Lockfile) -> Collection[str]:
    """Overlays whose engine is recorded, and whose engine file is gone."""
    from reconciler.core.engine.overlay import is_left_over

    return [key for key, lone in beside.lone.items() if is_left_over(key, lone, lockfile.engines)]


def _is_unchanged(engines: Engines, document: Mapping[str, object], path: str, overlay: str | None) -> bool:
    files = recorded_files(document, path)
    if files is None or (overlay is not None and overlay not in files):
        return False
    if len(files) > 1 and _has_another_overlay(files, path, overlay):
        return False
    for name, blob_id in files.items():  # not `all(…)`: a generator for each of ten thousand engines is felt
        if not isinstance(blob_id, str) or engines.blob_ids(name, len(blob_id)) != blob_id:
            return False
    return True


def _has_another_overlay(files: Mapping[str, str], path: str, overlay: str | None) -> bool:
    """Whether it was recorded with a file that may have been its overlay, and is not now: that may be an engine of its
    own since the settings changed, with the same bytes.
    """
    stem = path[: path.rindex(".") + 1]
    for name in files:
        if name.startswith(stem) and name != path and name != overlay and name.endswith(_SUFFIXES):
            return True
    return False
