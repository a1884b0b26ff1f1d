"""Engine files: finding them, telling whether they changed, and turning them into specs.

Three operations of very different cost, kept apart so that a plan pays only for what it needs: `discover` lists,
`blob_ids` hashes, `load` parses and validates. Only the last imports the YAML reader and pydantic.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.adapters.engine_files.discovery import discover
from reconciler.adapters.project.safe_read import FileRefused, SafeFiles
from reconciler.core.duration import parse_duration
from reconciler.core.engine.fingerprint import blob_id, fingerprint
from reconciler.core.engine.overlay import ALL, Beside, EngineChoice, overlay_names
from reconciler.core.engine.spec import ONLY_REPORTED, Desired, Output, RefreshOptions, Source, Spec
from reconciler.core.errors import Diagnostic, InvalidInput

if TYPE_CHECKING:
    from reconciler.adapters.engine_files.outputs import OutputPlaces
    from reconciler.adapters.engine_files.overlaid import Overlaid
    from reconciler.adapters.engine_files.sources import SourceText
    from reconciler.adapters.yaml.reader import YamlDocument
    from reconciler.core.outputs.rules import OutputRules
    from reconciler.core.sources.links import Place


class _Read(NamedTuple):
    """A file as it was read."""

    path: str
    data: bytes
    document: YamlDocument


class EngineFiles:
    """The engine files of one project. Paths are relative to its root, with forward slashes.

    `files` reads them from elsewhere than the work tree (a commit); such engines can be loaded, but not discovered.
    `choice` is the environment that they are for, and what it chooses; `rules` say where IDs may be written.
    """

    def __init__(
        self,
        root: Path,
        engines_dir: str = "engines",
        *,
        rules: Callable[[], OutputRules] | None = None,
        files: SafeFiles | None = None,
        choice: EngineChoice = ALL,
    ) -> None:
        self._root = os.path.abspath(root)
        self._engines_dir = engines_dir
        self._rules = rules
        self._files = files or SafeFiles(self._root)
        self._choice = choice
        self._beside: Beside | None = None

    def discover(self) -> tuple[dict[str, str], list[Diagnostic]]:
        """Paths of engine files by key, sorted by key, and findings about names and links.

        Raises InvalidInput when there is no engines folder, or nothing in it, or nothing of it is chosen.
        """
        found, problems, self._beside = discover(self._root, self._engines_dir, self._files, self._choice)
        return found, problems

    def beside(self) -> Beside:
        """What the walk of `discover` found beside the engines."""
        if self._beside is None:
            self.discover()
        assert self._beside is not None
        return self._beside

    def overlay_names(self, path: str) -> tuple[str, ...]:
        """What the overlay over the engine file at `path` may be called, if it has one."""
        return overlay_names(path, self._choice.overlaid)

    def blob_ids(self, path: str, length: int) -> str | None:
        """The git blob id (40 or 64 digits) of the file as it is now; None when it cannot be read as a source would."""
        try:
            return blob_id(self._files.read(path if path.isascii() else self._files.find(path)), length)
        except FileRefused:
            return None

    def load(self, key: str, path: str, id_length: int = 40) -> Desired | list[Diagnostic]:
        """What the file asks for, with the overlay of the environment, or everything that is wrong with them."""
        from reconciler.adapters.engine_files.sources import source_texts
        from reconciler.adapters.engine_files.words import diagnostics_of, model_findings

        read = self._document(path, key)
        over = self._overlay(key, path)
        wrong = [*(read if isinstance(read, list) else ()), *(over if isinstance(over, list) else ())]
        if wrong or isinstance(read, list) or isinstance(over, list):
            return wrong
        both: Overlaid | None = None
        if over is not None and isinstance(read.document.value, dict):
            from reconciler.adapters.engine_files.overlaid import Overlaid

            both = Overlaid(read.document, path, over.document, over.path)
        document = both or read.document
        texts, findings = source_texts(document.value, path, self._files)
        findings += model_findings(document.value, document)
        findings += self._places.findings(document.value)
        if findings and both is not None:
            return both.diagnostics(findings, key)
        if findings:
            return self._lonely(key, path, diagnostics_of(findings, read.document, path, key))
        spec = _spec(document.value, texts)
        ids = {one.path: blob_id(one.data, id_length) for one in (read, over) if one is not None}
        for source in texts.values():
            ids[source.path] = blob_id(source.data, id_length)
        protect, outputs = _kept(document.value)
        refresh = _refresh(document.value)
        return Desired(key, path, spec, fingerprint(spec), ids, protect, outputs, refresh)

    def link_places(self, key: str, path: str) -> Mapping[str, Place]:
        """Where each link's address is, in the engine file or its overlay; nothing where they cannot be read."""
        from reconciler.adapters.engine_files.links import places_of

        read, over = self._document(path, key), self._overlay(key, path)
        if isinstance(read, list) or isinstance(over, list):
            return {}
        return places_of([(one.path, one.document) for one in (over, read) if one is not None])

    def _document(self, path: str, key: str) -> _Read | list[Diagnostic]:
        from reconciler.adapters.engine_files.sources import link_hint, link_words, refusal_words
        from reconciler.adapters.yaml.reader import read_yaml

        try:
            data = self._files.read(path)
            if (target := self._files.link_as_text(path, data)) is not None:
                return [Diagnostic(f"the file {link_words(target)}", path, hint=link_hint(path), key=key)]
            return _Read(path, data, read_yaml(data, path))
        except FileRefused as refused:
            message, hint = refusal_words(refused)
            return [Diagnostic(message, path, hint=hint, key=key)]
        except InvalidInput as error:
            return [found._replace(key=key) for found in error.diagnostics]

    def _overlay(self, key: str, path: str) -> _Read | list[Diagnostic] | None:
        """The overlay of the environment over the file; None where there is none."""
        if self._beside is not None:
            name = self._beside.overlays.get(key)
        else:
            name = next((one for one in self.overlay_names(path) if self._is_there(one)), None)
        if name is None:
            return None
        read = self._document(name, key)
        if isinstance(read, list):
            return read
        from reconciler.adapters.engine_files.overlaid import misshapen
        from reconciler.adapters.engine_files.words import diagnostics_of

        wrong = misshapen(read.document)
        return read if wrong is None else diagnostics_of([wrong], read.document, name, key)

    def _is_there(self, path: str) -> bool:
        try:
            self._files.read(path)
        except FileRefused as refused:
            return refused.reason != "missing"
        return True

    def _lonely(self, key: str, path: str, found: list[Diagnostic]) -> list[Diagnostic]:
        """The findings; where the file looks like an overlay and is none, the first says why."""
        lone = None if self._beside is None else self._beside.lone.get(key)
        if lone is None or not any(one.message == "`name` is missing" for one in found):
            return found
        from reconciler.core.plan.environments.overlays import why_alone

        first, *rest = found
        words, hint = why_alone(lone, path, self._choice.listed)
        return [first._replace(message=f"{first.message}; {words}", hint=f"{first.hint}; {hint}"), *rest]

    @cached_property
    def _places(self) -> OutputPlaces:
        from reconciler.adapters.engine_files.outputs import OutputPlaces
        from reconciler.core.outputs.rules import OutputRules

        return OutputPlaces(self._files, self._rules() if self._rules else OutputRules(self._engines_dir))

    def parse_old(self, data: bytes, path: str) -> Spec | None:
        """The spec of an older version of an engine file as far as it can be made out, for showing what changed.

        Only what the file itself says: `file:` sources are left out. None when it cannot be read; never raises.
        """
        from reconciler.adapters.yaml.reader import read_yaml

        try:
            value = read_yaml(data, path).value
        except InvalidInput:
            return None
        return _spec(_sound_parts(value), {}) if isinstance(value, dict) else None


def _kept(value: Mapping[str, Any]) -> tuple[bool, tuple[Output, ...]]:
    """What a validated value says beside the spec."""
    protect = value.get("lifecycle", {}).get("protect", False)
    if "outputs" not in value:
        return protect, ()
    from reconciler.adapters.engine_files.outputs import outputs_of

    return protect, outputs_of(value)


def _refresh(value: Mapping[str, Any]) -> RefreshOptions:
    """What a validated value says of pages that change."""
    lifecycle = value.get("lifecycle", {})
    how, age = lifecycle.get("refresh_sources", "report"), lifecycle.get("max_source_age")
    if how == "report" and not age:
        return ONLY_REPORTED
    return RefreshOptions(how == "reprovision", parse_duration(age) if age else None)


def _spec(value: Mapping[str, Any], texts: Mapping[int, SourceText]) -> Spec:
    """The spec a validated value means."""
    sources = []
    for index, source in enumerate(value.get("sources", ())):
        if index in texts:
            sources.append(Source("content", texts[index].text, texts[index].path))
        else:
            sources.append(Source(source["type"], source["payload"]))
    return Spec(
        name=value["name"].strip(),
        description=value.get("description", "").strip() or None,
        locales=tuple(value.get("locales", ())),
        sources=tuple(sources),
    )


def _sound_parts(value: Mapping[str, Any]) -> dict[str, Any]:
    """What of an unvalidated value has the right shape."""

    def text(key: str) -> str:
        return value[key] if isinstance(value.get(key), str) else ""

    def items(key: str) -> list[Any]:
        return value[key] if isinstance(value.get(key), list) else []

    return {
        "name": text("name"),
        "description": text("description"),
        "locales": [locale for locale in items("locales") if isinstance(locale, str)],
        "sources": [
            source
            for source in items("sources")
            if isinstance(source, dict)
            and source.get("type") in ("link", "content")
            and isinstance(source.get("payload"), str)
        ],
    }
