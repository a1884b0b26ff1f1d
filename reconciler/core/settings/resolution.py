"""Which of four places the value of each setting comes from.

Flag > environment variable > `reconcile.yaml` (its `environments:` overlay before its top level) > default.
Imported at every start of the command, as the declarations are; what checks the file comes only with a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.core.errors import Diagnostic, InvalidInput, UsageError
from reconciler.core.settings.model import OVERLAYS, SETTINGS, SETTINGS_FILE, Settings

if TYPE_CHECKING:
    from reconciler.core.settings.model import Place, Setting


def resolve(
    flags: Mapping[str, object],
    env: Mapping[str, str],
    file: Mapping[str, object] | None,
    *,
    place: Place | None = None,
    file_name: str = SETTINGS_FILE,
) -> Settings:
    """The settings of a run. `flags` has the names of `SETTINGS`; a flag that is None was not given.

    A variable that is empty counts as not set, since that is what CI makes of a variable nobody defined.
    `file` is the parsed settings file, None when there is none; `place` finds things in it, for messages.

    Raises `InvalidInput` with everything that is wrong anywhere, or `UsageError` with the same when a flag
    is.
    """
    given = _Given(place, file_name)
    given.read_flags(flags)
    given.read_environment(env)
    given.read_file(file or {})
    given.choose_environment()
    given.raise_if_wrong()
    sources = dict.fromkeys(SETTINGS, "default") | given.sources
    return Settings(
        **given.values,
        source_of=sources,
        lockfiles=given.lockfiles,
        folders=given.folders,
        listed=given.listed,
    )


class _Given:
    """What was given so far, and what was wrong with it. Read in order of precedence: first come stays."""

    def __init__(self, place: Place | None, file_name: str) -> None:
        self.values: dict[str, Any] = {}
        self.sources: dict[str, str] = {}
        self.lockfiles: dict[str, str] = {}
        self.folders: tuple[str, ...] = ()
        self._place = place
        self._file_name = file_name
        self._top: dict[str, object] = {}
        self._overlays: dict[str, dict[str, object]] | None = None
        self._findings: list[Diagnostic] = []
        self._wrong: set[str] = set()
        self._flag_is_wrong = False

    def read_flags(self, flags: Mapping[str, object]) -> None:
        for name, value in flags.items():
            setting = SETTINGS[name]
            if value is not None:
                self._take_text(setting, value, setting.flag)
        self._flag_is_wrong = bool(self._wrong)

    def read_environment(self, env: Mapping[str, str]) -> None:
        for setting in SETTINGS.values():
            for variable in (setting.variable, setting.older):
                value = env.get(variable, "").strip() if variable else ""
                if value:
                    self._take_text(setting, value, variable)
                    break

    def read_file(self, file: Mapping[str, object]) -> None:
        if not file:
            return
        from reconciler.core.settings.content import FileReading

        reading = FileReading(self._place, self._file_name)
        self._top, self._overlays = reading.read(file)
        self._findings += reading.findings
        self._wrong |= file.keys() - self._top.keys()

    def choose_environment(self) -> None:
        """Settle the environment; then its overlay, and the file's top level, fill what is still open."""
        top = self._top
        self._fill({name: top[name] for name in top if name == "environment"}, self._file_name)
        chosen = self.values.get("environment", SETTINGS["environment"].default)
        overlays = self._overlays or {}
        if overlays and chosen not in overlays and "environment" not in self._wrong:
            self._report_unlisted(chosen, overlays)
        self._fill(overlays.get(chosen, {}), f"{self._file_name}, {OVERLAYS}.{chosen}")
        self._fill(top, self._file_name)
        if len(overlays) > 1 and not self._findings:  # a value that is wrong would look like none
            self._keep_apart(chosen, overlays)

    def _keep_apart(self, chosen: str, overlays: Mapping[str, dict[str, object]]) -> None:
        from reconciler.core.settings.environments import (  # only with several of them
            folders,
            lockfiles,
            overlaps,
        )

        self.folders = folders(self._top, overlays)
        self.lockfiles = lockfiles(self._top, overlays) | {
            chosen: str(self.values.get("lockfile", SETTINGS["lockfile"].default))
        }
        for name, other, what in overlaps(self._top, overlays, chosen, self.values):
            message = f"the environments `{other}` and `{name}` share {what}"
            hint = (
                f"give each its own, such as `lockfile: engines.{name}.lock.json` below `{OVERLAYS}.{name}`"
            )
            line = col = excerpt = None
            if self._place is not None:
                line, col, excerpt = self._place((OVERLAYS, name), of="key")
            self._findings.append(Diagnostic(message, self._file_name, line, col, excerpt, hint))

    @property
    def listed(self) -> tuple[str, ...]:
        """The environments that the file lists."""
        return tuple(self._overlays or ())

    def raise_if_wrong(self) -> None:
        if self._findings:
            kind = UsageError if self._flag_is_wrong else InvalidInput
            raise kind("the settings are not valid", diagnostics=self._findings)

    def _fill(self, values: Mapping[str, object], source: str) -> None:
        for name, value in values.items():
            if name not in self.values:
                self.values[name] = value
                self.sources[name] = source

    def _take_text(self, setting: Setting, value: object, source: str) -> None:
        try:
            self._fill({setting.name: setting.kind.parse(value, True)}, source)
        except InvalidInput as error:
            self._wrong.add(setting.name)
            self._findings.append(Diagnostic(f"{source} {error.message}", hint=error.hint))

    def _report_unlisted(self, chosen: str, overlays: Mapping[str, object]) -> None:
        from reconciler.core.settings.kinds import NAME_PATTERN, matches
        from reconciler.core.suggest import did_you_mean

        if any(not matches(NAME_PATTERN, name) for name in overlays):
            return  # maybe that one is meant, and it is reported
        setting = SETTINGS["environment"]
        source = self.sources.get("environment", "the default")
        known = ", ".join(sorted(overlays))
        close = did_you_mean(chosen, overlays)
        hint = f"did you mean `{close}`?" if close else f"choose one of {known} with {setting.flag}"
        # A variable may hold anything, by mistake a secret: its value is not repeated.
        what = source if source == setting.variable else f"{source} ({chosen})"
        message = f"{what} names an environment that is not listed under `{OVERLAYS}` in {self._file_name}"
        self._flag_is_wrong |= source == setting.flag
        if source == self._file_name and self._place is not None:
            line, col, excerpt = self._place(("environment",))
            self._findings.append(Diagnostic(message, self._file_name, line, col, excerpt, hint))
        else:
            self._findings.append(Diagnostic(message, hint=hint))
