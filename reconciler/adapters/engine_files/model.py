"""The shape of an engine file, as a pydantic model: it validates files, and the JSON Schema is generated from it.

Imported only to say why a file is refused, and for the schema: building it takes a tenth of a second. What it accepts
is known before (`validator.py`). `words.py` puts pydantic's errors into our words.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from reconciler.adapters.engine_files import rules
from reconciler.core.duration import duration_pattern
from reconciler.core.engine.spec import MAX_OUTPUTS, MAX_SOURCES
from reconciler.core.values import LOCALE_PATTERN, MAX_NAME, MAX_URL, POINTER_PATTERN, VARIABLE_PATTERN

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_URL_PATTERN = r"^https?://[^\s/?#@]+([/?#]\S*)?$"
AGE_PATTERN = duration_pattern(rules.MAX_AGE_DAYS)
_SOME_TEXT: dict[str, Any] = {"minLength": 1, "pattern": r"\S"}


Locale = Annotated[
    str, AfterValidator(rules.locale), WithJsonSchema({"type": "string", "pattern": LOCALE_PATTERN})
]
Text = Annotated[str, AfterValidator(rules.not_blank)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LinkSource(_Strict):
    """A web page that the platform reads."""

    type: Literal["link"] = Field(description="`link`: a web page the platform reads.")
    payload: Annotated[str, StringConstraints(max_length=MAX_URL), AfterValidator(rules.web_address)] = Field(
        description="The page's address: an http or https URL without user name and password.",
        examples=["https://acme.com/brand-guidelines"],
        json_schema_extra={"format": "uri", "pattern": _URL_PATTERN},
    )


class ContentSource(_Strict):
    """A text, written here or kept in a file of its own."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["payload"]}, {"required": ["file"]}]}
    )

    type: Literal["content"] = Field(description="`content`: text the platform learns from.")
    payload: Text = Field(
        default="",
        description="The text itself, plain or Markdown. Either this or `file`.",
        examples=["Brand name 'Acme' is never translated.\n"],
        json_schema_extra=_SOME_TEXT,
    )
    file: Text = Field(
        default="",
        description="A text file in the repository, relative to this one. Either this or `payload`.",
        examples=["glossary.md"],
        json_schema_extra=_SOME_TEXT,
    )

    _exactly_one = model_validator(mode="after")(rules.payload_or_file)


Source = Annotated[LinkSource | ContentSource, Field(discriminator="type")]


class Lifecycle(_Strict):
    """What may happen to the engine; not sent to the platform."""

    protect: bool = Field(
        default=False,
        description="Refuse to replace or retire the engine unless it is named explicitly.",
        examples=[True],
    )
    refresh_sources: Annotated[str, AfterValidator(rules.what_to_do_about_sources)] = Field(
        default="report",
        description="What `--check-sources` does when a page changed that the engine learned from: report it, or "
        "create a new engine.",
        examples=["reprovision"],
        json_schema_extra={"enum": list(rules.REFRESHES)},
    )
    max_source_age: Annotated[str, AfterValidator(rules.length_of_time)] = Field(
        default="",
        description="How long an engine may live on what it read from its links, such as 90d. After that "
        "`--check-sources` takes it for stale, changed or not.",
        examples=["90d"],
        json_schema_extra={"pattern": AGE_PATTERN},
    )


class OutputFile(_Strict):
    """A place in another file that holds the engine's ID."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["pointer"]}, {"required": ["key"]}]})

    file: Text = Field(
        description="A JSON, YAML or .env file, relative to the project's root.",
        examples=["i18n.json"],
        json_schema_extra=_SOME_TEXT,
    )
    pointer: Annotated[str, AfterValidator(rules.json_pointer)] = Field(
        default="",
        description="In JSON and YAML: where to write the engine ID, as a JSON Pointer.",
        examples=["/engineId"],
        json_schema_extra={"pattern": POINTER_PATTERN},
    )
    key: Annotated[str, AfterValidator(rules.variable)] = Field(
        default="",
        description="In a .env file: the variable that holds the engine ID.",
        examples=["LINGO_ENGINE_ID"],
        json_schema_extra={"pattern": VARIABLE_PATTERN},
    )

    _exactly_one = model_validator(mode="after")(rules.pointer_or_key)


class EngineFile(_Strict):
    """A localization engine, as the team wants it."""

    name: Annotated[str, StringConstraints(max_length=MAX_NAME), AfterValidator(rules.one_line)] = Field(
        description="The engine's name on the platform; one line.",
        examples=["Acme Corp Engine"],
        json_schema_extra=_SOME_TEXT,
    )
    description: Annotated[str, AfterValidator(rules.readable)] = Field(
        default="", description="What the engine is for.", examples=["Production engine for acme.com"]
    )
    locales: Annotated[list[Locale], AfterValidator(rules.no_duplicates)] = Field(
        default=[],
        description="Target locales as canonical BCP-47 tags, each once.",
        examples=[["de", "fr", "pt-BR", "zh-Hant-TW"]],
        json_schema_extra={"uniqueItems": True},
    )
    sources: list[Source] = Field(
        default=[],
        max_length=MAX_SOURCES,
        description=f"Material the engine learns from, at most {MAX_SOURCES}.",
        examples=[[{"type": "link", "payload": "https://acme.com/brand-guidelines"}]],
    )
    lifecycle: Lifecycle = Field(
        default=Lifecycle(),
        description="Limits on what may happen to the engine. Changing them never replaces it.",
        examples=[{"protect": True}],
    )
    outputs: list[OutputFile] = Field(
        default=[],
        max_length=MAX_OUTPUTS,
        description=f"Other files to write the engine ID to, at most {MAX_OUTPUTS}.",
        examples=[[{"file": "i18n.json", "pointer": "/engineId"}]],
    )


_NO_LIFECYCLE = Lifecycle().model_dump()


def engine_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an engine file, for editors and other tools.

    It accepts every file that the model accepts, and a few more: what needs a registry of languages or the disk is
    left to `reconcile validate`.
    """
    schema = _tidied(EngineFile.model_json_schema())
    return {"$schema": _DIALECT, **schema, "title": "Localization engine"}


def overlay_schema() -> dict[str, Any]:
    """The same of an overlay: nothing is required, and null removes what the engine file says."""
    schema = engine_schema()
    description = (
        "What differs from the engine file in one environment: mappings merge, lists replace, null removes."
    )
    schema = {**schema, "title": "Overlay of a localization engine", "description": description}
    del schema["required"]
    schema["properties"] = {name: _or_null(one) for name, one in schema["properties"].items()}
    options = schema["$defs"]["Lifecycle"]
    options["properties"] = {name: _or_null(one) for name, one in options["properties"].items()}
    return schema


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    about: dict[str, Any] = {name: one for name, one in schema.items() if name in ("description", "examples")}
    return {
        **about,
        "anyOf": [{name: one for name, one in schema.items() if name not in about}, {"type": "null"}],
    }


def _tidied(schema: Any) -> Any:
    """Without pydantic's titles made from field names, OpenAPI's `discriminator`, and defaults that say nothing."""
    if isinstance(schema, list):
        return [_tidied(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _tidied(each) for name, each in value.items()} if key == "properties" else _tidied(value)
        for key, value in schema.items()
        if key not in ("title", "discriminator")
        and (key, value) not in (("default", ""), ("default", []), ("default", _NO_LIFECYCLE))
    }


def schema_text() -> str:
    """Exactly what `schemas/engine.schema.json` contains."""
    return json.dumps(engine_schema(), indent=2, ensure_ascii=False) + "\n"


def overlay_schema_text() -> str:
    """Exactly what `schemas/overlay.schema.json` contains."""
    return json.dumps(overlay_schema(), indent=2, ensure_ascii=False) + "\n"
