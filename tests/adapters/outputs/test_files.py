"""Outputs in YAML, and in the work tree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from reconciler.adapters.outputs.files import OutputFiles, edits_for, wanted_files
from reconciler.adapters.outputs.yaml_file import put_into_yaml
from reconciler.core.engine.spec import LifecycleOptions, Output
from reconciler.core.errors import LockfileError
from reconciler.core.lockfile.entry import Entry, Provisioned
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.outputs.places import OutputRefused, pointer_to

ID = "eng_1"


@pytest.mark.parametrize(
    ("before", "pointer", "after"),
    [
        ("engineId: old\n", "/engineId", "engineId: eng_1\n"),
        ("# c\nengineId: 'old'   # why\n", "/engineId", "# c\nengineId: 'eng_1'   # why\n"),
        ('a:\n    b: "x" # k\n\n# z\nz: [1]\n', "/a/b", 'a:\n    b: "eng_1" # k\n\n# z\nz: [1]\n'),
        ("a:\n  b:\n", "/a/b", "a:\n  b: eng_1\n"),
        ("a:\n  b: # todo\nc: 1\n", "/a/b", "a:\n  b: eng_1 # todo\nc: 1\n"),
        ("a: {b: , c: 1}\n", "/a/b", "a: {b: eng_1 , c: 1}\n"),
        ("a: {b: 1}\n", "/a/c/d", "a: {b: 1, c: {d: eng_1}}\n"),
        ("a: {}\n", "/a/b", "a: {b: eng_1}\n"),
        ("a: [{b: x}]\n", "/a/0/b", "a: [{b: eng_1}]\n"),
        ("a:\r\n- b: x\r\n  c: y\r\n", "/a/0/d", "a:\r\n- b: x\r\n  c: y\r\n  d: eng_1\r\n"),
        ("a:\n  b: 1 # one\n  # after\nz: 2\n", "/a/c", "a:\n  b: 1 # one\n  c: eng_1\n  # after\nz: 2\n"),
        ("a:\n  b: |\n    text\nz: 1\n", "/a/b", "a:\n  b: eng_1\nz: 1\n"),
        ("a:\n  t: |+\n    text\n\nz: 1\n", "/a/b", "a:\n  t: |+\n    text\n\n  b: eng_1\nz: 1\n"),
        ("a: &x {c: 1}\nd: *x\n", "/e/f", "a: &x {c: 1}\ne:\n  f: eng_1\nd: *x\n"),
        ("a: 1\nb: !Ref x\n", "/c", "a: 1\nb: !Ref x\nc: eng_1\n"),
        ("a: 1", "/b", "a: 1\nb: eng_1\n"),
        ("a: 1\n...\n", "/b", "a: 1\nb: eng_1\n...\n"),
        ("", "/a/b", "a:\n  b: eng_1\n"),
        ("# only this\n", "/a", "# only this\na: eng_1\n"),
        ("---\n", "/a", "---\na: eng_1\n"),
        ("\ufeffa: 1\n", "/a", "\ufeffa: eng_1\n"),
        ("x: 1\n", "/on", 'x: 1\n"on": eng_1\n'),
        ("größe: 1\n", "/gr ö", 'größe: 1\n"gr ö": eng_1\n'),
        ("'a/b': 1\n", "/a~1b", "'a/b': eng_1\n"),
    ],
)
def test_one_value_of_a_yaml_file(before: str, pointer: str, after: str) -> None:
    edited = put_into_yaml(before.encode(), pointer, ID)
    assert edited.decode() == after
    assert put_into_yaml(edited, pointer, ID) == edited


def test_a_yaml_file_that_is_not_there() -> None:
    assert put_into_yaml(None, "/a/b", ID) == b"a:\n  b: eng_1\n"


def test_an_id_that_reads_as_a_number_is_quoted() -> None:
    assert put_into_yaml(b"a: 1\n", "/a", "1e3") == b'a: "1e3"\n'
    assert put_into_yaml(b"a: 12\n", "/a", "12") == b'a: "12"\n'


@pytest.mark.parametrize(
    ("content", "pointer", "said"),
    [
        (b"a: [1\n", "/a", "line 2"),
        (b"a: 1\n---\nb: 2\n", "/a", "not one YAML document"),
        (b"---\n...\n", "/a", "not one YAML document"),
        (b"a: 1\na: 2\n", "/a", 'duplicate key "a"'),
        (b"a: 1\n", "/a/b", "/a is not a mapping"),
        (b"a: {b: 1}\n", "/a", "/a is a mapping, which an ID would replace"),
        (b"a: [1]\n", "/a", "/a is a list"),
        (b"a: [1]\n", "/a/7", "has no item `7`"),
        (b"- 1\n", "/a", "the document is a list"),
        (b"a: &x {c: 1}\nd: *x\n", "/d/c", "without changing something else"),
        (b"a: &x old\nd: *x\n", "/a", "without changing something else"),
        (b"a: \xff\n", "/a", "not UTF-8"),
        (b"\ta: 1\n", "/a", "not one YAML document"),
        (b"[" * 500_000, "/a", "nested too deeply"),
        (b"- " * 200_000, "/a", "nested too deeply"),
    ],
)
def test_yaml_that_is_left_alone(content: bytes, pointer: str, said: str) -> None:
    with pytest.raises(OutputRefused) as raised:
        put_into_yaml(content, pointer, ID)
    assert said in raised.value.message


NAMES = st.text("abö", min_size=1, max_size=3)
TEXTS = st.text("xy# :'\"\n", max_size=6) | st.integers(0, 9).map(str)
TREES = st.dictionaries(
    NAMES, TEXTS | st.dictionaries(NAMES, TEXTS, max_size=3) | st.lists(TEXTS, max_size=2), max_size=4
)


@given(TREES, st.lists(NAMES, min_size=1, max_size=2), st.booleans())
def test_any_yaml_file_means_what_it_meant(tree: dict[str, object], tokens: list[str], flow: bool) -> None:
    from io import StringIO

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = flow
    written = StringIO()
    yaml.dump(tree, written)
    before = written.getvalue().encode()
    try:
        assume(YAML(typ="safe", pure=True).load(before.decode()) == tree)
    except YAMLError:
        reject()  # written by the library as it cannot read it: `{ö: : x}`
    wanted = dict(tree)
    below = wanted.get(tokens[0], {} if tokens[1:] else "")
    if isinstance(below, list) or isinstance(below, str) is bool(tokens[1:]):
        with pytest.raises(OutputRefused):
            put_into_yaml(before, pointer_to(tokens), ID)
        return
    wanted[tokens[0]] = {**below, tokens[1]: ID} if isinstance(below, dict) else ID
    edited = put_into_yaml(before, pointer_to(tokens), ID)
    assert YAML(typ="safe", pure=True).load(edited.decode()) == wanted


# ── the work tree ──────────────────────────────────────────────────────────────────────────────────────────────────


def lock(**engines: tuple[str, list[Output]]) -> Lockfile:
    return EMPTY.with_entries(
        {
            key: Entry(
                Provisioned(engine, "v1:a", {"name": "x"}), kept=LifecycleOptions(outputs=tuple(outputs))
            )
            for key, (engine, outputs) in engines.items()
        }
    )


I18N, YML, DOTENV = (
    Output("i18n.json", "/engineId"),
    Output("conf/app.yaml", "/lingo/engine"),
    Output(".env", key="LINGO_ENGINE_ID"),
)


def test_files_are_made_and_then_left_alone(tmp_path: Path) -> None:
    lockfile = lock(a=("eng_1", [I18N, YML, DOTENV]))
    files = OutputFiles(tmp_path)
    assert files.write(lockfile) == []
    assert (tmp_path / "i18n.json").read_text() == '{\n  "engineId": "eng_1"\n}\n'
    assert (tmp_path / "conf/app.yaml").read_text() == "lingo:\n  engine: eng_1\n"
    assert (tmp_path / ".env").read_text() == "LINGO_ENGINE_ID=eng_1\n"
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert files.write(lockfile) == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert files.write(lock(a=("eng_2", [I18N]))) == []
    assert "eng_2" in (tmp_path / "i18n.json").read_text()
    assert "eng_1" in (tmp_path / ".env").read_text()


def test_mode_and_link_stay(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("{}\n")
    (tmp_path / "real.json").chmod(0o640)
    (tmp_path / "i18n.json").symlink_to("real.json")
    assert OutputFiles(tmp_path).write(lock(a=("eng_1", [I18N]))) == []
    assert (tmp_path / "i18n.json").is_symlink()
    assert (tmp_path / "real.json").stat().st_mode & 0o777 == 0o640
    assert "eng_1" in (tmp_path / "real.json").read_text()


def test_what_cannot_be_written_is_told_and_the_rest_is_written(tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside.json"
    outside.write_text("{}")
    (tmp_path / "link.json").symlink_to(outside)
    (tmp_path / "dangling.json").symlink_to("nowhere.json")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "large.json").write_text(" " * (1 << 20) + "{}")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "file").write_text("")
    bad = ("link", "dangling", "folder", "broken", "large", "pipe", "file/below")
    outputs = [Output(f"{name}.json", "/a") for name in bad]
    problems = OutputFiles(tmp_path).write(lock(a=("eng_1", [*outputs, I18N])))
    assert len(problems) == len(bad), problems
    for name in bad:
        assert any(f"{name}.json" in problem for problem in problems), name
    assert "eng_1" in (tmp_path / "i18n.json").read_text()
    assert outside.read_text() == "{}"
    assert not (tmp_path / "nowhere.json").exists()


def test_two_engines_for_one_place(tmp_path: Path) -> None:
    lockfile = lock(a=("eng_1", [I18N, DOTENV]), b=("eng_2", [I18N]))
    [problem] = OutputFiles(tmp_path).write(lockfile)
    assert "`a` and `b` both use i18n.json /engineId" in problem
    assert not (tmp_path / "i18n.json").exists()
    assert (tmp_path / ".env").exists()


def test_two_engines_in_one_file(tmp_path: Path) -> None:
    other = Output("i18n.json", "/shop/engineId")
    assert OutputFiles(tmp_path).write(lock(a=("eng_1", [I18N]), b=("eng_2", [other]))) == []
    assert (tmp_path / "i18n.json").read_text() == (
        '{\n  "engineId": "eng_1",\n  "shop": {\n    "engineId": "eng_2"\n  }\n}\n'
    )


def test_only_the_files_at_hand_are_looked_at() -> None:
    lockfile = lock(a=("eng_1", [I18N, DOTENV]))
    assert wanted_files(lockfile) == [".env", "i18n.json"]
    assert edits_for(lockfile, {".env": b"A=1\n"}).files == {".env": b"A=1\nLINGO_ENGINE_ID=eng_1\n"}


def test_an_id_that_is_no_line_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(LockfileError, match="must be an ID"):
        OutputFiles(tmp_path).write(lock(a=("eng_1\nPATH=/tmp", [DOTENV])))
    assert not (tmp_path / ".env").exists()
