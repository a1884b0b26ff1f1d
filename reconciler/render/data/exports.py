"""Engine IDs for programs that read no lockfile: shell, `.env` files, JSON, YAML, the outputs of a GitHub step, and
constants in TypeScript and Python.

What stands in a lockfile may have been edited by a stranger, so nothing here can end a value and begin something else.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from reconciler.core.commands import as_typed
from reconciler.core.digests import sha256
from reconciler.core.patterns import lazy_pattern

_PLAIN = lazy_pattern(r"[A-Za-z][A-Za-z0-9_/-]*")
_NEWLINE = "\n"
_YAML_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def render_env(variables: Mapping[str, str]) -> str:
    """`NAME=value` lines, which a shell can source and dotenv readers take. Quoted only where a value needs it."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def render_export_json(engines: Mapping[str, str]) -> str:
    """`{"<key>": "<engine ID>"}`, in pure ASCII."""
    return json.dumps(engines, indent=2, ensure_ascii=True) + "\n"


def render_export_yaml(engines: Mapping[str, str]) -> str:
    """The same in YAML: one line for each engine, for readers of YAML 1.1 as of 1.2."""
    lines = (f"{_yaml(key)}: {_yaml(value)}\n" for key, value in engines.items())
    return "".join(lines) or "{}\n"


def render_typescript(engines: Mapping[str, str]) -> str:
    """A module with the IDs by key, and the union of the keys. Keys stay texts, so none can be taken for another."""
    lines = "".join(f"  {_typescript_key(key)}: {json.dumps(engines[key])},\n" for key in sorted(engines))
    return (
        f"// Engine IDs, written by `{_written_by('typescript')}`. Do not edit.\n\n"
        f"export const engineIds = {{{_NEWLINE if lines else ''}{lines}}} as const;\n\n"
        "export type EngineKey = keyof typeof engineIds;\n"
        "export type EngineId = (typeof engineIds)[EngineKey];\n"
    )


def render_python(engines: Mapping[str, str]) -> str:
    """As in TypeScript: a mapping, and the `Literal` of its keys. Needs Python 3.9."""
    keys = "".join(f"    {_python(key)},\n" for key in sorted(engines))
    lines = "".join(f"    {_python(key)}: {_python(engines[key])},\n" for key in sorted(engines))
    return (
        f'"""Engine IDs, written by `{_written_by("python")}`. Do not edit."""\n\n'
        "from collections.abc import Mapping\n"
        f"from typing import Final, {'Literal' if keys else 'NoReturn'}\n\n"
        + (f"EngineKey = Literal[\n{keys}]\n\n" if keys else "EngineKey = NoReturn\n\n")
        + f"ENGINE_IDS: Final[Mapping[EngineKey, str]] = {{{_NEWLINE if lines else ''}{lines}}}\n"
    )


def _written_by(format_: str) -> str:
    return as_typed(["export", "--format", format_])


def _typescript_key(key: str) -> str:
    written = json.dumps(key)
    return f"[{written}]" if key == "__proto__" else written  # which else would set the prototype


def _python(text: str) -> str:
    return '"' + text.encode("unicode_escape").decode("ascii").replace('"', '\\"') + '"'


def render_github_output(variables: Mapping[str, str]) -> str:
    """What goes into `$GITHUB_OUTPUT`. A value ends at a delimiter made from its own digest, so it cannot hold it."""
    return "".join(_output(name, value) for name, value in variables.items())


def _output(name: str, value: str) -> str:
    delimiter = "reconcile-" + sha256(f"{name}\n{value}".encode("utf-8", "surrogatepass"))
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def _yaml(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _YAML_WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)  # printable characters only: the keys and IDs have no others
