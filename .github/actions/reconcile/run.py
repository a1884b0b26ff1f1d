"""Runs reconcile, passes signals on to it, and writes the action's outputs from the plan or report that it wrote.

GitHub cancels a step with SIGINT to the step's own process, with SIGTERM 7.5 s later, and then kills everything.
reconcile stops creating at the first and ends within 5 s, so it has to get it: once, hence a process group of its own.

An output is `name<<end`, its value, `end`. Values hold foreign text (engine keys), so the word that ends one is random,
and a value is one line.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

LEFT_ALONE = (
    "unchanged",
    "failed",
    "uncertain",
    "drifted",
    "guarded",
)  # what a plan counts besides its actions
JOBS = "provisioningJobs"
# A plan of several projects has no document: whether it changes something is in the job summary, and not guessed.
SEVERAL = ("--all-projects", "--all-environments", "--projects", "--changed-since")


def read(path: Path) -> dict[str, Any]:
    """What reconcile wrote; nothing where it ended before."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return json.loads(text) if text.strip() else {}


def counted(counts: dict[str, int]) -> str:
    """`2 create, 1 replace`; the counts that are not zero."""
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items() if number)


def engines(lockfile: str | None) -> dict[str, str]:
    """The engine that serves for each key, as the lockfile in the work tree has it now."""
    file = Path(lockfile or "engines.lock.json")
    entries = json.loads(file.read_text(encoding="utf-8"))["engines"] if file.exists() else {}
    return {key: entry["engineId"] for key, entry in sorted(entries.items()) if "engineId" in entry}


def report_outputs(command: str, path: Path) -> dict[str, str]:
    """The report, and a name for it: another for each command, environment and folder, as artifacts need it."""
    if not path.exists():
        return {"report": "", "report-name": ""}
    about = [
        os.environ.get("RECONCILE_ENVIRONMENT", ""),
        os.environ.get("INPUT_WORKING_DIRECTORY", ""),
        command,
    ]
    name = "-".join(["reconcile", *(re.sub(r"[^A-Za-z0-9._-]+", "-", part).strip("-.") for part in about)])
    return {"report": str(path), "report-name": re.sub("-+", "-", name)}


def matrix_outputs(path: Path) -> dict[str, str]:
    """The matrix of `projects`, one line of ASCII, and how many jobs it has."""
    document = read(path)
    return {
        "matrix": json.dumps(document) if document else "",
        "count": str(len(document["include"])) if document else "",
    }


def outputs(command: str, code: str, path: Path) -> dict[str, str]:
    if command == "projects":
        return {**matrix_outputs(path), "exit-code": code}
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
        **report_outputs(command, path.with_suffix(".html")),
        "engines": json.dumps(engines(document.get("lockfile", {}).get("path")), separators=(",", ":")),
        "exit-code": code,
    }


def run(arguments: list[str], document: Path) -> int:
    """The exit code of reconcile, as a shell has it. A signal that comes before it has started is passed on after. What
    `projects` prints is the document.
    """
    children: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def pass_on(number: int, frame: object) -> None:
        for child in children:
            child.send_signal(number)
        if not children:
            early.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    command = [sys.executable, "-I", "-m", "reconciler", *arguments]
    with document.open("wb") if arguments[0] == "projects" else nullcontext() as stdout:
        children.append(subprocess.Popen(command, process_group=0, stdout=stdout))  # noqa: S603 # a list, and no shell
    for number in early:
        children[0].send_signal(number)
    code = children[0].wait()
    return code if code >= 0 else 128 - code


def main() -> None:
    document, *arguments = sys.argv[1:]
    code = run(arguments, Path(document))
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        told = outputs(arguments[0], str(code), Path(document))
        if arguments[0] == "plan" and any(word.partition("=")[0] in SEVERAL for word in arguments):
            told |= {"changed": "", "summary": ""}
        for name, value in told.items():
            end = secrets.token_hex(16)
            file.write(f"{name}<<{end}\n{value}\n{end}\n")
    sys.exit(code)


main()
