from __future__ import annotations

import os
import time
import unicodedata
from pathlib import Path
from typing import Literal

import pytest

from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.core.engine.spec import Desired, Source
from reconciler.core.errors import Diagnostic


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "engines/texts").mkdir(parents=True)
    (root / "engines/texts/glossary.md").write_text("# Glossary\n", encoding="utf-8")
    (tmp_path / "secret.yaml").write_text("name: secret\n", encoding="utf-8")
    return root


def put(project: Path, text: str | bytes, path: str = "engines/a.yaml") -> None:
    file = project / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())


def load(project: Path, text: str, name: str = "a") -> Desired | list[Diagnostic]:
    put(project, text, f"engines/{name}.yaml")
    return EngineFiles(project).load(name, f"engines/{name}.yaml")


def source(project: Path, file: str) -> Desired | list[Diagnostic]:
    return load(project, f"name: x\nsources:\n  - type: content\n    file: '{file}'\n")


@pytest.mark.parametrize(
    "file", ["texts/glossary.md", "./texts/glossary.md", "../engines/texts/../texts/glossary.md"]
)
def test_file_sources_are_relative_to_the_engine_file(project: Path, file: str) -> None:
    desired = source(project, file)
    assert isinstance(desired, Desired)
    assert desired.spec.sources[0] == Source("content", "# Glossary\n", "engines/texts/glossary.md")


def test_a_file_source_may_lie_elsewhere_in_the_project(project: Path) -> None:
    put(project, "\ufeffHello\n", "docs/guide.md")
    desired = source(project, "../docs/guide.md")
    assert isinstance(desired, Desired)
    assert desired.spec.sources[0] == Source("content", "Hello\n", "docs/guide.md")


def test_a_link_that_was_checked_out_as_a_text_is_no_text(project: Path) -> None:
    put(project, "texts/glossary.md", "engines/link.md")  # as git writes it where core.symlinks is off
    [found] = refused(source(project, "link.md"))
    assert "`link.md` contains only the path texts/glossary.md: a link" in found.message
    assert found.hint == "git config core.symlinks true && git checkout -- engines/link.md"
    put(project, "engines/link.md", "b.yaml")
    put(project, "../b.yaml", "engines/b.yaml")
    [found] = refused(EngineFiles(project).load("b", "engines/b.yaml"))
    assert "the file contains only the path ../b.yaml" in found.message
    for text in (
        "texts/glossary.md\n",
        "texts/nowhere.md",
        "texts",
        "../../secret.yaml",
        "texts/glossary.md ",
        "Use texts/glossary.md",
    ):
        put(project, text, "engines/link.md")
        assert isinstance(source(project, "link.md"), Desired), text


def refused(loaded: Desired | list[Diagnostic]) -> list[Diagnostic]:
    assert isinstance(loaded, list)
    return loaded


def test_a_link_inside_the_project_is_followed(project: Path) -> None:
    (project / "engines/link.md").symlink_to("texts/glossary.md")
    desired = source(project, "link.md")
    assert isinstance(desired, Desired)
    assert list(desired.files) == ["engines/a.yaml", "engines/link.md"]


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("nope.md", "does not exist"),
        ("a.yaml/x", "does not exist"),
        ("/etc/passwd", "leads out of the project"),
        ("../../secret.yaml", "leads out of the project"),
        ("../..", "leads out of the project"),
        ("..", "leads out of the project"),
        ("C:/x.md", "leads out of the project"),
        ("texts\\\\glossary.md", "contains a backslash"),
        ("out.md", "leads out of the project"),
        ("outdir/secret.yaml", "leads out of the project"),
        ("zero", "leads out of the project"),
        ("../.git/config", "leads out of the project"),
        ("gitlink", "leads out of the project"),
        ("fifo", "is not a regular file"),
        ("fifolink", "is not a regular file"),
        ("texts", "is not a regular file"),
        ("loop", "is not a regular file"),
        ("dangling", "does not exist"),
        ("latin1.md", "is not UTF-8 text"),
        ("binary.md", "is binary, not text"),
        ("blank.md", "is empty"),
        ("big.md", "is too large"),
        ("x" * 300, "cannot be read"),
    ],
)
def test_file_sources_that_are_refused(project: Path, file: str, words: str) -> None:
    engines = project / "engines"
    (project / ".git").mkdir()
    put(project, "[remote]\n", ".git/config")
    put(project, "é".encode("latin-1"), "engines/latin1.md")
    put(project, b"a\0b", "engines/binary.md")
    put(project, b" \n", "engines/blank.md")
    put(project, b"x" * ((1 << 20) + 1), "engines/big.md")
    for name, target in {
        "out.md": "../../secret.yaml", "outdir": "../..", "zero": "/dev/zero", "loop": "loop", "dangling": "gone.md",
        "gitlink": "../.git/config", "fifolink": "fifo",
    }.items():  # fmt: skip
        (engines / name).symlink_to(target)
    os.mkfifo(engines / "fifo")
    started = time.monotonic()
    diagnostics = source(project, file)
    assert time.monotonic() - started < 5
    assert isinstance(diagnostics, list)
    (only,) = diagnostics
    assert words in only.message
    assert only.place == "engines/a.yaml:4:11"
    assert only.hint


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
            "`texts/glossary.md` is a Git LFS pointer, not the file itself",
            "git lfs pull",
        ),
        ("/annex/objects/SHA256E-s1--a.md\n", "`texts/glossary.md` is a git-annex pointer", "git annex get"),
        ("\0GITCRYPT\0\1\2", "`texts/glossary.md` is encrypted by git-crypt", "git-crypt unlock"),
        (
            "# G\n<<<<<<< HEAD\n- one\n=======\n- two\n>>>>>>> topic\n",
            "`texts/glossary.md` has an unresolved merge conflict on line 2",
            "git status",
        ),
        (
            "# G\n=======\n- two\n>>>>>>> topic\n",
            "`texts/glossary.md` has an unresolved merge conflict on line 2",
            "git status",
        ),
    ],
)
def test_a_text_that_is_not_ready_is_not_sent(project: Path, text: str, message: str, hint: str) -> None:
    put(project, text, "engines/texts/glossary.md")
    found = source(project, "texts/glossary.md")
    assert isinstance(found, list)
    assert found[0].message.startswith(message)
    assert hint in (found[0].hint or "")


@pytest.mark.parametrize("text", ["Title\n=======\n\ntext\n", "> > quoted\n>>>>>>> more\n", "a <<<<<<< b\n"])
def test_what_only_looks_like_a_conflict_is_text(project: Path, text: str) -> None:
    put(project, text, "engines/texts/glossary.md")
    assert isinstance(source(project, "texts/glossary.md"), Desired)


@pytest.mark.parametrize(("written", "there"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_name_in_another_unicode_form_is_found_as_it_is_spelled(
    project: Path, written: Literal["NFC", "NFD"], there: Literal["NFC", "NFD"]
) -> None:
    path = unicodedata.normalize(there, "engines/é/café.md")
    put(project, "Hello\n", path)
    desired = source(project, unicodedata.normalize(written, "é/café.md"))
    assert isinstance(desired, Desired)
    assert desired.spec.sources[0].file == path
    files = EngineFiles(project)
    other = unicodedata.normalize(written, path)
    assert files.blob_ids(other, 40) == files.blob_ids(path, 40) is not None
    assert files.blob_ids(unicodedata.normalize(written, "engines/é/other é.md"), 40) is None
