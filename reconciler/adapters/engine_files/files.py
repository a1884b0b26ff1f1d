"""Engine files: finding them, telling whether they changed, and turning them into specs.

Three operations of very different cost, kept apart so that a plan pays only for what it needs: `discover` lists,
`blob_ids` hashes, `load` parses and validates. Only the last imports the YAML reader and pydantic.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.adapters.engine_files.discovery import discover
from reconciler.adapters.project.safe_read import FileRefused, SafeFiles
from reconciler.core.engine.fingerprint import blob_id, fingerprint
from reconciler.core.engine.spec import Desired, Output, Source, Spec
from reconciler.core.errors import Diagnostic, InvalidInput

if TYPE_CHECKING:
    from reconciler.adapters.engine_files.outputs import OutputPlaces
    from reconciler.adapters.engine_files.sources import SourceText


class EngineFiles:
    """The engine files of one project. Paths are relative to its root, with forward slashes.

    `files` reads them from elsewhere than the work tree (a commit); such engines can be loaded, but not discovered.
    """

    def __init__(
        self,
        root: Path,
        engines_dir: str = "engines",
        lockfile: str = "engines.lock.json",
        *,
        files: SafeFiles | None = None,
    ) -> None:
        self._root = os.path.abspath(root)
        self._engines_dir = engines_dir
        self._lockfile = lockfile
        self._files = files or SafeFiles(self._root)

    def discover(self) -> tuple[dict[str, str], list[Diagnostic]]:
        """Paths of engine files by key, sorted by key, and findings about names and links.

        Raises InvalidInput when there is no engines folder, or nothing in it.
        """
        return discover(self._root, self._engines_dir, self._files)

    def blob_ids(self, path: str, length: int) -> str | None:
        """The git blob id (40 or 64 digits) of the file as it is now; None when it cannot be read as a source would."""
        try:
            return blob_id(self._files.read(path if path.isascii() else self._files.find(path)), length)
        except FileRefused:
            return None

    def load(self, key: str, path: str, id_length: int = 40) -> Desired | list[Diagnostic]:
        """What the file asks for, or everything that is wrong with it."""
        from reconciler.adapters.engine_files.sources import (
            link_hint,
            link_words,
            refusal_words,
            source_texts,
        )
        from reconciler.adapters.engine_files.words import diagnostics_of, model_findings
        from reconciler.adapters.yaml.reader import read_yaml

        try:
            data = self._files.read(path)
            if (target := self._files.link_as_text(path, data)) is not None:
                return [Diagnostic(f"the file {link_words(target)}", path, hint=link_hint(path), key=key)]
            document = read_yaml(data, path)
        except FileRefused as refused:
            message, hint = refusal_words(refused)
            return [Diagnostic(message, path, hint=hint, key=key)]
        except InvalidInput as error:
            return [found._replace(key=key) for found in error.diagnostics]
        texts, findings = source_texts(document.value, path, self._files)
        findings += model_findings(document.value, document)
        findings += self._places.findings(document.value)
        if findings:
            return diagnostics_of(findings, document, path, key)
        spec = _spec(document.value, texts)
        ids = {path: blob_id(data, id_length)}
        for source in texts.values():
            ids[source.path] = blob_id(source.data, id_length)
        protect, outputs = _kept(document.value)
        return Desired(key, path, spec, fingerprint(spec), ids, protect, outputs)

    @cached_property
    def _places(self) -> OutputPlaces:
        from reconciler.adapters.engine_files.outputs import OutputPlaces

        return OutputPlaces(self._files, self._engines_dir, self._lockfile)

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
