"""Outputs: the places in other files that hold the ID of an engine, as the lockfile knows them.

Only an engine that serves is ever named there, so a file of an application changes when a replacement has completed,
and not before. What the files look like, and how one value in them is changed, is in the modules beside this one.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping

from reconciler.core.engine.spec import Desired, Output
from reconciler.core.errors import Diagnostic, InvalidInput, Severity
from reconciler.core.frozen import dataclass
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.outputs.rules import DEFAULT_RULES, OutputRules

BOM = b"\xef\xbb\xbf"


class OutputRefused(InvalidInput):
    """A file that the ID cannot be put into. The message says why, without the file's name."""


@dataclass(frozen=True, slots=True)
class Write:
    """`engine_id`, of the engine `key`, is to stand at `output`."""

    output: Output
    key: str
    engine_id: str


def writes_of(
    lockfile: Lockfile, rules: OutputRules = DEFAULT_RULES
) -> tuple[dict[str, list[Write]], list[str]]:
    """What has to stand where, by file, and what is wrong, in sentences: two engines that ask for one place, and files
    that the rules refuse. Nothing is written there. The lockfile is no more trusted than an engine file is.

    Raises `LockfileError` for a broken entry.
    """
    wanted: dict[Output, list[Write]] = {}
    for key in sorted(key for key, document in lockfile.engines.items() if document.get("outputs")):
        entry = lockfile.entry(key)
        if entry is None or entry.current is None:
            continue
        for output in entry.kept.outputs:
            wanted.setdefault(output, []).append(Write(output, key, entry.current.engine_id))
    files: dict[str, list[Write]] = {}
    refused: dict[str, str] = {}
    for output, writes in sorted(wanted.items(), key=lambda item: place_of(item[0])):
        refusal = rules.refusal(output.file)
        if refusal is not None:
            refused[output.file] = f"{output.file} {refusal}"
        elif len(writes) == 1:
            files.setdefault(output.file, []).append(writes[0])
    doubled = clashes({write.key: [write.output] for write in ones} for ones in wanted.values())
    return files, [f"{one}: neither is written" for one in doubled] + [
        f"{one}: it is not written" for one in refused.values()
    ]


def clashes(asking: Iterable[Mapping[str, Iterable[Output]]]) -> list[str]:
    """Places that more than one engine asks for, each in a sentence. Engines by key, in one mapping or several."""
    return [_both_ask(keys, place) for keys, place in _asked_twice(asking)]


def _asked_twice(asking: Iterable[Mapping[str, Iterable[Output]]]) -> list[tuple[list[str], str]]:
    keys: dict[Output, set[str]] = {}
    for engines in asking:
        for key, outputs in engines.items():
            for output in outputs:
                keys.setdefault(output, set()).add(key)
    found = sorted((place_of(output), sorted(each)) for output, each in keys.items() if len(each) > 1)
    return [(each, place) for place, each in found]


def _both_ask(keys: list[str], place: str) -> str:
    return f"{' and '.join(f'`{key}`' for key in keys)} both use {place}"


def clashing(lockfile: Lockfile, desired: Mapping[str, Desired], keys: Container[str]) -> list[Diagnostic]:
    """Findings about places that more than one engine would be written to.

    `desired` are the engines that were read, `keys` those that have a file; the rest of them are as in the lockfile.
    Raises `LockfileError` for a broken entry.
    """
    asking = {key: one.outputs for key, one in desired.items()}
    for key, document in lockfile.engines.items():
        if key in keys and key not in asking and document.get("outputs"):
            entry = lockfile.entry(key)
            asking[key] = entry.kept.outputs if entry is not None else ()
    found = []
    for each, place in _asked_twice([asking]):
        file = next((desired[key].file for key in reversed(each) if key in desired), None)
        hint = "change one of the `outputs`: only one engine ID fits there"
        found.append(Diagnostic(_both_ask(each, place), file, hint=hint, key=each[-1]))
    return found


def shared_places(environments: Mapping[str, Mapping[str, Desired]]) -> list[Diagnostic]:
    """Warnings about places that engines of several environments are written to: the last run decides whose ID it is.
    Engines by key, for each environment.
    """
    asking: dict[Output, dict[str, Desired]] = {}
    for name, engines in environments.items():
        for one in engines.values():
            for output in one.outputs:
                asking.setdefault(output, {}).setdefault(name, one)
    return [
        Diagnostic(
            f"{place_of(output)} is written for {' and '.join(f'`{name}`' for name in users)}: "
            "it holds the engine ID of whichever ran last",
            next(iter(users.values())).file,
            hint="name another place in an overlay, or remove it there with `outputs: null`",
            severity=Severity.WARNING,
            key=next(iter(users.values())).key,
        )
        for output, users in asking.items()
        if len(users) > 1
    ]


def place_of(output: Output) -> str:
    """`i18n.json /engineId`, as people know it."""
    return f"{output.file} {output.pointer if output.pointer is not None else output.key}"


def tokens_of(pointer: str) -> list[str]:
    """The names in a JSON Pointer (RFC 6901)."""
    return [name.replace("~1", "/").replace("~0", "~") for name in pointer.split("/")[1:]]


def pointer_to(tokens: Iterable[str]) -> str:
    """The JSON Pointer of these names."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in tokens)


def nested(tokens: list[str], engine_id: str) -> object:
    """What stands at a place that is new: the ID, in an object for each name that leads to it."""
    value: object = engine_id
    for name in reversed(tokens):
        value = {name: value}
    return value


def decoded(content: bytes) -> tuple[bytes, str]:
    """The mark at the beginning, if there is one, and the text. Raises `OutputRefused`."""
    mark = BOM if content.startswith(BOM) else b""
    try:
        return mark, content[len(mark) :].decode("utf-8")
    except UnicodeDecodeError as error:
        raise OutputRefused("it is not UTF-8", hint="save it as UTF-8") from error


def newline_of(text: str) -> str:
    """How lines end in this text."""
    return "\r\n" if "\r\n" in text else "\n"


def quoted(text: str) -> str:
    """In double quotes, as JSON and YAML both read it."""
    return json.dumps(text, ensure_ascii=False)
