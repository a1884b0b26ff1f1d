"""The model and the JSON Schema made from it: the schema accepts whatever the model accepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langcodes import Language
from pydantic import ValidationError

from reconciler.adapters.engine_files.locales import locale_problem
from reconciler.adapters.engine_files.model import EngineFile, engine_schema, schema_text
from reconciler.core.engine.locales import COMMON

COMMITTED = Path(__file__).parents[3] / "schemas" / "engine.schema.json"
LINK = {"type": "link", "payload": "https://acme.com/guide?x=1#y"}
TEXT = {"type": "content", "payload": "Be brief.\n"}
FILE = {"type": "content", "file": "../glossary.md"}

VALID: list[dict[str, Any]] = [
    {"name": "Acme"},
    {"name": "Acme", "description": "", "locales": [], "sources": []},
    {
        "name": "x" * 200,
        "locales": ["de", "pt-BR", "zh-Hant-TW", "es-419", "de-1996", "de-u-co-phonebk", "no", "fil"],
    },
    {"name": "Acme", "sources": [LINK, TEXT, FILE]},
    {"name": "Acme", "sources": [TEXT] * 10},
    {"name": "Acme", "sources": [{"type": "link", "payload": "http://localhost:8080"}]},
    {"name": "Acme", "sources": [{"type": "link", "payload": "https://[::1]:8080/é"}]},
    {"name": "Acme", "lifecycle": {}, "outputs": []},
    {
        "name": "Acme",
        "lifecycle": {"protect": True},
        "outputs": [{"file": "i18n.json", "pointer": "/a/~0b~1/"}],
    },
    {"name": "Acme", "outputs": [{"file": ".env", "key": "LINGO_ENGINE_ID"}] * 20},
]

INVALID: list[Any] = [
    None,
    [],
    {},
    {"name": ""},
    {"name": " \n"},
    {"name": 1},
    {"name": None},
    {"name": "x" * 201},
    {"name": "a", "locale": ["de"]},
    {"name": "a", "description": None},
    {"name": "a", "description": 1.1},
    {"name": "a", "locales": "de"},
    {"name": "a", "locales": ["de", "de"]},
    {"name": "a", "locales": ["pt_br"]},
    {"name": "a", "locales": ["pt-br"]},
    {"name": "a", "locales": ["DE"]},
    {"name": "a", "locales": ["deutsch"]},
    {"name": "a", "locales": [True]},
    {"name": "a", "sources": None},
    {"name": "a", "sources": {}},
    {"name": "a", "sources": [TEXT] * 11},
    {"name": "a", "sources": ["text"]},
    {"name": "a", "sources": [{}]},
    {"name": "a", "sources": [{"type": "url", "payload": "https://a.b"}]},
    {"name": "a", "sources": [{"type": "link"}]},
    {"name": "a", "sources": [{"type": "link", "file": "a.md"}]},
    {"name": "a", "sources": [{"type": "link", "payload": "acme.com"}]},
    {"name": "a", "sources": [{"type": "link", "payload": "ftp://acme.com"}]},
    {"name": "a", "sources": [{"type": "link", "payload": "https://me:pw@acme.com"}]},
    {"name": "a", "sources": [{"type": "link", "payload": "https:///x"}]},
    {"name": "a", "sources": [{"type": "link", "payload": "https://a.b/c d"}]},
    {"name": "a", "sources": [{"type": "link", "payload": "https://a.b/" + "x" * 2048}]},
    {"name": "a", "sources": [{"type": "content"}]},
    {"name": "a", "sources": [{"type": "content", "payload": " "}]},
    {"name": "a", "sources": [{"type": "content", "file": ""}]},
    {"name": "a", "sources": [{"type": "content", "payload": "x", "file": "y"}]},
    {"name": "a", "sources": [{"type": "content", "payload": "x", "url": "y"}]},
    {"name": "a", "lifecycle": None},
    {"name": "a", "lifecycle": {"protect": "yes"}},
    {"name": "a", "lifecycle": {"protect": 1}},
    {"name": "a", "lifecycle": {"protected": True}},
    {"name": "a", "outputs": {"file": "i18n.json", "pointer": "/a"}},
    {"name": "a", "outputs": [{"file": "i18n.json"}]},
    {"name": "a", "outputs": [{"pointer": "/a"}]},
    {"name": "a", "outputs": [{"file": "", "pointer": "/a"}]},
    {"name": "a", "outputs": [{"file": "i18n.json", "pointer": ""}]},
    {"name": "a", "outputs": [{"file": "i18n.json", "pointer": "engineId"}]},
    {"name": "a", "outputs": [{"file": "i18n.json", "pointer": "/a~2"}]},
    {"name": "a", "outputs": [{"file": ".env", "key": "1A"}]},
    {"name": "a", "outputs": [{"file": ".env", "key": "A", "pointer": "/a"}]},
    {"name": "a", "outputs": [{"file": ".env", "key": "A"}] * 21},
]

# What only the model can know: a registry of languages, URL parts, more than one line.
ONLY_MODEL: list[Any] = [
    {"name": "a\nb"},
    {"name": "a", "locales": ["xx"]},
    {"name": "a", "locales": ["iw"]},
    {"name": "a", "locales": ["und"]},
    {"name": "a", "sources": [{"type": "link", "payload": "https://a.b:port/"}]},
    {"name": "a", "sources": [{"type": "link", "payload": "https://[::1/"}]},
]

SCHEMA = jsonschema.Draft202012Validator(engine_schema())


def model_accepts(value: Any) -> bool:
    try:
        EngineFile.model_validate(value)
    except ValidationError:
        return False
    return True


def test_the_schema_is_a_valid_one() -> None:
    schema = engine_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_committed_schema_is_fresh() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == schema_text(), (
        "run `reconcile schema > schemas/engine.schema.json`"
    )


def test_every_field_is_described_for_editors() -> None:
    schema = engine_schema()
    objects = [schema, *schema["$defs"].values()]
    for each in objects:
        assert each["description"]
        assert all(field["description"] for field in each["properties"].values())
    assert all(field["examples"] for field in schema["properties"].values())


@pytest.mark.parametrize("value", VALID, ids=str)
def test_valid(value: Any) -> None:
    assert model_accepts(value)
    assert SCHEMA.is_valid(value)


@pytest.mark.parametrize("value", INVALID, ids=lambda value: str(value)[:60])
def test_invalid_for_both(value: Any) -> None:
    assert not model_accepts(value)
    assert not SCHEMA.is_valid(value)


@pytest.mark.parametrize("value", ONLY_MODEL, ids=str)
def test_invalid_for_the_model_alone(value: Any) -> None:
    assert not model_accepts(value)
    assert SCHEMA.is_valid(value)


words = st.one_of(
    st.sampled_from(["a", " ", "", "https://a.b/c", "de", "pt_BR", "x.md"]), st.text(max_size=5)
)
sources = st.fixed_dictionaries(
    {"type": st.sampled_from(["link", "content", "x"])},
    optional={"payload": st.one_of(words, st.text(max_size=9).map("https://".__add__)), "file": words},
)
engines = st.fixed_dictionaries(
    {"name": words},
    optional={
        "description": words,
        "locales": st.lists(words, max_size=3),
        "sources": st.lists(sources, max_size=3),
    },
)


@settings(max_examples=100, deadline=None)
@given(engines)
def test_the_schema_accepts_what_the_model_accepts(value: Any) -> None:
    assert SCHEMA.is_valid(value) or not model_accepts(value)


@pytest.mark.parametrize(
    "locale",
    [
        "de",
        "no",
        "nb",
        "pt-BR",
        "zh-Hant-TW",
        "es-419",
        "ca-valencia",
        "sl-rozaj",
        "en-x-twain",
        "hi-Latn",
        "yue",
    ],
)
def test_canonical_locales(locale: str) -> None:
    assert locale_problem(locale) is None
    assert SCHEMA.is_valid({"name": "a", "locales": [locale]})


def test_common_locales_are_what_the_registry_says() -> None:
    assert all(Language.get(each).is_valid() and Language.get(each).to_tag() == each for each in COMMON)


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("pt_br", "write `pt-BR`"),
        ("ZH-hant-tw", "write `zh-Hant-TW`"),
        (" de", "write `de`"),
        ("iw", "write `he`"),
        ("en-UK", "write `en-GB`"),
        ("zh-cmn", "write `zh`"),
        ("deutsch", "did you mean `de`?"),
        ("jp", "did you mean `ja`?"),
        ("de-DEU", "use a BCP-47 tag such as `de`, `pt-BR` or `zh-Hant-TW`"),
        ("xx", "use a BCP-47 tag such as `de`, `pt-BR` or `zh-Hant-TW`"),
        ("", "use a BCP-47 tag such as `de`, `pt-BR` or `zh-Hant-TW`"),
        ("x-own", "use a BCP-47 tag such as `de`, `pt-BR` or `zh-Hant-TW`"),
        ("und", "use a BCP-47 tag such as `de`, `pt-BR` or `zh-Hant-TW`"),
        ("x" * 1000, "use a BCP-47 tag such as `de`, `pt-BR` or `zh-Hant-TW`"),
    ],
)
def test_other_locales_get_a_hint(written: str, hint: str) -> None:
    problem = locale_problem(written)
    assert problem is not None
    assert problem.hint == hint
    assert len(problem.message) < 90


def test_the_schema_text_is_what_json_makes_of_the_schema() -> None:
    assert json.loads(schema_text()) == engine_schema()
    assert schema_text().endswith("}\n")
