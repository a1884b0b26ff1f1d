from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.project.scaffold import ScaffoldResult, scaffold, settings_text
from reconciler.adapters.project.settings import read_settings_file
from reconciler.adapters.yaml.reader import read_yaml
from reconciler.core.errors import StorageError, UsageError
from reconciler.core.settings.model import SETTINGS, Settings
from reconciler.core.settings.resolution import resolve

SCHEMA = '{"title": "engine"}\n'
BESIDE = "engines.sources.json text eol=lf merge=reconcile-lockfile linguist-generated"
LINE = f"engines.lock.json text eol=lf merge=reconcile-lockfile linguist-generated\n{BESIDE}"
ONE_LINE = LINE.replace("\n", ", ")
CRLF = LINE.replace("\n", "\r\n")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def actions(results: list[ScaffoldResult]) -> dict[str, str]:
    return {result.path: result.action for result in results}


def contents(root: Path) -> dict[str, tuple[bytes, int, int]]:
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino)
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


def test_a_new_repo_gets_everything(repo: Path) -> None:
    assert actions(scaffold(repo, engine_schema=SCHEMA)) == {
        "reconcile.yaml": "created",
        "engines/example.yaml": "created",
        "schemas/engine.schema.json": "created",
        ".gitattributes": "created",
        ".gitignore": "created",
    }
    assert (repo / "schemas/engine.schema.json").read_text() == SCHEMA
    assert (repo / ".gitattributes").read_text() == LINE + "\n"
    assert not list(repo.rglob("*.tmp"))


def test_overlays_have_a_schema_of_their_own(repo: Path) -> None:
    found = actions(scaffold(repo, engine_schema=SCHEMA, overlay_schema="{}\n"))
    assert found["schemas/overlay.schema.json"] == "created"
    again = scaffold(repo, engine_schema=SCHEMA, overlay_schema="{} \n")
    [note] = [one.note for one in again if one.path == "schemas/overlay.schema.json"]
    assert note == "outdated; run `reconcile schema --overlay > schemas/overlay.schema.json` to update it"


def test_journal_inbox_and_secrets_are_never_committed(repo: Path) -> None:
    (repo / ".gitignore").write_text("*.pyc")
    assert actions(scaffold(repo, engine_schema=SCHEMA))[".gitignore"] == "updated"
    left = [".reconcile/journal.jsonl", "inbox.db", "inbox.db-wal", "secret", "deploy/app.pem"]
    asked = ["git", "-C", str(repo), "check-ignore", *left, "x.pyc", "engines/secret/a.yaml"]
    assert subprocess.run(asked, capture_output=True, text=True).stdout.split() == [*left, "x.pyc"]


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    scaffold(tmp_path, engine_schema=SCHEMA)
    before = contents(tmp_path)
    again = scaffold(tmp_path, engine_schema=SCHEMA)
    assert set(actions(again).values()) == {"kept"}
    assert [result.note for result in again] == [None] * len(again)
    assert contents(tmp_path) == before


def test_nothing_is_overwritten(repo: Path) -> None:
    (repo / "engines/deep").mkdir(parents=True)
    (repo / "schemas").mkdir()
    for path in ("reconcile.yaml", "engines/deep/mine.yml", "schemas/engine.schema.json"):
        (repo / path).write_text("mine")
    (repo / ".gitattributes").write_text("/engines.lock.json merge=ours\n")
    (repo / ".gitignore").write_text(".reconcile\ninbox.db*\nsecret\n*.pem\n")
    before = contents(repo)
    results = scaffold(repo, engine_schema=SCHEMA)
    assert set(actions(results).values()) == {"kept"}
    assert "engines/deep/mine.yml" in actions(results)
    assert [result.note for result in results if result.note] == [
        "outdated; run `reconcile schema > schemas/engine.schema.json` to update it"
    ]
    assert contents(repo) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("*.png binary\n", f"*.png binary\n{LINE}\n"),
        ("*.png binary", f"*.png binary\n{LINE}\n"),
        ("*.png binary\r\n", f"*.png binary\r\n{CRLF}\r\n"),
        ("", f"{LINE}\n"),
        ("# engines.lock.json text\n", f"# engines.lock.json text\n{LINE}\n"),
        ("my-engines.lock.json text\n", f"my-engines.lock.json text\n{LINE}\n"),
        ("caf\udce9 text\n", f"caf\udce9 text\n{LINE}\n"),
        ("engines.lock.json\tmerge=x", None),
        ("  engines.lock.json -text\n", None),
    ],
)
def test_gitattributes_gets_one_line_at_the_end(repo: Path, before: str, after: str | None) -> None:
    path = repo / ".gitattributes"
    path.write_bytes(os.fsencode(before))
    path.chmod(0o640)
    action = actions(scaffold(repo, engine_schema=SCHEMA))[".gitattributes"]
    assert action == ("kept" if after is None else "updated")
    assert path.read_bytes() == os.fsencode(before if after is None else after)
    assert path.stat().st_mode & 0o777 == 0o640
    assert actions(scaffold(repo, engine_schema=SCHEMA))[".gitattributes"] == "kept"


@pytest.mark.parametrize(
    ("line", "noted"),
    [
        ("engines.lock.json text eol=lf linguist-generated", True),  # of an init before there was a driver
        ("engines.lock.json", True),
        ("engines.lock.json text merge=ours", False),
        ("engines.lock.json -merge", False),
        ("engines.lock.json binary", False),
        ("engines.lock.json text\n*.json x\nengines.lock.json merge=reconcile-lockfile", False),
    ],
)
def test_an_older_line_is_kept_and_the_note_says_what_to_add(repo: Path, line: str, noted: bool) -> None:
    (repo / ".gitattributes").write_text(line + "\n")
    [result] = [one for one in scaffold(repo, engine_schema=SCHEMA) if one.path == ".gitattributes"]
    assert result.action == "kept"
    assert (result.note is not None) == noted
    assert result.note is None or "add `merge=reconcile-lockfile`" in result.note
    assert (repo / ".gitattributes").read_text() == line + "\n"


@pytest.mark.parametrize("journal", [".reconcile", "/.reconcile/", ".reconcile/"])
def test_gitignore_gets_only_what_it_does_not_say_already(repo: Path, journal: str) -> None:
    (repo / ".gitignore").write_text(f"*.pyc\n{journal}\nsecret\n")
    assert actions(scaffold(repo, engine_schema=SCHEMA))[".gitignore"] == "updated"
    assert (repo / ".gitignore").read_text() == f"*.pyc\n{journal}\nsecret\ninbox.db*\n*.pem\n"


@pytest.mark.parametrize(
    "lockfile",
    [
        "engines.lock.json",
        "state/a b.json",
        "we[i]rd.json",
        '#"x".json',
        "a*.json",
        "x y/w[1]?.json",
        "!n.json",
        "'q'.json",
        "é ü.json",
    ],
)
def test_git_understands_the_attributes(repo: Path, lockfile: str) -> None:
    scaffold(repo, engine_schema=SCHEMA, lockfile=lockfile)
    command = ["git", "-C", str(repo), "check-attr", "-z", "eol", "linguist-generated", "--", lockfile]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    assert (said[2], said[5]) == ("lf", "set")
    assert actions(scaffold(repo, engine_schema=SCHEMA, lockfile=lockfile))[".gitattributes"] == "kept"


def test_the_folder_of_the_settings_is_used(repo: Path) -> None:
    results = scaffold(repo, engine_schema=SCHEMA, engines="l10n/my engines")
    assert "l10n/my engines/example.yaml" in actions(results)
    first = (repo / "l10n/my engines/example.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../../schemas/engine.schema.json"
    assert (repo / "l10n/my engines" / first.partition("=")[2]).samefile(repo / "schemas/engine.schema.json")


def test_a_folder_without_engine_files_gets_the_example(repo: Path) -> None:
    (repo / "engines/texts").mkdir(parents=True)
    (repo / "engines/texts/glossary.md").write_text("mine")
    assert actions(scaffold(repo, engine_schema=SCHEMA))["engines/example.yaml"] == "created"


def test_the_example_is_plain_yaml(repo: Path) -> None:
    scaffold(repo, engine_schema=SCHEMA)
    text = (repo / "engines/example.yaml").read_bytes()
    value = read_yaml(text, "engines/example.yaml").value
    assert isinstance(value, dict)
    assert sorted(value) == ["description", "locales", "name", "sources"]
    everything = text.decode().replace("  # ", "  ")
    whole = read_yaml(everything.encode(), "engines/example.yaml").value
    assert isinstance(whole, dict)
    assert [sorted(source) for source in whole["sources"]] == [
        ["payload", "type"],
        ["payload", "type"],
        ["file", "type"],
    ]


def test_the_settings_file_changes_nothing_until_a_comment_is_removed(repo: Path) -> None:
    scaffold(repo, engine_schema=SCHEMA)
    values, _ = read_settings_file(repo / "reconcile.yaml")
    assert values == {"environments": {"production": {}}}
    assert resolve({}, {}, values) == Settings()
    with pytest.raises(UsageError):
        resolve({"environment": "staging"}, {}, values)

    lines = settings_text().splitlines()
    shown = [line[2:] for line in lines if line.startswith(tuple(f"# {name}: " for name in SETTINGS))]
    (repo / "reconcile.yaml").write_text("\n".join(shown))
    values, place = read_settings_file(repo / "reconcile.yaml")
    assert values is not None
    assert list(values) == list(SETTINGS)
    settings = resolve({}, {}, values, place=place)
    without_default = {name: None for name, setting in SETTINGS.items() if setting.default is None}
    assert replace(settings, **without_default) == Settings()  # type: ignore[arg-type]

    start = lines.index("environments:")
    (repo / "reconcile.yaml").write_text("\n".join(line.removeprefix("# ") for line in lines[start:]))
    values, place = read_settings_file(repo / "reconcile.yaml")
    assert (
        resolve({"environment": "staging"}, {}, values, place=place).lockfile == "engines.staging.lock.json"
    )


def test_a_link_is_never_cut_or_followed_out(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "attributes").write_text("*.x text\n")
    (repo / ".gitattributes").symlink_to(outside / "attributes")
    (repo / "reconcile.yaml").symlink_to(outside / "nothing")
    results = scaffold(repo, engine_schema=SCHEMA)
    assert actions(results)[".gitattributes"] == actions(results)["reconcile.yaml"] == "kept"
    assert results[-2].note == f"is a link; add these lines by hand: {ONE_LINE}"
    assert (outside / "attributes").read_text() == "*.x text\n"

    (repo / "linked").symlink_to(outside)
    with pytest.raises(StorageError, match="outside the project"):
        scaffold(repo, engine_schema=SCHEMA, engines="linked/new")
    assert sorted(path.name for path in outside.iterdir()) == ["attributes"]


def test_a_file_where_a_folder_must_be(repo: Path) -> None:
    (repo / "engines").write_text("mine")
    with pytest.raises(StorageError, match="engines"):
        scaffold(repo, engine_schema=SCHEMA)
    assert (repo / "engines").read_text() == "mine"


def test_a_pipe_where_a_file_must_be(repo: Path) -> None:
    os.mkfifo(repo / ".gitattributes")
    with pytest.raises(StorageError, match=r"\.gitattributes is not a regular file"):
        scaffold(repo, engine_schema=SCHEMA)


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is not a folder"):
        scaffold(tmp_path / "missing", engine_schema=SCHEMA)


def test_a_folder_that_takes_no_files() -> None:
    with pytest.raises(StorageError):
        scaffold(Path("/proc/self"), engine_schema=SCHEMA)


def test_a_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    code = f"import os\nif os.geteuid() == 0: os.setgroups([]); os.seteuid(65534)\n{SCAFFOLD_HERE}"
    try:
        said = run_python(code, tmp_path)
    finally:
        tmp_path.chmod(0o700)
    assert "StorageError cannot write reconcile.yaml: Permission denied" in said
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk(tmp_path: Path) -> None:
    code = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n{SCAFFOLD_HERE}"
    assert "StorageError cannot write reconcile.yaml: File too large" in run_python(code, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert set(actions(scaffold(tmp_path, engine_schema=SCHEMA)).values()) == {"created"}


SCAFFOLD_HERE = """
try:
    scaffold(Path(), engine_schema="{}")
except StorageError as error:
    print(type(error).__name__, error)
"""


def run_python(code: str, folder: Path) -> str:
    imports = (
        "from pathlib import Path\nfrom reconciler.adapters.project.scaffold import scaffold, StorageError\n"
    )
    repo = Path(__file__).parents[3]
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(repo)!r})\n{imports}{code}"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return run.stdout
