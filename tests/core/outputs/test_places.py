"""What has to stand where, and how one value in a JSON or `.env` file changes with nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.engine.spec import Desired, LifecycleOptions, Output, Spec
from reconciler.core.lockfile.entry import Entry, Pending, Provisioned
from reconciler.core.lockfile.model import EMPTY
from reconciler.core.outputs.env_file import put_into_env
from reconciler.core.outputs.json_file import put_into_json
from reconciler.core.outputs.places import (
    OutputRefused,
    Write,
    clashes,
    clashing,
    pointer_to,
    tokens_of,
    writes_of,
)

SPEC = {"name": "x"}
ID = "eng_1"


def entry(engine: str | None, *outputs: Output) -> Entry:
    current = None if engine is None else Provisioned(engine, "v1:a", SPEC)
    pending = Pending("in_progress", "op", "v1:b", SPEC, engine_id="eng_new", job_id="pjb_1")
    return Entry(current, pending, kept=LifecycleOptions(outputs=outputs))


def test_only_engines_that_serve_are_written() -> None:
    here, there = Output("i18n.json", "/engineId"), Output(".env", key="ENGINE")
    lock = EMPTY.with_entries({"a": entry("eng_a", here), "b": entry(None, there), "c": entry("eng_c")})
    assert writes_of(lock) == ({"i18n.json": [Write(here, "a", "eng_a")]}, [])


def test_a_place_that_two_engines_ask_for_is_nobodys() -> None:
    place, other = Output("i18n.json", "/engineId"), Output("i18n.json", "/other")
    lock = EMPTY.with_entries({"b": entry("eng_b", place, other), "a": entry("eng_a", place)})
    files, problems = writes_of(lock)
    assert files == {"i18n.json": [Write(other, "b", "eng_b")]}
    assert problems == ["`a` and `b` both use i18n.json /engineId: neither is written"]
    assert clashes([{"a": [place]}, {"b": [place]}]) == ["`a` and `b` both use i18n.json /engineId"]
    assert clashes([{"a": [place]}, {"a": [place]}, {"b": [other]}]) == []


@given(st.lists(st.text()))
def test_pointers_are_read_as_they_are_written(tokens: list[str]) -> None:
    assert tokens_of(pointer_to(tokens)) == tokens


def desired(key: str, *outputs: Output) -> Desired:
    return Desired(key, f"engines/{key}.yaml", Spec(key), "v1:a", {}, outputs=outputs)


def test_a_clash_is_found_among_files_and_with_the_lockfile() -> None:
    place, other = Output(".env", key="ENGINE"), Output(".env", key="OTHER")
    lock = EMPTY.with_entries({"old": entry("eng_o", place), "gone": entry("eng_g", place)})
    keys = {"a", "b", "old"}
    assert clashing(lock, {"a": desired("a", other)}, keys) == []
    [found] = clashing(lock, {"a": desired("a", place)}, keys)
    assert found.message == "`a` and `old` both use .env ENGINE"
    assert (found.file, found.severity) == ("engines/a.yaml", "error")
    assert clashing(lock, {"a": desired("a", place), "old": desired("old")}, keys) == []
    [found] = clashing(EMPTY, {"a": desired("a", place), "b": desired("b", place)}, keys)
    assert found.file == "engines/b.yaml"


# ── JSON ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("before", "pointer", "after"),
    [
        ('{"engineId": "old", "b":1}', "/engineId", '{"engineId": "eng_1", "b":1}'),
        ('{"engineId" :null}\n', "/engineId", '{"engineId" :"eng_1"}\n'),
        ("{}", "/engineId", '{\n  "engineId": "eng_1"\n}'),
        ("{ }\n", "/a/b", '{\n  "a": {\n    "b": "eng_1"\n  }\n}\n'),
        ('{"a":1}', "/b", '{"a":1,"b":"eng_1"}'),
        ('{ "a": 1 }', "/b/c", '{ "a": 1, "b": {"c": "eng_1"} }'),
        ('{"a":{}}', "/a/b/c", '{"a":{"b":{"c":"eng_1"}}}'),
        ('{\n\t"a": 1\n}\n', "/b", '{\n\t"a": 1,\n\t"b": "eng_1"\n}\n'),
        ('{\r\n    "a": {}\r\n}', "/a/b", '{\r\n    "a": {\r\n        "b": "eng_1"\r\n    }\r\n}'),
        ('{\n  "a" : {\n  "z" : 1}\n}', "/a/b", '{\n  "a" : {\n  "z" : 1,\n  "b" : "eng_1"}\n}'),
        ('\ufeff{"a":[{"id":1},2]}', "/a/0/id", '\ufeff{"a":[{"id":"eng_1"},2]}'),
        ('{"a": ["x", "y"]}', "/a/1", '{"a": ["x", "eng_1"]}'),
        ('{"a/b": {"m~n": 0}}', "/a~1b/m~0n", '{"a/b": {"m~n": "eng_1"}}'),
        ('{"engine\\u0049d": 0}', "/engineId", '{"engine\\u0049d": "eng_1"}'),
        ('{"": 1, "b": "}{\\"" }', "/", '{"": "eng_1", "b": "}{\\"" }'),
        ('{"größe": 1}', "/größer", '{"größe": 1, "größer": "eng_1"}'),
    ],
)
def test_one_value_of_a_json_file(before: str, pointer: str, after: str) -> None:
    edited = put_into_json(before.encode(), pointer, ID)
    assert edited.decode() == after
    assert put_into_json(edited, pointer, ID) == edited


def test_a_json_file_that_is_not_there() -> None:
    assert put_into_json(None, "/a/b", ID) == b'{\n  "a": {\n    "b": "eng_1"\n  }\n}\n'


@pytest.mark.parametrize(
    ("content", "pointer", "said"),
    [
        (b"", "/a", "not valid JSON"),
        (b'{"a": 1,}', "/a", "line 1, column"),
        (b'{"a": 1} // comment', "/a", "not valid JSON"),
        (b'{"a": 1, "a": 2}', "/b", 'duplicate key "a"'),
        (b'{"x": {"a": 1, "a": 2}}', "/b", 'duplicate key "a"'),
        (b'{"a": 1}', "/a/b", "/a is not an object"),
        (b'{"a": null}', "/a/b/c", "/a is not an object"),
        (b'"text"', "/a", "the document is not an object"),
        (b'{"a": {"b": 1}}', "/a", "/a is an object, which an ID would replace"),
        (b'{"a": []}', "/a", "/a is a list"),
        (b'{"a": [1]}', "/a/1", "has no item `1`"),
        (b'{"a": [1]}', "/a/-", "has no item `-`"),
        (b'{"a": [1]}', "/a/00", "has no item"),
        (b'{"a": "\xff"}', "/a", "not UTF-8"),
        (b"[" * 100_000, "/a", "too deep"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "/a", "number is too long"),
    ],
)
def test_json_that_is_left_alone(content: bytes, pointer: str, said: str) -> None:
    with pytest.raises(OutputRefused) as raised:
        put_into_json(content, pointer, ID)
    assert said in raised.value.message


NAMES = st.text('ab/~"ö ', max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def expected(value: Any, tokens: list[str]) -> Any:
    """The value with the ID at its place, by way of Python's own objects; ValueError where it cannot be."""
    if not tokens:
        if isinstance(value, dict | list):
            raise ValueError
        return ID
    if isinstance(value, dict):
        return value | {tokens[0]: expected(value.get(tokens[0], {} if tokens[1:] else None), tokens[1:])}
    if isinstance(value, list):
        if not tokens[0].isdigit() or str(int(tokens[0])) != tokens[0] or int(tokens[0]) >= len(value):
            raise ValueError
        at = int(tokens[0])
        return [*value[:at], expected(value[at], tokens[1:]), *value[at + 1 :]]
    raise ValueError


@given(
    st.dictionaries(NAMES, VALUES, max_size=4),
    st.lists(NAMES | st.sampled_from(["0", "1"]), min_size=1, max_size=3),
    st.sampled_from([None, 1, 4, "\t"]),
    st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_any_json_file_means_what_it_meant(
    value: dict[str, Any],
    tokens: list[str],
    indent: int | str | None,
    separators: tuple[str, str],
    newline: str,
    ascii_only: bool,
) -> None:
    text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=ascii_only) + "\n"
    content = text.replace("\n", newline).encode()
    try:
        wanted = expected(value, tokens)
    except ValueError:
        with pytest.raises(OutputRefused):
            put_into_json(content, pointer_to(tokens), ID)
        return
    edited = put_into_json(content, pointer_to(tokens), ID)
    assert json.loads(edited) == wanted
    assert list(json.loads(edited))[: len(value)] == list(value)
    assert put_into_json(edited, pointer_to(tokens), ID) == edited
    if indent is not None and newline == "\n" and separators == (", ", ": "):
        laid_out = json.dumps(wanted, indent=indent, separators=(", ", ": "), ensure_ascii=ascii_only) + "\n"
        assert (
            edited.decode().replace(", \n", ",\n").split("\n")[0]
            == laid_out.replace(", \n", ",\n").split("\n")[0]
        )


# ── .env ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("K=old\n", "K=eng_1\n"),
        ("A=1\nK=old # why\nB=2", "A=1\nK=eng_1 # why\nB=2"),
        ('export K="old"\r\nB=2\r\n', 'export K="eng_1"\r\nB=2\r\n'),
        ("K = 'old'  # c\n", "K = 'eng_1'  # c\n"),
        ("K=\n", "K=eng_1\n"),
        ("K= # none yet\n", "K=eng_1 # none yet\n"),
        ("K=a#b c # d\n", "K=eng_1 # d\n"),
        ("\ufeffK=`x`\n", "\ufeffK=`eng_1`\n"),
        ("", "K=eng_1\n"),
        ("A=1", "A=1\nK=eng_1\n"),
        ("A=1\r\n", "A=1\r\nK=eng_1\r\n"),
        ("export A=1\n#K=2\n", "export A=1\n#K=2\nexport K=eng_1\n"),
        ("A='x\nK=no\n'\nK=old\n", "A='x\nK=no\n'\nK=eng_1\n"),
        ('A="x \\" \nK=no\n"\n', 'A="x \\" \nK=no\n"\nK=eng_1\n'),
        ("not a line\nKK=1\nK.X=2\n", "not a line\nKK=1\nK.X=2\nK=eng_1\n"),
        ("K='unclosed\n", "K=eng_1\n"),
    ],
)
def test_one_line_of_an_env_file(before: str, after: str) -> None:
    edited = put_into_env(before.encode(), "K", ID)
    assert edited.decode() == after
    assert put_into_env(edited, "K", ID) == edited


def test_an_env_file_that_is_not_there() -> None:
    assert put_into_env(None, "K", ID) == b"K=eng_1\n"


def test_env_files_that_are_left_alone() -> None:
    with pytest.raises(OutputRefused, match="duplicate variable K"):
        put_into_env(b"K=1\nexport K=2\n", "K", ID)
    with pytest.raises(OutputRefused, match="not UTF-8"):
        put_into_env(b"K=\xff\n", "K", ID)
    with pytest.raises(OutputRefused, match="cannot contain"):
        put_into_env(b"K='x'\n", "K", "it's")
    with pytest.raises(OutputRefused, match="cannot contain"):
        put_into_env(b'K="x"\n', "K", "$(id)")


def test_an_id_that_needs_quotes_gets_them() -> None:
    assert put_into_env(b"K=x\n", "K", "a b") == b"K='a b'\n"


def test_a_long_line_takes_no_time() -> None:
    blanks = b"A=" + b" " * 500_000 + b"x\n"
    assert put_into_env(blanks * 2, "K", ID).endswith(b"K=eng_1\n")
