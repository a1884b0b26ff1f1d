"""The lockfile's schema, against an implementation of JSON Schema that is not ours: it takes every lockfile that the
reader takes, and refuses what is not of its form.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from reconciler.core.engine.spec import LifecycleOptions, Output
from reconciler.core.errors import LockfileError
from reconciler.core.lockfile.entry import Hold
from reconciler.core.lockfile.model import Lockfile, read_exactly, render
from reconciler.core.lockfile.schema import lockfile_schema
from tests.core.build import A, B, C, current, entry, lockfile, pending, superseded, uncertain
from tests.core.strategies import lockfiles

VALIDATOR = Draft202012Validator(lockfile_schema())
OUTPUTS = LifecycleOptions(True, (Output("i18n.json", pointer="/engineId"), Output("env", key="ENGINE")))
HELD = entry(current("2", B, summary={"instructions": 6}), pending("3", A), superseded("1", A))
FULL = lockfile(
    {
        "acme": replace(
            HELD, hold=Hold("op_9", "v1:x", {"name": "x"}, "Ada", "2026-11-24T11:08:13Z"), kept=OUTPUTS
        ),
        "new": replace(entry(None, uncertain("5", A)), uncertain=(uncertain("6", B),)),
    },
    old=entry(current("7", C), None, superseded("0", C, "failed")),
)


def document_of(lock: Lockfile) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(render(lock))
    return document


def is_read(document: object) -> bool:
    try:
        lock = read_exactly(json.dumps(document).encode(), "engines.lock.json")
        lock.check()
    except LockfileError:
        return False
    return True


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(lockfile_schema())


@given(lockfiles())
def test_every_lockfile_is_valid(lock: Lockfile) -> None:
    VALIDATOR.validate(document_of(lock))


def test_one_with_everything_is_valid() -> None:
    document = document_of(FULL)
    assert document["version"] == 2
    VALIDATOR.validate(document)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from places(item, (*path, name))


def put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    document = copy.deepcopy(document)
    holder = document
    for name in path[:-1]:
        holder = holder[name]
    if value is places:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return document


PLACES = [path for path in places(document_of(FULL)) if path]
REFUSED: list[Any] = [None, 7.5, "\0", [[]], {"unknown key": 1}]


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_what_is_not_of_its_form_is_refused_by_both(path: tuple[Any, ...]) -> None:
    """A value of another type, or one that is missing: the schema never refuses what the reader takes, and it finds
    all of this where the value's kind is one that it knows.
    """
    full = document_of(FULL)
    for value in (places, *REFUSED):
        damaged = put(full, path, value)
        taken, valid = is_read(damaged), VALIDATOR.is_valid(damaged)
        assert valid or not taken, value
        if value not in ("\0", places):
            assert taken or not valid, value


def test_something_must_be_in_an_entry() -> None:
    for hollow in ({}, {"protect": True}, {"engineId": "eng_1"}):
        damaged = put(document_of(FULL), ("engines", "acme"), hollow)
        assert not VALIDATOR.is_valid(damaged)
        assert not is_read(damaged)


def test_a_version_that_is_not_known_is_refused() -> None:
    assert not VALIDATOR.is_valid(document_of(FULL) | {"version": 3})
