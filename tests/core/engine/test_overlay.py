from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.engine.overlay import (
    EngineChoice,
    Lone,
    Named,
    chosen,
    is_of_overlay,
    merged,
    overlay_names,
)

STAGING = EngineChoice("staging", ("production", "staging", "eu.staging"))


@pytest.mark.parametrize(
    ("base", "overlay", "expected"),
    [
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1}, {"a": 2, "b": 3}, {"a": 2, "b": 3}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"b": 2}, {"a": None}, {"b": 2}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": None, "z": 3}}, {"a": {"y": 2, "z": 3}}),
        ({"a": "text"}, {"a": {"x": 1, "y": None}}, {"a": {"x": 1}}),
        ({"a": {"x": 1}}, {"a": "text"}, {"a": "text"}),
        ({"a": [1]}, {"a": [None]}, {"a": [None]}),
    ],
)
def test_mappings_merge_anything_else_replaces_and_null_removes(
    base: dict[str, Any], overlay: dict[str, Any], expected: dict[str, Any]
) -> None:
    before = repr(base)
    assert merged(base, overlay) == expected
    assert repr(base) == before


def test_who_said_a_value() -> None:
    base = {"name": "A", "lifecycle": {"protect": 1}, "locales": ["de"], "sources": [1]}
    overlay = {"name": "B", "lifecycle": {"x": 1}, "sources": [{"type": "x"}], "outputs": None}
    said = {
        path: is_of_overlay(path, base, overlay)
        for path in (
            *((), ("name",), ("locales", 0), ("lifecycle",), ("lifecycle", "x"), ("lifecycle", "protect")),
            *(("sources", 0, "type"), ("outputs",), ("description",)),
        )
    }
    assert [path for path, overlaid in said.items() if overlaid] == [
        ("name",),
        ("lifecycle", "x"),
        ("sources", 0, "type"),
        ("outputs",),
    ]


def test_a_name_is_that_of_an_overlay_where_environment_and_engine_file_are_there() -> None:
    keys = [
        "a",
        "a.staging",
        "shop/b",
        "shop/b.production",
        "c.staging",
        "a.v2",
        "shop/.staging",
        "d.eu.staging",
        "d",
    ]
    said = Named(keys, STAGING)
    assert said.bases == {
        "a.staging": ("a", "staging"),
        "shop/b.production": ("shop/b", "production"),
        "d.eu.staging": ("d", "eu.staging"),
    }
    assert said.lone == {"c.staging": Lone("c", "staging", "no base"), "a.v2": Lone("a", "v2", "misspelt")}
    assert said.wrong == {}


def test_without_a_list_every_file_is_an_engine() -> None:
    said = Named(["a", "a.staging", "a.v2"], EngineChoice("staging"))
    assert not said.bases
    assert said.lone == {"a.staging": Lone("a", "staging", "not listed")}


@pytest.mark.parametrize(
    ("keys", "wrong", "words"),
    [
        (["a", "a.Staging"], "a.Staging", "`Staging` differs from the environment `staging` only in case"),
        (["A", "a.staging"], "a.staging", "`A`, is spelled differently"),
        (["a", "a.eu", "a.eu.staging"], "a.eu.staging", "could be the overlay of `a.eu` and `a`"),
        (["a", "a.staging", "a.staging.production"], "a.staging.production", "lie over another overlay"),
    ],
)
def test_names_that_leave_it_open_are_refused(keys: list[str], wrong: str, words: str) -> None:
    said = Named(keys, STAGING)
    assert list(said.wrong) == [wrong]
    assert words in said.wrong[wrong][0]
    assert wrong not in said.bases | said.lone


def test_thousands_of_names_are_sorted_out_at_once() -> None:
    keys = {f"e{index}{end}": "" for index in range(20_000) for end in ("", ".staging")} | {
        "lone.staging": ""
    }
    assert len(Named(keys, STAGING).bases) == 20_000
    lone = {
        f"e{index}.staging": "" for index in range(20_000)
    }  # each would have to be compared with all others
    assert len(Named(lone, STAGING).lone) == 20_000


def test_what_an_environment_chooses() -> None:
    assert chosen(EngineChoice(), "a/b")
    only = EngineChoice(include=("shop/*", "acme"), exclude=("shop/old*",))
    assert [key for key in ("acme", "acme2", "shop/a/b", "shop/old/x", "x") if chosen(only, key)] == [
        "acme",
        "shop/a/b",
    ]


def test_only_a_listed_environment_has_overlays() -> None:
    assert overlay_names("engines/a.b.yml", STAGING.overlaid) == (
        "engines/a.b.staging.yaml",
        "engines/a.b.staging.yml",
    )
    assert overlay_names("engines/a.yml", EngineChoice("qa", ("staging",)).overlaid) == ()
