"""The engine file that `reconcile import` writes for an engine that was made elsewhere."""

from __future__ import annotations

import json

from reconciler.adapters.project.scaffold import SCHEMA_FILE


def starter_text(path: str, name: str | None, description: str | None, locales: tuple[str, ...]) -> str:
    """YAML with what the platform says of the engine; JSON's strings are YAML's, too."""
    lines = [
        f"# yaml-language-server: $schema={'../' * path.count('/')}{SCHEMA_FILE}",
        "# Imported. The platform does not say which sources this engine has learned from: they are not listed here.",
        "# Adding some, like any other change of this file, replaces the engine.",
        f"name: {_quoted(name or '')}",
    ]
    if description:
        lines.append(f"description: {_quoted(description)}")
    if locales:
        lines.append(f"locales: [{', '.join(map(_quoted, locales))}]")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
