"""Whether engine files are valid in every environment that chooses them, each with the overlay that it has there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.app.planning import SHA1_LENGTH, clashes_of, discovered
from reconciler.core.errors import Diagnostic, InvalidInput, Severity

if TYPE_CHECKING:
    from reconciler.app.ports import Checkout, Engines
    from reconciler.core.engine.spec import Desired


def validate_everywhere(
    environments: Mapping[str, Engines],
    only_paths: Collection[str] | None = None,
    checkout: Callable[[], Checkout] | None = None,
) -> tuple[list[str], list[Diagnostic]]:
    """Read every engine file (or those at these paths) as each of these environments has it: the keys that are valid in
    all of them, and what is wrong with the rest, each finding once. An engine that no environment chooses is read as
    the first one would have it.
    """
    reading = _Reading(only_paths)
    left: dict[str, str] = {}
    first: Engines | None = None
    several = len(environments) > 1
    valid: dict[str, Mapping[str, Desired]] = {}
    for name, engines in environments.items():
        try:
            found, problems = discovered(engines, checkout)
        except InvalidInput as error:
            if not several:
                raise
            reading.add([Diagnostic(error.message, hint=error.hint)])
            continue
        reading.add(problems)
        valid[name] = reading.read(engines, found)
        left |= engines.beside().unchosen
        first = first or engines
    if first is not None:
        reading.read(first, {key: path for key, path in left.items() if key not in reading.seen})
    if any(one.outputs for ones in valid.values() for one in ones.values()):
        from reconciler.core.outputs.places import shared_places

        reading.add(shared_places(valid))
    if only_paths is not None and not reading.seen and not reading.findings:
        raise InvalidInput(
            "none of these paths is an engine file", hint="name files that match engines/**/*.yaml"
        )
    wrong = {one.key for one in reading.findings if one.severity is Severity.ERROR}
    return sorted(reading.seen - reading.invalid - wrong), reading.findings


class _Reading:
    """What was read so far. Environments without an overlay over a file read it once for all of them."""

    def __init__(self, only_paths: Collection[str] | None) -> None:
        self.seen: set[str] = set()
        self.invalid: set[str | None] = set()
        self.findings: list[Diagnostic] = []
        self._only_paths = only_paths
        self._known: dict[tuple[str, str | None], Desired | list[Diagnostic]] = {}

    def read(self, engines: Engines, found: Mapping[str, str]) -> Mapping[str, Desired]:
        overlays = engines.beside().overlays
        valid: dict[str, Desired] = {}
        for key, path in found.items():
            if self._only_paths is not None and path not in self._only_paths:
                continue
            self.seen.add(key)
            files = path, overlays.get(key)
            if files not in self._known:
                self._known[files] = engines.load(key, path, SHA1_LENGTH)
            loaded = self._known[files]
            if isinstance(loaded, list):
                self.invalid.add(key)
                self.add(loaded)
            else:
                valid[key] = loaded
        self.add(clashes_of(valid))
        return valid

    def add(self, findings: Sequence[Diagnostic]) -> None:
        """Those that were not found before; a file that is wrong in itself is so in every environment."""
        self.findings += [one for one in findings if one not in self.findings]
