"""Edits that promote an engine, on texts of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.adapters.engine_files.promotion import Promoter
from reconciler.core.engine.overlay import EngineChoice
from reconciler.core.engine.spec import Desired
from reconciler.core.outputs.rules import OutputRules
from reconciler.core.plan.environments.promotion import CannotWrite, Edits

LISTED = ("production", "staging")


def edits(
    root: Path,
    base: bytes,
    staging: bytes,
    production: bytes | None = None,
    linked: frozenset[str] = frozenset(),
) -> Edits:
    (root / "engines").mkdir()
    for name, content in (("a", base), ("a.staging", staging), ("a.production", production)):
        if content is not None:
            (root / f"engines/{name}.yaml").write_bytes(content)
    files = EngineFiles(root, choice=EngineChoice("staging", LISTED))
    wanted = files.load("a", "engines/a.yaml")
    assert isinstance(wanted, Desired), wanted
    promoter = Promoter(str(root), "engines", OutputRules(), LISTED, linked)
    return promoter.edits(wanted, "staging", "production", ())


@pytest.mark.parametrize(
    ("base", "staging", "expected"),
    [
        (b"name: A", b"name: B", "name: B"),
        (b"---\nname: A\n", b"---\nlocales: [de]\n", "---\nname: A\nlocales: [de]\n"),
        (b"\xef\xbb\xbfname: A\n", b"\xef\xbb\xbfname: B\n", "\ufeffname: B\n"),
        (b"name: A\r\nlocales: [de]\r\n", b"locales:\n  - fr\n", "name: A\r\nlocales:\r\n  - fr\r\n"),
        (b'"name": A\n', b"name: B\n", "name: B\n"),
        (
            b"name: A\ndescription: |\n  x\n\n  y\n\n# z\nlocales: []\n",
            b"description: null\n",
            "name: A\n\n# z\nlocales: []\n",
        ),
        (
            b"sources:\n- type: link\n  payload: https://a.example\nname: A\n",
            b"sources:\n- type: content\n  payload: >\n    # no comment\n    text\n",
            "sources:\n- type: content\n  payload: >\n    # no comment\n    text\nname: A\n",
        ),
    ],
)
def test_only_the_lines_of_the_field_change(
    tmp_path: Path, base: bytes, staging: bytes, expected: str
) -> None:
    assert edits(tmp_path, base, staging).files == {"engines/a.yaml": expected}


@pytest.mark.parametrize(
    ("base", "staging"),
    [
        (b"{name: A}\n", b"name: B\n"),
        (b"name: A\n", b"{name: B}\n"),
        (b"  name: A\n", b"name: B\n"),
        (b"name: A\n...\n", b"name: B\n"),
        (b"? name\n: A\n", b"name: B\n"),
    ],
)
def test_what_is_not_lines_is_left_to_a_person(tmp_path: Path, base: bytes, staging: bytes) -> None:
    with pytest.raises(CannotWrite) as refused:
        edits(tmp_path, base, staging)
    assert refused.value.steps == ('in engines/a.production.yaml, set `name: "B"`',)


def test_a_file_that_others_link_to_is_left_to_a_person(tmp_path: Path) -> None:
    place = str(tmp_path.resolve() / "engines/a.yaml")
    with pytest.raises(CannotWrite, match="or others link to it"):
        edits(tmp_path, b"name: A\n", b"name: B\n", linked=frozenset({place}))


def test_fields_are_added_in_the_place_of_an_empty_mapping(tmp_path: Path) -> None:
    base, staging, own = b"name: A\n", b"locales: [de]\n", b"# own\n{}\n"
    assert edits(tmp_path, base, staging, own).files == {"engines/a.yaml": "name: A\nlocales: [de]\n"}
    listed = (*LISTED, "third")  # which reads the engine file as it is
    promoter = Promoter(str(tmp_path), "engines", OutputRules(), listed, frozenset())
    wanted = EngineFiles(tmp_path, choice=EngineChoice("staging", listed)).load("a", "engines/a.yaml")
    assert isinstance(wanted, Desired)
    found = promoter.edits(wanted, "staging", "production", ("third",))
    assert found.files == {"engines/a.production.yaml": "# own\nlocales: [de]\n"}


def test_a_field_of_the_target_alone_is_dropped(tmp_path: Path) -> None:
    found = edits(tmp_path, b"name: A\n", b"{}\n", b"# own\nname: P\nlifecycle: {protect: true}\n")
    assert found.files == {"engines/a.production.yaml": "# own\nlifecycle: {protect: true}\n"}
