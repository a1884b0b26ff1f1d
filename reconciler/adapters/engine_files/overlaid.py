"""An engine file with an overlay over it, read as one document: every finding points into the file that said it."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.engine_files.words import Finding, diagnostics_of
from reconciler.adapters.yaml.reader import YamlDocument
from reconciler.core.engine.overlay import Path, is_of_overlay, merged
from reconciler.core.errors import Diagnostic


class Overlaid:
    """Two documents, the overlay over the base. Both are mappings; see `misshapen`."""

    def __init__(self, base: YamlDocument, base_file: str, overlay: YamlDocument, overlay_file: str) -> None:
        self.value: Any = merged(base.value, overlay.value)
        self._base, self._base_file = base, base_file
        self._overlay, self._overlay_file = overlay, overlay_file

    def written(self, path: Path) -> str | None:
        """As `YamlDocument.written`."""
        return (self._overlay if self._says(path) else self._base).written(path)

    def diagnostics(self, findings: list[Finding], key: str | None) -> list[Diagnostic]:
        """The findings about the merged value, with their places."""
        own = [self._sharper(finding) for finding in findings]
        theirs = [finding for finding in own if self._says(finding.path)]
        rest = [finding for finding in own if not self._says(finding.path)]
        return [
            *diagnostics_of(rest, self._base, self._base_file, key),
            *diagnostics_of(theirs, self._overlay, self._overlay_file, key),
        ]

    def _says(self, path: Path) -> bool:
        return is_of_overlay(path, self._base.value, self._overlay.value)

    def _sharper(self, finding: Finding) -> Finding:
        """A name that is missing because the overlay takes it away."""
        if finding.path != () or finding.message != "`name` is missing" or "name" not in self._overlay.value:
            return finding
        message = "`name` is missing: this overlay removes it"
        return Finding(("name",), message, "give it a value, or delete the line", of_key=True)


def misshapen(document: YamlDocument) -> Finding | None:
    """What is wrong with an overlay that is no mapping. One without content may be a file that was cut off."""
    if isinstance(document.value, dict):
        return None
    if document.value is None:
        return Finding(
            (), "the overlay is empty", "write what differs, or `{}` for nothing, or delete the file"
        )
    return Finding(
        (), "an overlay must be a mapping of what differs", "write it like an engine file: `name: …`"
    )
