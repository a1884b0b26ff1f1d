"""Overlays: what one environment has otherwise than an engine file says, in a file of its own beside it.

`acme.staging.yaml` lies over `acme.yaml` where `staging` is an environment that the settings list. Key by key: mappings
merge, anything else replaces, and null removes (JSON Merge Patch, RFC 7386). Whether a name is that of an overlay is
decided by the names alone, so that it can be asked for ten thousand engines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from reconciler.core.frozen import dataclass

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Of what is in the engines folder, what an environment is about: its name, all that the settings list, and the
    patterns of keys that it includes (all, if there are none) and excludes.
    """

    environment: str = ""
    listed: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def overlaid(self) -> str:
        """The environment whose overlays count; empty where it is not listed."""
        return self.environment if self.environment in self.listed else ""


ALL = EngineChoice()


class Lone(NamedTuple):
    """An engine file that is named like an overlay, and is none."""

    base: str  # the key that it would lie over
    environment: str
    why: str  # "no base", "not listed" (no environment is), or "misspelt" (perhaps)


class Beside(NamedTuple):
    """What is in the engines folder beside the engines: overlays of the chosen environment by key, the base of every
    overlay by the key that it would have itself, files that are only named like one, and engines that are not chosen.
    """

    overlays: Mapping[str, str] = {}
    bases: Mapping[str, str] = {}
    lone: Mapping[str, Lone] = {}
    unchosen: Mapping[str, str] = {}
    files: Mapping[str, str] = {}  # of all overlays, by the key that each would have itself
    listed: tuple[str, ...] = ()  # the environments in the settings
    choice: EngineChoice = ALL  # where it leaves any out


NOTHING = Beside()


class Named:
    """Sorts out keys with a dot in their names: `bases` has the base and environment of every overlay, `lone` those
    that are engines and only look like one, and `wrong` a message and a hint for those that are neither.
    """

    def __init__(self, keys: Collection[str], choice: EngineChoice) -> None:
        self.bases: dict[str, tuple[str, str]] = {}
        self.lone: dict[str, Lone] = {}
        self.wrong: dict[str, tuple[str, str]] = {}
        self._keys = keys
        self._choice = choice
        self._folded: dict[str, str] = {}
        for key in keys:
            if "." in key and "." in key.rpartition("/")[2]:
                self._sort_out(key)
        for key in [key for key, (base, _) in self.bases.items() if base in self.bases]:
            del self.bases[key]
            message = "an overlay lies over an engine file, and this one would lie over another overlay"
            self.wrong[key] = message, "write what it says into that overlay, and delete it"

    def _sort_out(self, key: str) -> None:
        ways = [(base, one) for one in self._choice.listed if (base := _base(key, one))]
        real = [way for way in ways if way[0] in self._keys]
        if len(real) > 1:
            bases = " and ".join(f"`{base}`" for base, _ in real)
            self.wrong[key] = f"this could be the overlay of {bases}", "rename one of their files"
        elif real:
            self.bases[key] = real[0]
        elif (twin := self._twin(key)) is not None:
            self.wrong[key] = twin
        elif ways:
            self.lone[key] = Lone(*min(ways, key=lambda way: len(way[0])), "no base")
        else:
            base, _, last = key.rpartition(".")
            if base in self._keys and (self._choice.listed or last == self._choice.environment):
                self.lone[key] = Lone(base, last, "misspelt" if self._choice.listed else "not listed")

    def _twin(self, key: str) -> tuple[str, str] | None:
        """What is wrong with a name that is an overlay's but for capitals, which some systems do not tell apart."""
        for environment in self._choice.listed:
            base, last = key[: -len(environment) - 1], key[-len(environment) - 1 :]
            if not base or last.casefold() != f".{environment}".casefold():
                continue
            if last[1:] != environment and base in self._keys:
                message = f"`{last[1:]}` differs from the environment `{environment}` only in case"
                return message, f"rename the file: end its name in `.{environment}`"
            if base not in self._keys and (other := self._other(base)) is not None:
                message = f"the engine file that it would lie over, `{other}`, is spelled differently"
                return message, "rename one of them, so that they agree in case"
        return None

    def _other(self, key: str) -> str | None:
        """A key that differs from this one only in case."""
        if not self._folded:
            self._folded = {one.casefold(): one for one in self._keys}
        return self._folded.get(key.casefold())


def _base(key: str, environment: str) -> str:
    """What is before the environment's name; empty where it does not end in that, or nothing is left."""
    if not key.endswith(f".{environment}"):
        return ""
    base = key[: -len(environment) - 1]
    return "" if base.endswith("/") else base


def is_left_over(key: str, lone: Lone, recorded: Collection[str]) -> bool:
    """Whether it was an overlay: the engine under it is recorded, and its file is gone."""
    return lone.why == "no base" and lone.base in recorded and key not in recorded


def chosen(choice: EngineChoice, key: str) -> bool:
    """Whether the environment is about this engine. `*` also crosses `/`, as with --only."""
    if choice.include and not any(matches(one, (key,)) for one in choice.include):
        return False
    return not any(matches(one, (key,)) for one in choice.exclude)


def matches(pattern: str, keys: Iterable[str]) -> bool:
    """Whether the pattern matches one of the keys."""
    from fnmatch import fnmatchcase  # only with patterns

    return any(key == pattern or fnmatchcase(key, pattern) for key in keys)


def overlay_names(path: str, environment: str) -> tuple[str, ...]:
    """What the overlay over an engine file may be called; nothing without an environment."""
    if not environment:
        return ()
    stem = path.rpartition(".")[0]
    return (f"{stem}.{environment}.yaml", f"{stem}.{environment}.yml")


def merged(base: Any, overlay: Any) -> Any:
    """The overlay's value laid over the base's."""
    if not isinstance(overlay, dict):
        return overlay
    value = dict(base) if isinstance(base, dict) else {}
    for key, new in overlay.items():
        if new is None:
            value.pop(key, None)
        else:
            value[key] = merged(value.get(key), new)
    return value


def is_of_overlay(path: Path, base: Any, overlay: Any) -> bool:
    """Whether what stands at this place of the merged value, or is missing there, was said by the overlay."""
    for step in path:
        if not isinstance(overlay, dict) or step not in overlay:
            return False
        if not (
            isinstance(base, dict) and isinstance(base.get(step), dict) and isinstance(overlay[step], dict)
        ):
            return True
        base, overlay = base[step], overlay[step]
    return False
