from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.engine.spec import Desired, Source, Spec
from reconciler.core.errors import Diagnostic
from reconciler.core.excerpt import Excerpt

ENGINE = """\
# yaml-language-server: $schema=../schemas/engine.schema.json
name: Acme Corp Engine
description: Production engine for acme.com
locales: [de, fr, no]
sources:
  - type: link
    payload: https://acme.com/brand-guidelines
  - type: content
    payload: |
      Brand name 'Acme' is never translated.
  - type: content
    file: texts/glossary.md
"""


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


def load(project: Path, text: str | bytes) -> Desired | list[Diagnostic]:
    put(project, text)
    return EngineFiles(project).load("a", "engines/a.yaml")


def found(project: Path, text: str | bytes) -> list[tuple[int | None, int | None, str, str | None]]:
    diagnostics = load(project, text)
    assert isinstance(diagnostics, list)
    assert all(each.file == "engines/a.yaml" and each.key == "a" for each in diagnostics)
    return [(each.line, each.col, each.message, each.hint) for each in diagnostics]


def git_blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


# ------------------------------------------------------------------------------------------------------------- load


def test_an_engine_file_becomes_a_spec(project: Path) -> None:
    spec = Spec(
        "Acme Corp Engine",
        "Production engine for acme.com",
        ("de", "fr", "no"),
        (
            Source("link", "https://acme.com/brand-guidelines"),
            Source("content", "Brand name 'Acme' is never translated.\n"),
            Source("content", "# Glossary\n", "engines/texts/glossary.md"),
        ),
    )
    files = {
        "engines/a.yaml": git_blob(ENGINE.encode()),
        "engines/texts/glossary.md": git_blob(b"# Glossary\n"),
    }
    assert load(project, ENGINE) == Desired("a", "engines/a.yaml", spec, fingerprint(spec), files)


def test_the_least_engine_file(project: Path) -> None:
    desired = load(project, "name: ' Acme '\ndescription: ''\n")
    assert isinstance(desired, Desired)
    assert desired.spec == Spec("Acme")


def test_ids_may_be_of_git_s_sha256(project: Path) -> None:
    put(project, ENGINE)
    desired = EngineFiles(project).load("a", "engines/a.yaml", 64)
    assert isinstance(desired, Desired)
    assert {len(each) for each in desired.files.values()} == {64}


BROKEN = """\
name: 1.10
descripton: x
locale: [de]
locales: [pt_br, de, de, deutsch, 5]
sources:
  - type: link
    payload: acme.com
    file: x.md
  - type: lnk
  - {}
  - just text
  - type: content
    payload: a
    file: ../../x
  - type: content
  - type: content
    file: nope.md
  - type: content
    payloads: hi
  - type: link
    payload:
  - type: content
    payload: 12
"""


def test_everything_wrong_is_reported_at_once_and_in_order(project: Path) -> None:
    either = ("a content source needs `payload` or `file`", "add `payload: |` with the text below it")
    url = "write the full URL, such as `https://acme.com/guide`; for text use `type: content`"
    assert found(project, BROKEN) == [
        (1, 7, "`name` must be text, not a number", 'quote it: "1.10"; YAML reads 1.10 as a number'),
        (2, 1, "unknown key `descripton`", "did you mean `description`?"),
        (3, 1, "unknown key `locale`", "did you mean `locales`?"),
        (4, 11, "`pt_br` is not in canonical form", "write `pt-BR`"),
        (4, 22, "locale `de` is listed twice", "remove one of them"),
        (4, 26, "`deutsch` is not a locale", "did you mean `de`?"),
        (4, 35, "locale 5 must be text, not a number", 'quote it: "5"; YAML reads 5 as a number'),
        (7, 14, "`acme.com` is not a web address: it does not begin with `https://` or `http://`", url),
        (8, 5, "unknown key `file`", "`file` belongs to a source of `type: content`"),
        (9, 11, "`type` must be `link` or `content`, not `lnk`", "did you mean `link`?"),
        (10, 5, "source 3 has no `type`", "add `type: link` or `type: content`"),
        (
            11,
            5,
            "source 4 must be a mapping, not text",
            "write `- type: link` and `payload: …` on the line below",
        ),
        (14, 5, "a source has both `payload` and `file`", "keep one of the two"),
        (
            14,
            11,
            "`../../x` leads out of the project",
            "use a file inside the project and outside `.git`",
        ),
        (15, 5, *either),
        (17, 11, "`nope.md` does not exist", "check the path: it is relative to the engine file"),
        (19, 5, "unknown key `payloads`", "did you mean `payload`?"),
        (21, 5, "`payload` has no value", "write text, or remove it"),
        (23, 14, "`payload` must be text, not a number", 'quote it: "12"; YAML reads 12 as a number'),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (1, 1, "the file is empty", "an engine file needs at least `name: …`")),
        ("- a\n", (1, 1, "an engine file must be a mapping, not a list", "begin with `name: …`")),
        ("just text\n", (1, 1, "an engine file must be a mapping, not text", "begin with `name: …`")),
        ("locales: [de]\n", (1, 1, "`name` is missing", "add `name: …`")),
        ("Name: x\n", (1, 1, "unknown key `Name`", "did you mean `name`?")),
        (
            "name: true\n",
            (1, 7, "`name` must be text, not a truth value", 'quote it: "true"; YAML reads true as a truth value'),
        ),
        ("name:\n", (1, 1, "`name` has no value", "write text, or remove it")),
        ("name: [a]\n", (1, 7, "`name` must be text, not a list", "write it as text")),
        ("name: ' '\n", (1, 7, "`name` is empty", "write some text")),
        ("name: |\n  a\n  b\n", (1, 7, "`name` has more than one line", "keep it to one line")),
        ("name: " + "x" * 201 + "\n", (1, 7, "`name` has 201 characters; at most 200 are allowed", "shorten it")),
        ("name: x\nlocales: de\n", (2, 10, "`locales` must be a list, not text", "write `locales: [de]`")),
        ("name: x\nsources: {}\n", (2, 10, "`sources` must be a list, not a mapping", "begin each entry with `- `")),
        (
            "name: x\nwhatever: y\n",
            (
                2,
                1,
                "unknown key `whatever`",
                "keys allowed here: `name`, `description`, `locales`, `sources`, `lifecycle`, `outputs`",
            ),
        ),
        (
            "name: x\nsources:\n- type: 1\n",
            (3, 9, "`type` must be `link` or `content`, not a number", "use `type: link` or `type: content`"),
        ),
        (
            "name: x\nsources:\n" + "- {type: content, payload: x}\n" * 12,
            (13, 3, "12 sources; the platform takes at most 10", "join short texts into one source"),
        ),
        (
            "name: x\n\tlocales: []\n",
            (2, 1, "not valid YAML: a tab is not allowed here", "use spaces; YAML does not allow tabs for indentation"),
        ),
        ("name: x\nname: y\n", (2, 1, "duplicate key `name`", "keep one of them; the first is on line 1")),
    ],
)  # fmt: skip
def test_one_mistake(project: Path, text: str, expected: tuple[int, int, str, str]) -> None:
    assert found(project, text) == [expected]


def test_a_password_in_a_link_is_not_repeated(project: Path) -> None:
    diagnostics = load(project, "name: x\nsources:\n- type: link\n  payload: https://me:hunter2@acme.com/\n")
    assert isinstance(diagnostics, list)
    assert "contains a user name or password" in diagnostics[0].message
    assert "hunter2" not in str(diagnostics)


def test_excerpts_show_the_line(project: Path) -> None:
    diagnostics = load(project, "name: x\nlocales:\n    - pt_br  # Brazil\n")
    assert isinstance(diagnostics, list)
    assert diagnostics[0].excerpt == Excerpt("    - pt_br  # Brazil", 6)
    assert diagnostics[0].place == "engines/a.yaml:3:7"


# ---------------------------------------------------------------------------------------------------------- hostile


@pytest.mark.parametrize("kind", ["fifo", "folder", "zero", "outside", "gone", "loop", "through a link"])
def test_engine_files_that_are_none(project: Path, kind: str) -> None:
    file = project / "engines/a.yaml"
    path = "engines/a.yaml"
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind == "zero":
        file.symlink_to("/dev/zero")
    elif kind == "outside":
        file.symlink_to("../../secret.yaml")
    elif kind == "loop":
        file.symlink_to("a.yaml")
    elif kind == "through a link":
        (project / "engines/out").symlink_to("../..")
        path = "engines/out/secret.yaml"
    files = EngineFiles(project)
    loaded = files.load("a", path)
    assert isinstance(loaded, list)
    assert loaded[0].file == path
    assert loaded[0].hint
    assert files.blob_ids(path, 40) is None


@pytest.mark.parametrize(
    "path",
    [
        "../secret.yaml",
        "/etc/passwd",
        "engines/../../secret.yaml",
        "",
        ".",
        "..",
        "engines/..",
        "a\0b",
        "\ud800",
    ],
)
def test_paths_from_a_lockfile_never_lead_out(project: Path, path: str) -> None:
    assert EngineFiles(project).blob_ids(path, 40) is None


def test_large_engine_files_are_refused(project: Path) -> None:
    for size in (600_000, 10_000_000):
        put(project, b"name: x\n#" + b"x" * size)
        (only,) = found(project, (project / "engines/a.yaml").read_bytes())
        assert only[2] == "the file is larger than 512 KiB"


def test_unreadable_files_are_named(project: Path) -> None:
    put(project, ENGINE)
    (project / "engines/a.yaml").chmod(0)
    files = EngineFiles(project)
    assert files.blob_ids("engines/gone.yaml", 40) is None  # the folder is known from here on
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        loaded = files.load("a", "engines/a.yaml")
    finally:
        if root:
            os.seteuid(0)
    assert isinstance(loaded, list)
    assert loaded[0].message == "the file cannot be read: Permission denied"


# --------------------------------------------------------------------------------------------------------- blob ids


def test_blob_ids_are_git_s(project: Path) -> None:
    put(project, ENGINE)
    put(project, b"a\r\nb\r\n", "engines/windows.md")
    files = EngineFiles(project)
    assert files.blob_ids("engines/a.yaml", 40) == git_blob(ENGINE.encode())
    assert files.blob_ids("engines/windows.md", 40) == git_blob(b"a\nb\n")
    assert (
        files.blob_ids("engines/a.yaml", 64)
        == hashlib.sha256(b"blob %d\0" % len(ENGINE) + ENGINE.encode()).hexdigest()
    )
    git = subprocess.run(
        ["git", "hash-object", "engines/a.yaml"], cwd=project, capture_output=True, check=True, text=True
    )
    assert files.blob_ids("engines/a.yaml", 40) == git.stdout.strip()


# -------------------------------------------------------------------------------------------------------- parse_old


def test_an_old_version_is_read_as_far_as_it_goes(project: Path) -> None:
    spec = EngineFiles(project).parse_old(ENGINE.encode(), "engines/a.yaml")
    assert spec is not None
    assert [each.payload for each in spec.sources] == [
        "https://acme.com/brand-guidelines",
        "Brand name 'Acme' is never translated.\n",
    ]


@pytest.mark.parametrize("data", [b"", b"[", b"\xff", b"a: &x b", b"- a", b"x"])
def test_an_unreadable_old_version_is_none(project: Path, data: bytes) -> None:
    assert EngineFiles(project).parse_old(data, "engines/a.yaml") is None


def test_an_invalid_old_version_keeps_what_is_sound(project: Path) -> None:
    data = b"name: 1\nlocales: [de, 1]\ndescription: [x]\nsources:\n"
    data += b"- x\n- {type: content}\n- {type: content, payload: a}\n"
    assert EngineFiles(project).parse_old(data, "x") == Spec("", None, ("de",), (Source("content", "a"),))


# ---------------------------------------------------------------------------------------------------------- imports


def test_nothing_heavy_is_imported_before_a_file_is_loaded(project: Path) -> None:
    put(project, ENGINE)
    code = (
        "import sys; from pathlib import Path; from reconciler.adapters.engine_files.files import EngineFiles\n"
        f"files = EngineFiles(Path({str(project)!r})); files.discover(); files.blob_ids('engines/a.yaml', 40)\n"
        "heavy = {'pydantic', 'ruamel.yaml', 'yaml_rs', 'langcodes', 'difflib'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "files.load('a', 'engines/a.yaml')\n"
        "assert not {'ruamel.yaml', 'langcodes'} & set(sys.modules), 'a plain file with common locales needs neither'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
