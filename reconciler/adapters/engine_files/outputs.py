"""`outputs:` of an engine file: which files of the project an engine's ID may be written to.

The paths come from whoever can open a pull request, so they may lead nowhere but into the project, and not to what
reconcile itself reads or writes. That a file is there is not asked for here: it is when the ID is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.adapters.engine_files.words import Finding, Path
from reconciler.adapters.project.safe_read import SafeFiles
from reconciler.core.engine.spec import MAX_OUTPUTS, Output
from reconciler.core.errors import InvalidInput
from reconciler.core.outputs.rules import OutputRules
from reconciler.core.patterns import lazy_pattern
from reconciler.core.values import relative_path

_DOCUMENTS = (".json", ".yaml", ".yml")
_ENV = lazy_pattern(r"(?:.*\.)?env(?:\.[^/]+)?")  # .env, .env.local, web.env
_OURS = "choose a file that belongs to the application"


class OutputPlaces:
    """Checks the places of one project's engine files."""

    def __init__(self, files: SafeFiles, rules: OutputRules) -> None:
        self._files = files
        self._rules = rules

    def findings(self, value: Any) -> list[Finding]:
        """What is wrong with the `outputs` of an engine file's value, beside the types of their parts."""
        outputs = value.get("outputs") if isinstance(value, dict) else None
        if not isinstance(outputs, list):
            return []
        findings: list[Finding] = []
        if len(outputs) > MAX_OUTPUTS:
            message = f"{len(outputs)} outputs; at most {MAX_OUTPUTS} are allowed"
            findings.append(Finding(("outputs", MAX_OUTPUTS), message, "remove some"))
        seen: list[Output] = []
        for index, output in enumerate(outputs[:MAX_OUTPUTS]):
            if isinstance(output, dict):
                findings += self._of_one(output, ("outputs", index), seen)
        return findings

    def _of_one(self, output: dict[str, Any], path: Path, seen: list[Output]) -> Iterator[Finding]:
        pointer, key, file = (output.get(name) for name in ("pointer", "key", "file"))
        if pointer is not None and key is not None:
            yield Finding(
                (*path, "key"), "an output has both `pointer` and `key`", "keep one of the two", True
            )
        elif "pointer" not in output and "key" not in output:
            hint = "add `pointer: /engineId`, or in a .env file `key: LINGO_ENGINE_ID`"
            yield Finding(path, "an output needs `pointer` or `key`", hint)
        if not isinstance(file, str) or not file.strip():
            return  # the model says that
        problem = self._problem(file)
        if problem is not None:
            yield Finding((*path, "file"), *problem)
            return
        yield from _unfit(output, file, path)
        place = Output(tidied(file), *(each if isinstance(each, str) else None for each in (pointer, key)))
        if place in seen:
            yield Finding(path, "this output is listed twice", "remove one of them")
        seen.append(place)

    def _problem(self, written: str) -> tuple[str, str] | None:
        """Why the file is not one to write to, with a hint."""
        shown = written if len(written) <= 80 else written[:80] + "…"
        try:
            file = tidied(written)
        except InvalidInput as error:
            return f"`{shown}` {error.message}", error.hint or "use a path relative to the project's root"
        if not self._files.inside(file):
            return f"`{shown}` leads out of the project", "use a file inside the project"
        refusal = self._rules.refusal(file)
        if refusal is not None:
            return f"`{shown}` {refusal}", _OURS
        if (folder := self._files.detour(file)) is not None:
            return f"`{shown}` is not in a folder: `{folder}` is a file or a link", _OURS
        if not file.endswith(_DOCUMENTS) and not _is_env(file):
            return f"`{shown}` is neither JSON, YAML nor a .env file", "use a .json, .yaml, .yml or .env file"
        return None


def tidied(written: str) -> str:
    """The path from the root without `./` and `//`. Raises `InvalidInput` for one that leads out of it."""
    return relative_path(written)


def outputs_of(value: Mapping[str, Any]) -> tuple[Output, ...]:
    """The outputs that a validated value asks for."""
    return tuple(
        Output(tidied(one["file"]), one.get("pointer") or None, one.get("key") or None)
        for one in value.get("outputs") or ()  # an overlay may take them away
    )


def _is_env(file: str) -> bool:
    return _ENV.fullmatch(file.rpartition("/")[2]) is not None


def _unfit(output: dict[str, Any], file: str, path: Path) -> Iterator[Finding]:
    if "pointer" in output and _is_env(file) and not file.endswith(_DOCUMENTS):
        hint = "name the variable: `key: LINGO_ENGINE_ID`"
        yield Finding((*path, "pointer"), "a .env file takes `key`, not `pointer`", hint, True)
    elif "key" in output and "pointer" not in output and file.endswith(_DOCUMENTS):
        hint = "name the place: `pointer: /engineId`"
        yield Finding((*path, "key"), "a JSON or YAML file takes `pointer`, not `key`", hint, True)
