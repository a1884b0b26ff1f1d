from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.core.engine.spec import Desired
from reconciler.core.errors import InvalidInput


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "engines").mkdir(parents=True)
    (tmp_path / "secret.yaml").write_text("name: secret\n", encoding="utf-8")
    return root


def put(project: Path, text: str, path: str = "engines/a.yaml") -> None:
    file = project / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def discovered(project: Path, engines_dir: str = "engines") -> tuple[dict[str, str], list[str]]:
    keys, diagnostics = EngineFiles(project, engines_dir).discover()
    return keys, [f"{each.file}: {each.message}" for each in diagnostics]


def test_keys_are_paths_without_suffix_and_sorted(project: Path) -> None:
    for path in (
        "b.yaml",
        "a/z.yml",
        "a.yaml",
        "a/b/c.yaml",
        ".hidden.yaml",
        ".d/x.yaml",
        "x.yaml.bak",
        "texts/note.md",
    ):
        put(project, "name: x\n", f"engines/{path}")
    keys, diagnostics = discovered(project)
    assert list(keys.items()) == [
        ("a", "engines/a.yaml"),
        ("a/b/c", "engines/a/b/c.yaml"),
        ("a/z", "engines/a/z.yml"),
        ("b", "engines/b.yaml"),
    ]
    assert diagnostics == []


@pytest.mark.parametrize("engines_dir", ["i18n/engines", "i18n/engines/", "."])
def test_the_folder_may_be_another(project: Path, engines_dir: str) -> None:
    put(project, "name: x\n", "i18n/engines/a.yaml")
    keys, _ = discovered(project, engines_dir)
    assert keys == {"a": "i18n/engines/a.yaml"} or keys == {"i18n/engines/a": "i18n/engines/a.yaml"}


def test_nothing_found_is_an_error(project: Path) -> None:
    with pytest.raises(InvalidInput, match="no engine file") as caught:
        EngineFiles(project).discover()
    assert "reconcile init" in (caught.value.hint or "")
    with pytest.raises(InvalidInput, match="folder nowhere/ does not exist") as caught:
        EngineFiles(project, "nowhere").discover()
    assert "reconcile init" in (caught.value.hint or "")


@pytest.mark.parametrize("engines_dir", ["..", "out", "../project/../", "/etc"])
def test_the_folder_must_be_in_the_project(project: Path, engines_dir: str) -> None:
    (project / "out").symlink_to("..")
    with pytest.raises(InvalidInput):
        EngineFiles(project, engines_dir).discover()


def test_one_key_with_two_files(project: Path) -> None:
    put(project, "name: x\n", "engines/a.yaml")
    put(project, "name: x\n", "engines/a.yml")
    keys, diagnostics = discovered(project)
    assert keys == {"a": "engines/a.yaml"}
    assert diagnostics == ["engines/a.yml: engine `a` has two files: this one and engines/a.yaml"]


def test_keys_are_nfc_and_paths_as_they_are(project: Path) -> None:
    name = unicodedata.normalize("NFD", "größe")
    put(project, "name: x\n", f"engines/{name}.yaml")
    keys, diagnostics = discovered(project)
    assert keys == {unicodedata.normalize("NFC", "größe"): f"engines/{name}.yaml"}
    assert diagnostics == []


def test_names_that_cannot_be_shown(project: Path) -> None:
    put(project, "name: x\n")
    for name in (b"\xff.yaml", b"new\nline.yaml", b"esc\x1b[31m.yaml", b"\xff.txt"):
        (Path(os.fsdecode(os.path.join(os.fsencode(project), b"engines", name)))).write_bytes(b"name: x\n")
    keys, diagnostics = discovered(project)
    assert list(keys) == ["a"]
    assert len(diagnostics) == 3
    assert all("not printable UTF-8" in each and each.isprintable() for each in diagnostics)


def test_links_that_stay_inside_are_followed(project: Path) -> None:
    put(project, "name: x\n", "shared/a.yaml")
    (project / "engines/linked").symlink_to("../shared")
    (project / "engines/one.yaml").symlink_to("../shared/a.yaml")
    keys, diagnostics = discovered(project)
    assert keys == {"linked/a": "engines/linked/a.yaml", "one": "engines/one.yaml"}
    assert diagnostics == []
    files = EngineFiles(project)
    assert all(isinstance(files.load(key, path), Desired) for key, path in keys.items())


def test_links_that_do_not_are_reported(project: Path) -> None:
    put(project, "name: x\n")
    put(project, "name: x\n", "shared/b/c.yaml")
    for name, target in {
        "up": "..", "self": ".", "out": "../..", "etc": "/etc", "out.yaml": "../../secret.yaml",
        "loop.yaml": "loop.yaml", "zero.yaml": "/dev/zero", "readme": "../../secret.yaml", "in": "../shared",
    }.items():  # fmt: skip
        (project / "engines" / name).symlink_to(target)
    (project / "shared/again").symlink_to("../engines")
    keys, diagnostics = discovered(project)
    assert sorted(keys) == ["a", "in/b/c", "loop"]  # what `loop.yaml` is, loading it tells
    assert diagnostics == [
        "engines/etc: this link leads out of the project",
        "engines/in/again: links to folders are not followed here",
        "engines/out: this link leads out of the project",
        "engines/out.yaml: this link leads out of the project",
        "engines/self: links to folders are not followed here",
        "engines/up: links to folders are not followed here",
        "engines/zero.yaml: this link leads out of the project",
    ]


def test_special_files_are_found_and_then_refused(project: Path) -> None:
    os.mkfifo(project / "engines/fifo.yaml")
    (project / "engines/folder.yaml").mkdir()
    put(project, "name: x\n", "engines/folder.yaml/a.yaml")
    keys, _ = discovered(project)
    assert sorted(keys) == ["fifo", "folder.yaml/a"]
    loaded = EngineFiles(project).load("fifo", keys["fifo"])
    assert isinstance(loaded, list)
    assert "not a regular file" in loaded[0].message


@pytest.mark.parametrize("name", ["a.YAML", "a.Yml", "a.yaml ", "sub/A.YML"])
def test_a_suffix_that_is_written_otherwise_is_an_error(project: Path, name: str) -> None:
    put(project, "name: x\n", "engines/b.yaml")
    put(project, "name: x\n", f"engines/{name}")
    (project / "engines/link.YAML").symlink_to("b.yaml")
    keys, findings = discovered(project)
    assert list(keys) == ["b"]
    said = "unusual suffix for an engine file"
    assert sorted(findings) == sorted(f"engines/{one}: {said}" for one in (name, "link.YAML"))


def test_two_files_that_only_look_alike(project: Path) -> None:
    for form in ("NFC", "NFD"):
        put(project, "name: x\n", unicodedata.normalize(form, "engines/café.yaml"))
    keys, findings = EngineFiles(project).discover()
    assert len(keys) == 1
    assert "(NFD)" in (findings[0].hint or "")
