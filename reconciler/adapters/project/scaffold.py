"""What `reconcile init` puts into a project: only what is missing, and nothing is ever overwritten.

A second run changes nothing. Each file appears whole or not at all, so an interrupted `init` is finished by
the next. Two files that usually exist already, `.gitattributes` and `.gitignore`, get lines at their end.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, NoReturn

from reconciler.adapters.storage.durable_files import read_regular, replace_file
from reconciler.core.commands import into_file, reconcile
from reconciler.core.errors import StorageError
from reconciler.core.patterns import lazy_pattern
from reconciler.core.settings.model import SETTINGS, SETTINGS_FILE
from reconciler.core.sources.state import path_beside

SCHEMA_FILE = "schemas/engine.schema.json"
OVERLAY_SCHEMA_FILE = "schemas/overlay.schema.json"
_ATTRIBUTES = "text eol=lf merge=reconcile-lockfile linguist-generated"
# A journal outside of git, a receiver's inbox, and the secrets that docs/webhooks.md has in files.
_NEVER_COMMITTED = (".reconcile/", "inbox.db*", "/secret", "*.pem")
_MERGE = lazy_pattern(
    rb"[ \t]([-!]?merge|merge=\S+|binary)(?=[ \t]|$)"
)  # an attribute that says how to merge


class ScaffoldResult(NamedTuple):
    """What became of one file. `path` is relative to the root; `note` is something the person should know."""

    path: str
    action: Literal["created", "updated", "kept"]
    note: str | None = None


def scaffold(
    root: Path,
    *,
    engine_schema: str,
    overlay_schema: str | None = None,
    engines: str = "engines",
    lockfile: str = "engines.lock.json",
) -> list[ScaffoldResult]:
    """Adds the missing files of a project to the folder `root`, which must exist.

    `engine_schema` is the text of `schemas/engine.schema.json`, `overlay_schema` that of
    `schemas/overlay.schema.json` where engines can have overlays; `engines` and `lockfile` are those of the
    settings in force, so that an existing `reconcile.yaml` is respected. Raises `StorageError` when the disk
    refuses; what was written by then stays, and is kept by the next run.
    """
    if not os.path.isdir(root):  # unlike Path.is_dir, never raises
        raise StorageError(f"{root} is not a folder", hint="create it first, or choose another with -C")
    return [
        create_file(root, SETTINGS_FILE, settings_text()),
        _example(root, engines),
        _schema(root, SCHEMA_FILE, engine_schema),
        *(
            []
            if overlay_schema is None
            else [_schema(root, OVERLAY_SCHEMA_FILE, overlay_schema, "--overlay")]
        ),
        _lines(root, ".gitattributes", {_pattern(lockfile): _ATTRIBUTES}, _beside(lockfile)),
        _lines(root, ".gitignore", dict.fromkeys(_NEVER_COMMITTED, "")),
    ]


def settings_text() -> str:
    """A `reconcile.yaml` in which every setting stands as a comment, so that the file changes nothing, but that other
    environments than `production` have to be listed.
    """
    blocks = [f"# {setting.help}\n# {name}: {setting.example}\n" for name, setting in SETTINGS.items()]
    return _SETTINGS_HEAD + "\n" + "\n".join(blocks) + "\n" + _SETTINGS_TAIL


_SETTINGS_HEAD = """\
# Settings for reconcile. All are optional. Each line shows the default, or an example if there is none.
# Flags and RECONCILE_… environment variables override this file. Never put the API key here.
"""

_SETTINGS_TAIL = """\
# All environments, each with the settings that differ in it. Choose one with `--env`; other names are an error.
# What differs in `staging` from engines/acme.yaml is in engines/acme.staging.yaml.
environments:
  production: {}
#   staging:
#     lockfile: engines.staging.lock.json
"""

_EXAMPLE = """\
# yaml-language-server: $schema={schema}
# Each file is one engine, and its path below {engines}/ is the engine's key in this project: `example`.
# Rename and edit it. `reconcile --dry-run` shows what would happen, without an API key or network.
name: Example Engine
description: Shows what an engine file can hold
locales: [de, fr, ja]
sources:
  - type: content
    payload: |
      The brand name 'Example' is never translated.
      Use the formal tone in German (Sie-form).
  # - type: link
  #   payload: https://example.com/brand-guidelines
  # - type: content
  #   file: glossary.md
"""


def example_path(engines: str) -> str:
    """Where the engine file of a new project goes."""
    return f"{engines}/example.yaml"


def _example(root: Path, engines: str) -> ScaffoldResult:
    path = example_path(engines)
    existing = _first_engine_file(root / engines)
    if existing is not None:
        return ScaffoldResult(existing.relative_to(root).as_posix(), "kept")
    schema = "../" * path.count("/") + SCHEMA_FILE
    return create_file(root, path, _EXAMPLE.format(schema=schema, engines=engines))


def _first_engine_file(folder: Path) -> Path | None:
    if not os.path.isdir(folder):
        return None
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        folders.sort()
        found = sorted(name for name in names if name.endswith((".yaml", ".yml")))
        if found:
            return Path(parent, found[0])
    return None


def _schema(root: Path, path: str, text: str, *which: str) -> ScaffoldResult:
    result = create_file(root, path, text)
    if result.action == "kept" and read_regular(root / path, path) != text.encode():
        return result._replace(
            note=f"outdated; run `{into_file(reconcile('schema', *which), path)}` to update it"
        )
    return result


def create_file(root: Path, path: str, text: str) -> ScaffoldResult:
    """Write a file of the project where there is nothing yet, not even a link. Raises `StorageError`."""
    target = root / path
    if os.path.lexists(target):
        return ScaffoldResult(path, "kept")
    if not target.parent.resolve().is_relative_to(root.resolve()):
        raise StorageError(
            f"{path} would be written outside the project", hint="replace the link with a folder"
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _refuse(error)
    replace_file(target, text.encode(), path)
    return ScaffoldResult(path, "created")


def _beside(lockfile: str) -> Sequence[str]:
    """The line for the file beside the lockfile, which git merges by the same driver."""
    return (f"{_pattern(path_beside(lockfile))} {_ATTRIBUTES}",)


def _lines(root: Path, path: str, wanted: Mapping[str, str], along: Sequence[str] = ()) -> ScaffoldResult:
    """Makes sure that a file has a line for each pattern, with its attributes. Any line for one will do: somebody
    chose it. Where lines are added, those `along` go with them.
    """
    lines = {pattern: f"{pattern} {attributes}".strip() for pattern, attributes in wanted.items()}
    target = root / path
    if not os.path.lexists(target):
        return create_file(root, path, "".join(f"{line}\n" for line in (*lines.values(), *along)))
    if os.path.islink(target):  # git follows no link here, and what it points to may be anywhere
        return ScaffoldResult(
            path, "kept", f"is a link; add these lines by hand: {', '.join((*lines.values(), *along))}"
        )
    before = read_regular(target, path) or b""
    present = {one: [line for line in before.splitlines() if _is_for(line, one.encode())] for one in lines}
    missing = [line for pattern, line in lines.items() if not present[pattern]]
    if not missing:
        notes = (_missing_driver(present[one], attributes) for one, attributes in wanted.items())
        return ScaffoldResult(path, "kept", next((note for note in notes if note), None))
    end = b"\r\n" if b"\r\n" in before else b"\n"
    gap = b"" if not before or before.endswith(b"\n") else end
    replace_file(target, before + gap + b"".join(line.encode() + end for line in (*missing, *along)), path)
    return ScaffoldResult(path, "updated")


def _is_for(line: bytes, pattern: bytes) -> bool:
    line, pattern = line.strip().removeprefix(b"/"), pattern.removeprefix(b"/")
    return line in (pattern, pattern.rstrip(b"/")) or line.startswith((pattern + b" ", pattern + b"\t"))


def _missing_driver(present: Sequence[bytes], attributes: str) -> str | None:
    """What to add by hand to the line of an `init` from before there was a merge driver."""
    wanted = next((word for word in attributes.split() if word.startswith("merge=")), None)
    if wanted is None or any(_MERGE.search(line) for line in present):
        return None
    return f"add `{wanted}` to its line for the lockfile, so that git merges it entry by entry"


def _pattern(path: str) -> str:
    """A path as a pattern of `.gitattributes`: with blanks or wildcards in it, it must be quoted."""
    escaped = "".join("\\" + letter if letter in "*?[!" else letter for letter in path)
    quoted = escaped.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"' if " " in path or '"' in path or path.startswith("#") else escaped


def _refuse(error: OSError) -> NoReturn:
    raise StorageError(
        f"{error.filename}: {error.strerror}", hint="check the path and its permissions"
    ) from error
