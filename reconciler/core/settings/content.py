"""What `reconcile.yaml` says, checked: known names, right kinds, and the overlays under `environments:`.

Apart from the resolution, so that a project without the file does not pay for it. Findings are collected,
never raised one by one. An excerpt shows no secret that somebody put into the file: an unknown key is shown
without its value, and a URL without credentials and query.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from reconciler.core.errors import Diagnostic, InvalidInput
from reconciler.core.excerpt import Excerpt
from reconciler.core.settings.kinds import Name
from reconciler.core.settings.model import OVERLAYS, SETTINGS
from reconciler.core.suggest import did_you_mean
from reconciler.core.user_info import MASK, USER_INFO

if TYPE_CHECKING:
    from typing import Literal

    from reconciler.core.settings.model import Place, Setting

Path = tuple[str | int, ...]
Block = dict[str, object]

# An overlay is found by the environment's name, so it cannot choose another one.
IN_OVERLAYS = tuple(name for name in SETTINGS if name != "environment")
_SECRET_WORDS = ("key", "token", "secret", "password")


class FileReading:
    def __init__(self, place: Place | None, file_name: str) -> None:
        self.findings: list[Diagnostic] = []
        self._place = place
        self._file_name = file_name

    def read(self, file: Mapping[str, object]) -> tuple[Block, dict[str, Block] | None]:
        """The values of the top level, and of each listed environment; None when the file lists none."""
        settings = {name: value for name, value in file.items() if name != OVERLAYS}
        top = self._block(settings, (), (*SETTINGS, OVERLAYS))
        return top, self._overlays(file.get(OVERLAYS))

    def _overlays(self, value: object) -> dict[str, Block] | None:
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self._report(
                f"{OVERLAYS} must map names to settings", (OVERLAYS,), hint="write `staging: {api_url: …}`"
            )
            return None
        return {name: self._overlay(name, body) for name, body in value.items()}

    def _overlay(self, name: str, body: object) -> Block:
        path: Path = (OVERLAYS, name)
        try:
            Name().parse(name, False)
        except InvalidInput as error:
            self._report(f"an environment {error.message}", path, of="key", hint=error.hint)
        if body is None:
            return {}
        if not isinstance(body, Mapping):
            self._report(
                "an environment must be a mapping of settings", path, hint="write `api_url: …` below it"
            )
            return {}
        return self._block(body, path, IN_OVERLAYS)

    def _block(self, block: Mapping[str, object], path: Path, known: Collection[str]) -> Block:
        values: Block = {}
        for name, value in block.items():
            if name not in known:
                self._report_unknown(name, path, known)
                continue
            try:
                values[name] = _parsed(SETTINGS[name], value)
            except InvalidInput as error:
                self._report(f"{name} {error.message}", (*path, name), hint=error.hint)
        return values

    def _report_unknown(self, name: str, path: Path, known: Collection[str]) -> None:
        shown = "".join(letter if letter.isprintable() else "�" for letter in name[:60])
        close = did_you_mean(name, known)
        hint = f"did you mean `{close}`?" if close else f"use one of {', '.join(known)}"
        if any(word in name.lower() for word in _SECRET_WORDS):
            hint = "set LINGO_API_KEY instead: the API key is not read from files; `api_key_env` names another variable"
        elif path and name in SETTINGS:
            hint = "move it to the top level: it chooses the overlay"
        self._report(
            f"unknown setting {shown}", (*path, name), of="key", hint=hint, excerpt=Excerpt(f"{shown}: …", 0)
        )

    def _report(
        self,
        message: str,
        path: Path,
        *,
        of: Literal["key", "value"] = "value",
        hint: str | None = None,
        excerpt: Excerpt | None = None,
    ) -> None:
        if self._place is None:
            self.findings.append(Diagnostic(message, self._file_name, hint=hint))
            return
        line, col, text = self._place(path, of=of)
        shown = excerpt if excerpt is not None else without_secrets(text)
        self.findings.append(Diagnostic(message, self._file_name, line, col, shown, hint))


def _parsed(setting: Setting, value: object) -> object:
    if value is not None:
        return setting.kind.parse(value, False)
    if setting.default is None:
        return None
    raise InvalidInput("has no value", hint=f"write `{setting.name}: {setting.example}`, or remove the line")


def without_secrets(excerpt: Excerpt) -> Excerpt:
    """The excerpt with credentials and queries of its URLs cut out."""
    if "://" not in excerpt.text:
        return excerpt
    return excerpt.masked(USER_INFO, f"{MASK}@").masked(r"(://[^\s?#]*)[?#]\S*", r"\1?…")
