"""What a plan says of files beside the engine files: of overlays whose base is gone, of engines that only look like an
overlay, and of engines that the environment does not choose any more. None of these is ever retired by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from reconciler.core.commands import git, git_path, reconcile
from reconciler.core.engine.overlay import Beside, Lone, is_left_over
from reconciler.core.errors import Diagnostic, Severity
from reconciler.core.frozen import replace
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.model import Action, Kind
from reconciler.core.suggest import did_you_mean

_AWAY = (Kind.RETIRE, Kind.DELETE)
_SHOWN = 5


def findings(beside: Beside, lockfile: Lockfile, files: Iterable[tuple[str, str]]) -> Iterator[Diagnostic]:
    """About files that are named like overlays and are none. `files` are the engines with their paths. One that the
    lockfile records is an engine, whatever it is called.
    """
    for key, path in files:
        lone = beside.lone.get(key)
        if lone is None or key in lockfile.engines:
            continue
        if is_left_over(key, lone, lockfile.engines):
            yield _left_over(lone, path, key)
        elif lone.why != "misspelt" or did_you_mean(lone.environment, beside.listed) is not None:
            words, hint = why_alone(lone, path, beside.listed)
            yield Diagnostic(
                f"an engine of its own: {words}", path, hint=hint, severity=Severity.WARNING, key=key
            )


def _left_over(lone: Lone, path: str, key: str) -> Diagnostic:
    base = _beside(path, lone.base)
    remove, restore = git("rm", "--", git_path(path)), git("checkout", "HEAD", "--", git_path(base))
    return Diagnostic(
        f"an overlay without its engine file: `{lone.base}` is recorded, and {base} is gone",
        path,
        hint=f"remove the overlay, too: {remove}\nor bring the engine file back: {restore}",
        key=key,
    )


def _beside(path: str, key: str) -> str:
    """What the engine file of that key is called, in the folder of `path`."""
    folder, slash, name = path.rpartition("/")
    suffix = name.rpartition(".")[2]
    return f"{folder}{slash}{key.rpartition('/')[2]}.{suffix}"


def why_alone(lone: Lone, path: str, listed: Collection[str]) -> tuple[str, str]:
    """Why a file that looks like an overlay is none, and what makes it one."""
    base = _beside(path, lone.base)
    if lone.why == "no base":
        return f"there is no {base} that it could lie over", f"create {base} to make it an overlay"
    if lone.why == "not listed":
        words = f"the settings list no environment `{lone.environment}`"
        return words, f"list it under `environments:` to make the file the overlay of {base}"
    meant = did_you_mean(lone.environment, listed)
    words = f"`{lone.environment}` is no environment that the settings list"
    if meant is None:
        return words, f"list it under `environments:` to make the file the overlay of {base}"
    return words, f"rename it to {_beside(path, f'{lone.base}.{meant}')} to make it the overlay of `{meant}`"


def hold_overlaid(actions: Sequence[Action], beside: Beside, allowed: Collection[str]) -> tuple[Action, ...]:
    """The actions; an engine whose file became an overlay is not retired unless it is named."""
    return tuple(
        _held(action, beside)
        if action.kind in _AWAY and action.key in beside.bases.keys() - allowed
        else action
        for action in actions
    )


def _held(action: Action, beside: Beside) -> Action:
    path, base = beside.files[action.key], beside.bases[action.key]
    other = _beside(path, action.key.replace(".", "-"))
    keep = git("mv", "--", git_path(path), git_path(other))
    allow = reconcile("apply", ("--allow-retire", action.key))
    return replace(
        action,
        reason=f"its file is the overlay of `{base}` now",
        guard=f"{path} became the overlay of `{base}`, and its own engine is still recorded",
        hint=f"keep the engine under another name: {keep}\nto retire this one anyway: {allow}",
    )


def unchosen_of(beside: Beside, lockfile: Lockfile, allowed: Collection[str]) -> list[str]:
    """Engines that are recorded and have a file, and that the environment does not choose: they stay as they are, but
    for those that are named to be retired.
    """
    return [key for key in beside.unchosen if key in lockfile.engines and key not in allowed]


def moved_of(beside: Beside, lockfile: Lockfile) -> dict[str, str]:
    """Of the engines that are not chosen those whose file moved to where none is, with that file."""
    files = {path for key, path in beside.unchosen.items() if key not in lockfile.engines}
    return {key: path for key, path in beside.unchosen.items() if key in lockfile.engines and path in files}


def told_of_unchosen(keys: Sequence[str], environment: str, moved: Mapping[str, str] = {}) -> Diagnostic:
    """That engines are recorded and not chosen any more. `moved` are files that have another name now."""
    many = len(keys) > 1
    named = ", ".join(f"`{key}`" + (f" (now {moved[key]})" if key in moved else "") for key in keys[:_SHOWN])
    named += f" and {len(keys) - _SHOWN:,} more" if len(keys) > _SHOWN else ""
    verbs = ("are", "they keep", "them") if many else ("is", "it keeps", "it")
    message = (
        f"{named} {verbs[0]} recorded and no longer chosen for `{environment}` (`include`, `exclude`): "
        f"{verbs[1]} serving, and no run changes {verbs[2]}"
    )
    allow = reconcile("apply", ("--allow-retire", keys[0]))
    return Diagnostic(
        message, hint=f"run `{allow}` to retire {'one' if many else 'it'}", severity=Severity.NOTICE
    )


def with_reasons(actions: Sequence[Action], beside: Beside) -> tuple[Action, ...]:
    """The actions; those that retire an engine which is only not chosen say so."""
    return tuple(
        replace(action, reason="no longer chosen in this environment")
        if action.kind in _AWAY and action.key in beside.unchosen
        else action
        for action in actions
    )
