"""What is wrong with an engine file, in words for the person who wrote it, each with its place.

pydantic finds the errors; this says them: where (line, column, the text there), what was expected, and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, Protocol

from reconciler.adapters.engine_files.validator import accepts
from reconciler.adapters.yaml.reader import YamlDocument
from reconciler.core.engine.spec import MAX_OUTPUTS, MAX_SOURCES
from reconciler.core.errors import Diagnostic
from reconciler.core.suggest import did_you_mean

Path = tuple[str | int, ...]

ENGINE_KEYS = ("name", "description", "locales", "sources", "lifecycle", "outputs")
_KEYS_BELOW = {
    "lifecycle": ("protect", "refresh_sources", "max_source_age"),
    "outputs": ("file", "pointer", "key"),
}
_SOURCE_KEYS = {"link": ("type", "payload"), "content": ("type", "payload", "file")}
_SOURCE_TYPES = ("link", "content")


class Written(Protocol):
    """A document, as far as words need it."""

    def written(self, path: Path) -> str | None: ...


class Finding(NamedTuple):
    """One error: the path of the value it is about, or of the key (`of_key`)."""

    path: Path
    message: str
    hint: str | None = None
    of_key: bool = False


def model_findings(value: Any, document: Written) -> list[Finding]:
    """Everything the model finds wrong with `value`; empty when nothing is."""
    if not isinstance(value, dict):
        return [_not_a_mapping(value)]
    if accepts(value):
        return []
    findings = list(_across(value))
    for error in _errors(_first_sources(value)):
        findings += _findings(error, document)
    return _without_echoes(findings)


def _errors(value: dict[str, Any]) -> list[Mapping[str, Any]]:
    from pydantic_core import ValidationError

    try:
        _model()(value)
    except ValidationError as errors:
        return [*errors.errors(include_url=False)]
    return []


@cache
def _model() -> Callable[[Any], object]:
    from reconciler.adapters.engine_files.model import EngineFile

    return EngineFile.model_validate


def diagnostics_of(
    findings: list[Finding], document: YamlDocument, file: str, key: str | None
) -> list[Diagnostic]:
    """The findings with their places, in the file's order."""
    diagnostics = []
    for path, message, hint, of_key in findings:
        line, col, excerpt = document.place(path, of="key" if of_key else "value")
        diagnostics.append(Diagnostic(message, file, line, col, excerpt, hint, key=key))
    return sorted(document.explained(diagnostics), key=lambda each: (each.line or 0, each.col or 0))


def _not_a_mapping(value: Any) -> Finding:
    if value is None:
        return Finding((), "the file is empty", "an engine file needs at least `name: …`")
    return Finding((), f"an engine file must be a mapping, not {_kind(value)}", "begin with `name: …`")


def _first_sources(value: dict[str, Any]) -> dict[str, Any]:
    """The value with no more sources and outputs than allowed: pydantic would not look at any if there were more."""
    limits = {"sources": MAX_SOURCES, "outputs": MAX_OUTPUTS}
    cut = {name: value[name][:most] for name, most in limits.items() if isinstance(value.get(name), list)}
    return {**value, **cut}


def _across(value: dict[str, Any]) -> Iterator[Finding]:
    """What concerns several values at once; pydantic would only say it once everything else is right."""
    locales, sources = value.get("locales"), value.get("sources")
    seen: list[Any] = []
    for index, locale in enumerate(locales if isinstance(locales, list) else ()):
        if isinstance(locale, str) and locale in seen:
            message = f"locale `{_short(locale)}` is listed twice"
            yield Finding(("locales", index), message, "remove one of them")
        seen.append(locale)
    if not isinstance(sources, list):
        return
    if len(sources) > MAX_SOURCES:
        message = f"{len(sources)} sources; the platform takes at most {MAX_SOURCES}"
        yield Finding(("sources", MAX_SOURCES), message, "join short texts into one source")
    for index, source in enumerate(sources[:MAX_SOURCES]):
        if isinstance(source, dict) and source.get("type") == "content":
            yield from _either(source, ("sources", index))


_NEITHER = "a content source needs `payload` or `file`"


def _either(source: dict[str, Any], path: Path) -> Iterator[Finding]:
    if "payload" in source and "file" in source:
        yield Finding((*path, "file"), "a source has both `payload` and `file`", "keep one of the two", True)
    elif "payload" not in source and "file" not in source:
        yield Finding(
            path, "a content source needs `payload` or `file`", "add `payload: |` with the text below it"
        )


def _findings(error: Mapping[str, Any], document: Written) -> Iterator[Finding]:
    path = _path(error["loc"])
    kind: str = error["type"]
    context: Mapping[str, Any] = error.get("ctx", {})
    if kind in ("engine_either", "engine_duplicate"):
        return  # said by _across and by engine_outputs, with better places
    if kind.startswith("engine_"):
        yield Finding(path, str(context["message"]).replace("{where}", _name(path)), context["hint"])
    elif kind == "extra_forbidden":
        yield _unknown_key(path, error["loc"])
    elif kind == "missing":
        yield Finding(path[:-1], f"`{path[-1]}` is missing", f"add `{path[-1]}: …`")
    elif kind.startswith("union_tag"):
        yield _source_type(path, error["input"])
    elif kind == "string_too_long":
        limit = context["max_length"]
        message = f"{_name(path)} has {len(error['input'])} characters; at most {limit} are allowed"
        yield Finding(path, message, "shorten it")
    else:
        yield _wrong_type(path, error["input"], document)


def _path(loc: tuple[str | int, ...]) -> Path:
    """pydantic's location without the name of the source type that it puts after the source's index."""
    return (*loc[:2], *loc[3:]) if loc[:1] == ("sources",) and len(loc) > 2 else loc


def _name(path: Path) -> str:
    """What a value is called in a message: `name`, locale 2, source 1."""
    last = path[-1]
    return f"`{last}`" if isinstance(last, str) else f"{str(path[-2])[:-1]} {last + 1}"


def _unknown_key(path: Path, loc: tuple[str | int, ...]) -> Finding:
    below = _KEYS_BELOW.get(str(path[0]))
    known = ENGINE_KEYS if len(path) == 1 else below or _SOURCE_KEYS[str(loc[2])]
    key = str(path[-1])
    meant = did_you_mean(key, known)
    hint = (
        f"did you mean `{meant}`?"
        if meant
        else "keys allowed here: " + ", ".join(f"`{each}`" for each in known)
    )
    if path[0] == "sources" and key == "file":
        hint = "`file` belongs to a source of `type: content`"
    return Finding(path, f"unknown key `{_short(key)}`", hint, of_key=True)


def _source_type(path: Path, source: Any) -> Finding:
    choice = " or ".join(f"`type: {each}`" for each in _SOURCE_TYPES)
    if not isinstance(source, dict) or "type" not in source:
        return Finding(path, f"{_name(path)} has no `type`", f"add {choice}")
    written = source["type"]
    meant = did_you_mean(written, _SOURCE_TYPES) if isinstance(written, str) else None
    shown = f"`{_short(written)}`" if isinstance(written, str) else _kind(written)
    hint = f"did you mean `{meant}`?" if meant else f"use {choice}"
    return Finding((*path, "type"), f"`type` must be `link` or `content`, not {shown}", hint)


_WANTED = {"locales": "a list", "sources": "a list", "outputs": "a list"}
_MAPPINGS = {
    "sources": "write `- type: link` and `payload: …` on the line below",
    "outputs": "write `- file: i18n.json` and `pointer: /engineId` on the line below",
    "lifecycle": "write `lifecycle: {protect: true}`",
}


def _wrong_type(path: Path, value: Any, document: Written) -> Finding:
    name = _name(path)
    if path == ("lifecycle",) or (len(path) == 2 and path[0] in ("sources", "outputs")):
        return Finding(path, f"{name} must be a mapping, not {_kind(value)}", _MAPPINGS[str(path[0])])
    if path[-1] == "protect":
        hint = "write `protect: true`, without quotes"
        return Finding(path, f"{name} must be true or false, not {_kind(value)}", hint)
    wanted = _WANTED.get(str(path[-1]), "text") if len(path) == 1 else "text"
    message = f"{name} must be {wanted}, not {_kind(value)}"
    if value is None:
        return Finding(path, f"{name} has no value", f"write {wanted}, or remove it")
    if wanted == "a list":
        one_locale = path == ("locales",) and isinstance(value, str)
        return Finding(
            path, message, f"write `locales: [{value}]`" if one_locale else "begin each entry with `- `"
        )
    written = document.written(path)
    if written is None:
        return Finding(path, message, "write it as text")
    shown = _short(written)
    return Finding(path, message, f'quote it: "{shown}"; YAML reads {shown} as {_kind(value)}')


def _without_echoes(findings: list[Finding]) -> list[Finding]:
    """Drops "`name` is missing" where an unknown key beside it was most likely meant to be it."""
    guesses = {(each.path[:-1], each.hint) for each in findings if each.of_key}

    def is_echo(each: Finding) -> bool:
        if each.message == _NEITHER:
            wanted = ["`payload`", "`file`"]
        elif each.message.endswith(" is missing"):
            wanted = [each.message.removesuffix(" is missing")]
        else:
            return False
        return any((each.path, f"did you mean {key}?") in guesses for key in wanted)

    return [each for each in findings if not is_echo(each)]


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "a truth value"
    for kind, words in ((str, "text"), ((int, float), "a number"), (list, "a list"), (dict, "a mapping")):
        if isinstance(value, kind):
            return words
    return "nothing"


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"
