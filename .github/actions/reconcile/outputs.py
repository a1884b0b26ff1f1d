"""The action's outputs, from the plan or report that reconcile wrote: `name<<end`, value, `end` for each.

The values hold foreign text (engine keys), so the word that ends one is random, and a value is one line.
"""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path
from typing import Any

LEFT_ALONE = ("unchanged", "failed", "uncertain", "guarded")  # what a plan counts besides its actions
JOBS = "provisioningJobs"


def read(path: Path) -> dict[str, Any]:
    """What reconcile wrote; nothing where it ended before."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def counted(counts: dict[str, int]) -> str:
    """`2 create, 1 replace`; the counts that are not zero."""
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items() if number)


def engines(lockfile: str | None) -> dict[str, str]:
    """The engine that serves for each key, as the lockfile in the work tree has it now."""
    file = Path(lockfile or "engines.lock.json")
    entries = json.loads(file.read_text(encoding="utf-8"))["engines"] if file.exists() else {}
    return {key: entry["engineId"] for key, entry in sorted(entries.items()) if "engineId" in entry}


def outputs(command: str, code: str, path: Path) -> dict[str, str]:
    document = read(path)
    outcome = document.get("outcome")
    if outcome is not None:
        counts, changed = outcome["counts"], bool(outcome["wrote"])
    else:
        counts = {name: number for name, number in document.get("summary", {}).items() if name != JOBS}
        changed = any(number for name, number in counts.items() if name not in LEFT_ALONE)
        changed = changed or "outputs" in document  # in files of applications
    return {
        "changed": json.dumps(changed),
        "summary": counted(counts) or f"{command} ended with {code}",
        "plan": str(path) if command == "plan" and document else "",
        "engines": json.dumps(engines(document.get("lockfile", {}).get("path")), separators=(",", ":")),
        "exit-code": code,
    }


def main() -> None:
    command, code, path = sys.argv[1:]
    for name, value in outputs(command, code, Path(path)).items():
        end = secrets.token_hex(16)
        print(f"{name}<<{end}\n{value}\n{end}")


main()
