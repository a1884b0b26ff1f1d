"""Schema and resolution agree: a file that the editor is content with must not fail in the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.core.errors import InvalidInput
from reconciler.core.settings.model import SETTINGS
from reconciler.core.settings.resolution import resolve
from reconciler.core.settings.schema import settings_schema, settings_schema_text

REPO = Path(__file__).parents[3]
VALIDATOR = jsonschema.Draft202012Validator(settings_schema())

VALUES: tuple[Any, ...] = (
    *(
        None,
        "LINGO_API_KEY_STAGING",
        "LINGO_API_KEYS",
        True,
        0,
        1,
        8,
        64,
        65,
        1.5,
        604800,
        604801,
        [],
        "retire",
        {},
        "",
        "a b",
        "..",
        "../x",
        "/x",
        ".",
        "./",
        "~",
    ),
    *(
        "engines",
        "l10n/engines",
        "a/../b",
        "a\\b",
        ".git/x",
        ".github/workflows",
        ".github/./workflows/a.json",
        ".github/workflows.json",
        ".github/engines",
        "x.json",
        "./a.json",
        ".json",
        "a/.json",
        "C:x",
    ),
    *("production", "qa-1", ".x", "x.lock", "a..b", "30m", "1h30m", "1m1h", "90", "soon", "suggest"),
    *(
        "8d",
        "7d",
        "7d 0h",
        "7d 1ms",
        "1d",
        "24h",
        "25h",
        "169h",
        "6d 24h",
        "1.5h 30m",
        "0s",
        "0",
        " 30m",
        8.0,
        5e6,
    ),
    *("in_place", "reprovision"),
    *("5", "5 or 30%", "101%", "1000000", "100 %", -1, 999999, 1000000),
    *("https://api.lingo.dev", "https://h/x/", "http://h", "http://127.0.0.1:80", "http://127.0.0.256"),
    *(
        "https://u:p@h",
        "api",
        "https://h?x",
        "https://h#x",
        "http://[::1]",
        "http://localhost/x",
        "https://é",
        "HTTPS://h",
    ),
)


def is_taken(file: Any) -> bool:
    try:
        resolve({}, {}, file)
    except InvalidInput:
        return False
    return True


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(settings_schema())


@pytest.mark.parametrize("name", SETTINGS)
def test_schema_and_resolution_agree_on_every_setting(name: str) -> None:
    taken = [value for value in VALUES if is_taken({name: value})]
    valid = [value for value in VALUES if VALIDATOR.is_valid({name: value})]
    assert taken == valid
    assert 0 < len(taken) < len(VALUES)


@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "environment"])
def test_schema_and_resolution_agree_on_overlays(name: str) -> None:
    files = [{"environments": {"production": {name: value}}} for value in VALUES]
    assert [file for file in files if is_taken(file)] == [file for file in files if VALIDATOR.is_valid(file)]


@pytest.mark.parametrize(
    ("file", "verdict"),
    [
        ({}, True),
        ({"environments": None}, True),
        ({"environments": {"production": None}}, True),
        ({"environments": {"production": 3}}, False),
        ({"environments": {"production": None, "a b": None}}, False),
        ({"environments": {"production": {"environment": "x"}}}, False),
        ({"environments": []}, False),
        ({"unknown": 1}, False),
    ],
)
def test_schema_and_resolution_agree_on_the_rest(file: Any, verdict: bool) -> None:
    assert (is_taken(file), VALIDATOR.is_valid(file)) == (verdict, verdict)


def test_a_file_of_comments_is_valid() -> None:
    assert VALIDATOR.is_valid(None)


def test_the_committed_copy_is_fresh() -> None:
    assert (REPO / "schemas/settings.schema.json").read_text() == settings_schema_text()
