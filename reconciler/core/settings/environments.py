"""Environments kept apart: no two of them may have one lockfile, or one branch that pull requests come from.

One would take the other's engines for its own, and replace them. Paths that differ only in case or in Unicode's normal
form are one file on some machines, and names that differ only in case are one ref.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping

from reconciler.core.settings.model import SETTINGS

Block = Mapping[str, object]
Overlap = tuple[str, str, str]  # two environments, the later one first, and what they share


def overlaps(
    top: Block, overlays: Mapping[str, Block], chosen: str, in_force: Mapping[str, object]
) -> list[Overlap]:
    """What any two of the listed environments share. `in_force` are the settings of the one that is chosen, wherever
    they came from: with another lockfile than the file says, only that one is compared.
    """
    said = {name: _resolved(top, overlay) for name, overlay in overlays.items()}
    before = said.get(chosen, {})
    mine = {setting: in_force.get(setting, before.get(setting)) for setting in before}
    elsewhere = before.get("lockfile") != mine.get("lockfile")
    said[chosen] = mine
    found: list[Overlap] = []
    for what, of in _WAYS:
        first: dict[str, str] = {}
        for name, values in said.items():
            value = of(name, values)
            if value is None:
                continue
            other = first.setdefault(_one(value), name)
            if other != name and (not elsewhere or chosen in (name, other)):
                found.append((name, other, what.format(value)))
    return found


def lockfiles(top: Block, overlays: Mapping[str, Block]) -> dict[str, str]:
    """The lockfile of each environment, as the file says it."""
    return {name: str(_resolved(top, overlay)["lockfile"]) for name, overlay in overlays.items()}


def folders(top: Block, overlays: Mapping[str, Block]) -> tuple[str, ...]:
    """The folders of engine files of all environments, as the file says them."""
    return tuple(sorted({str(_resolved(top, overlay)["engines"]) for overlay in overlays.values()}))


def _resolved(top: Block, overlay: Block) -> dict[str, object]:
    defaults = {
        name: SETTINGS[name].default
        for name in ("engines", "lockfile", "publish", "pr_branch", "track_sources")
    }
    return {name: overlay.get(name, top.get(name, default)) for name, default in defaults.items()}


def _one(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _lockfile(_: str, values: Block) -> str | None:
    return str(values["lockfile"])


def _sources(_: str, values: Block) -> str | None:
    if not values["track_sources"]:
        return None
    from reconciler.core.sources.state import path_beside  # only where sources are looked at

    return path_beside(str(values["lockfile"]))


def _proposals(_: str, values: Block) -> str | None:
    by_pull_request = values["publish"] == "pr" and values["pr_branch"] is not None
    return str(values["pr_branch"]) if by_pull_request else None


def _name(name: str, _: Block) -> str | None:
    return name


_WAYS: tuple[tuple[str, Callable[[str, Block], str | None]], ...] = (
    ("the lockfile {}", _lockfile),
    ("the record of sources {}", _sources),
    ("the branch {} for pull requests", _proposals),
    ("a name that differs only in case", _name),
)
