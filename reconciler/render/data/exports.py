"""Engine IDs for programs that read no lockfile: shell, `.env` files, JSON, YAML, and the outputs of a GitHub step.

What stands in a lockfile may have been edited by a stranger, so nothing here can end a value and begin something else.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from reconciler.core.digests import sha256
from reconciler.core.patterns import lazy_pattern

FORMATS = ("env", "json", "yaml", "github-output")

_PLAIN = lazy_pattern(r"[A-Za-z][A-Za-z0-9_/-]*")
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
