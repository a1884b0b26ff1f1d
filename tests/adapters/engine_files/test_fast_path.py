"""The fast path never hides a change: real files, the real reader, a real git repo, and the lockfile an apply wrote."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.adapters.storage.journal_store import JournalFile
from reconciler.adapters.storage.lockfile_store import LockfileFile
from reconciler.app.planning import PlanResult, Request, make_plan
from reconciler.core.engine.fingerprint import fingerprint_of_record
from reconciler.core.engine.spec import Desired, record_of
from reconciler.core.errors import Diagnostic, LockfileError
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.entry import Entry, Pending, Provisioned
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.model import Kind
from tests.app.git_repo import commit_all, git, new_repo

ACME = "name: Acme\nlocales: [de, fr]\nsources:\n  - type: content\n    file: ../texts/glossary.md\n"
BLOG = "name: Blog\nlocales: [es]\n"
GLOSSARY = "Acme stays Acme.\n"


class CountingFiles(EngineFiles):
    """The real files; remembers which of them were read as YAML."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.parsed: list[str] = []

    def load(self, key: str, path: str, id_length: int = 40) -> Desired | list[Diagnostic]:
        self.parsed.append(path)
        return super().load(key, path, id_length)


class Project:
    def __init__(self, root: Path, id_length: int = 40) -> None:
        self.root, self.id_length = root, id_length
        self.write({"engines/acme.yaml": ACME, "engines/eu/blog.yaml": BLOG, "texts/glossary.md": GLOSSARY})
        self.provision()

    def write(self, files: Mapping[str, str]) -> None:
        for path, text in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_bytes(text.encode())

    def file(self, path: str) -> Path:
        return self.root / path

    def provision(self) -> None:
        """What is there now is what was provisioned."""
        files = EngineFiles(self.root)
        entries: dict[str, Entry | None] = {}
        for key, path in files.discover()[0].items():
            loaded = files.load(key, path, self.id_length)
            assert isinstance(loaded, Desired)
            made = Provisioned(
                f"eng_{key.replace('/', '-')}", loaded.fingerprint, record_of(loaded.spec), loaded.files
            )
            entries[key] = Entry(made)
        self.lockfile.write(Lockfile().with_entries(entries))

    @property
    def lockfile(self) -> LockfileFile:
        return LockfileFile(self.root, "engines.lock.json")

    def edit_entry(self, key: str, change: Callable[[dict[str, Any]], object]) -> None:
        lock, _ = self.lockfile.read()
        document = dict(lock.engines[key])
        change(document)
        self.lockfile.write(Lockfile({**lock.engines, key: document}))

    def plan(self) -> tuple[PlanResult, list[str]]:
        """The plan, and which files were read as YAML for it."""
        files = CountingFiles(self.root)
        request = Request(id_length=self.id_length)
        planned = make_plan(
            files, self.lockfile, JournalFile(self.root / ".reconcile/journal.jsonl"), request
        )
        return planned, files.parsed

    def kinds(self) -> dict[str, Kind]:
        planned, _ = self.plan()
        assert not planned.plan.diagnostics
        return {action.key: action.kind for action in planned.plan.actions}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def listing(root: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Everything about every file and folder that a write would change."""
    found = {}
    for path in [root, *sorted(root.rglob("*"))]:
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (status.st_mtime_ns, status.st_ctime_ns, status.st_ino, content)
    return found


def same_size_and_time(file: Path, text: str) -> None:
    """An edit that no look at size and time could see."""
    before = file.stat()
    assert len(text.encode()) == before.st_size
    file.write_bytes(text.encode())
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def test_of_unchanged_engines_not_one_file_is_parsed(project: Project) -> None:
    planned, parsed = project.plan()
    assert parsed == []
    assert planned.plan.unchanged == ("acme", "eu/blog")


def test_planning_writes_nothing(project: Project) -> None:
    project.write({"engines/new.yaml": "name: New\n", "engines/eu/blog.yaml": "name: Blog 2\n"})
    new_repo(project.root)
    before = listing(project.root)
    planned, parsed = project.plan()
    assert len(planned.plan.actions) == 2
    assert parsed
    assert listing(project.root) == before


# ── every kind of change ───────────────────────────────────────────────────────────────────────────────────────────


def test_an_edit_with_the_same_size_and_time_is_seen(project: Project) -> None:
    same_size_and_time(project.file("engines/eu/blog.yaml"), BLOG.replace("[es]", "[pt]"))
    assert project.kinds() == {"eu/blog": Kind.REPLACE}


def test_an_edit_of_a_source_file_with_the_same_size_and_time_is_seen(project: Project) -> None:
    same_size_and_time(project.file("texts/glossary.md"), GLOSSARY.replace("stays", "is in"))
    assert project.kinds() == {"acme": Kind.REPLACE}


def test_a_replaced_file_with_the_same_size_and_time_is_seen(project: Project) -> None:
    """As an editor or a checkout does it: a new file in the place of the old one."""
    file, other = project.file("engines/eu/blog.yaml"), project.file("engines/eu/.new")
    other.write_text(BLOG.replace("[es]", "[pt]"))
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    os.replace(other, file)
    assert project.kinds() == {"eu/blog": Kind.REPLACE}


def test_a_removed_source_file_is_seen(project: Project) -> None:
    project.file("texts/glossary.md").unlink()
    planned, _ = project.plan()
    assert planned.plan.invalid
    assert "does not exist" in planned.plan.diagnostics[0].message


@pytest.mark.parametrize(
    ("other", "seen"),
    [("texts/other.md", Kind.REPLACE), ("texts/same.md", None)],
)
def test_a_source_file_that_became_a_link_counts_by_its_content(
    project: Project, other: str, seen: Kind | None
) -> None:
    project.write({"texts/other.md": "Acme is in Acme.\n", "texts/same.md": GLOSSARY})
    project.file("texts/glossary.md").unlink()
    project.file("texts/glossary.md").symlink_to(project.file(other))
    assert project.kinds() == ({} if seen is None else {"acme": seen})


def test_a_source_file_that_became_a_link_out_of_the_project_is_seen(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Even with the same content: what lies outside can change without the project."""
    outside = tmp_path_factory.mktemp("outside") / "glossary.md"
    outside.write_text(GLOSSARY)
    project.file("texts/glossary.md").unlink()
    project.file("texts/glossary.md").symlink_to(outside)
    planned, _ = project.plan()
    assert planned.plan.invalid
    assert "leads out of the project" in planned.plan.diagnostics[0].message


def test_a_folder_that_became_a_link_to_other_texts_is_seen(project: Project) -> None:
    project.file("texts").rename(project.file("old"))
    project.write({"new/glossary.md": "Acme is called Acme.\n"})
    project.file("texts").symlink_to("new")
    assert project.kinds() == {"acme": Kind.REPLACE}


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: os.mkfifo(path)])
def test_a_folder_or_pipe_in_a_files_place_is_seen_and_does_not_block(
    project: Project, make: Callable[[Path], object]
) -> None:
    project.file("texts/glossary.md").unlink()
    make(project.file("texts/glossary.md"))
    assert project.plan()[0].plan.invalid


def test_added_removed_and_renamed_files_are_seen(project: Project) -> None:
    project.write({"engines/new.yaml": "name: New\n"})
    project.file("engines/eu/blog.yaml").rename(project.file("engines/weblog.yaml"))
    project.file("engines/acme.yaml").unlink()
    assert project.kinds() == {"acme": Kind.RETIRE, "new": Kind.CREATE, "weblog": Kind.MOVE}


def test_two_files_that_swap_their_names_are_seen(project: Project) -> None:
    blog, acme = project.file("engines/eu/blog.yaml"), project.file("engines/acme.yaml")
    blog.write_text(ACME.replace("../texts", "../../texts"))
    acme.write_text(BLOG)
    assert project.kinds() == {"acme": Kind.REPLACE, "eu/blog": Kind.REPLACE}


def test_another_suffix_is_looked_at_and_is_no_change(project: Project) -> None:
    project.file("engines/eu/blog.yaml").rename(project.file("engines/eu/blog.yml"))
    planned, parsed = project.plan()
    assert parsed == ["engines/eu/blog.yml"]
    assert planned.plan.unchanged == ("acme", "eu/blog")
    project.file("engines/eu/blog.yml").write_text(BLOG.replace("[es]", "[pt]"))
    assert project.kinds() == {"eu/blog": Kind.REPLACE}


def test_a_second_file_for_a_key_is_seen(project: Project) -> None:
    project.write({"engines/eu/blog.yml": BLOG})
    assert project.plan()[0].plan.invalid


def test_comments_and_order_are_looked_at_and_are_no_change(project: Project) -> None:
    project.write({"engines/acme.yaml": "# new\n" + ACME.replace("[de, fr]", "[fr, de]")})
    planned, parsed = project.plan()
    assert parsed == ["engines/acme.yaml"]
    assert planned.plan.unchanged == ("acme", "eu/blog")


# ── line ends ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_checkout_with_other_line_ends_is_unchanged_without_parsing(project: Project) -> None:
    for path in ("engines/acme.yaml", "engines/eu/blog.yaml", "texts/glossary.md"):
        file = project.file(path)
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    planned, parsed = project.plan()
    assert parsed == []
    assert planned.plan.unchanged == ("acme", "eu/blog")


def test_an_edit_in_a_file_with_other_line_ends_is_seen(project: Project) -> None:
    project.write({"engines/eu/blog.yaml": BLOG.replace("[es]", "[pt]").replace("\n", "\r\n")})
    project.write({"texts/glossary.md": GLOSSARY.replace("stays", "is in").replace("\n", "\r\n")})
    assert project.kinds() == {"acme": Kind.REPLACE, "eu/blog": Kind.REPLACE}


def test_line_ends_that_git_does_not_convert_count_in_the_bytes(project: Project) -> None:
    """A carriage return alone is content to git, so it must not be taken as unchanged without a look."""
    project.write({"texts/glossary.md": GLOSSARY.replace("stays ", "stays\r")})
    _, parsed = project.plan()
    assert parsed == ["engines/acme.yaml"]


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_with_line_end_filters_our_ids_are_gits_ids(tmp_path: Path, object_format: str) -> None:
    root = new_repo(tmp_path / "project", f"--object-format={object_format}")
    project = Project(root, 64 if object_format == "sha256" else 40)
    project.write({".gitattributes": "* text eol=crlf\n"})
    commit_all(root)
    for path in ("engines/acme.yaml", "engines/eu/blog.yaml", "texts/glossary.md"):
        project.file(path).unlink()
    git(root, "checkout", "--", "engines", "texts")
    assert b"\r\n" in project.file("engines/acme.yaml").read_bytes()
    planned, parsed = project.plan()
    assert parsed == []
    assert planned.plan.unchanged == ("acme", "eu/blog")
    recorded = planned.recorded.on_disk.engines["acme"]["files"]
    assert recorded == {path: git(root, "rev-parse", f"HEAD:{path}") for path in recorded}
    assert set(recorded) == {"engines/acme.yaml", "texts/glossary.md"}
    fresh = EngineFiles(root).load("acme", "engines/acme.yaml", project.id_length)
    assert isinstance(fresh, Desired)
    assert fresh.files == recorded


# ── what is recorded ───────────────────────────────────────────────────────────────────────────────────────────────


def test_another_fingerprint_version_neither_hides_a_change_nor_makes_one(project: Project) -> None:
    project.edit_entry("acme", lambda document: document.update(fingerprint="v0:abc"))
    assert project.kinds() == {}
    project.write({"engines/acme.yaml": "# touched\n" + ACME})
    assert project.kinds() == {}
    project.write({"engines/acme.yaml": ACME.replace("fr", "it")})
    assert project.kinds() == {"acme": Kind.REPLACE}


@pytest.mark.parametrize("status", ["in_progress", "failed", "uncertain"])
def test_a_pending_operation_is_looked_at_although_the_files_did_not_change(
    project: Project, status: str
) -> None:
    lock, _ = project.lockfile.read()
    entry = lock.entry("acme")
    assert entry is not None
    assert entry.current is not None
    record = {"name": "Other"}
    pending = Pending(status, "op", fingerprint_of_record(record), record, {}, "eng_p", "pjb_p", error="x")
    project.lockfile.write(lock.with_entry("acme", Entry(entry.current, pending)))
    expected = Kind.NONE if status == "uncertain" else Kind.DISCARD
    assert project.kinds() == {"acme": expected}


def test_a_malformed_entry_is_an_error_although_the_files_did_not_change(project: Project) -> None:
    for spoil in ({"engineId": 5}, {"files": {"engines/acme.yaml": 7}}, {"spec": "x"}, {"fingerprint": ""}):
        project.provision()
        project.edit_entry("acme", lambda document, spoil=spoil: document.update(spoil))  # type: ignore[misc]
        with pytest.raises(LockfileError):
            project.plan()


def test_an_entry_whose_files_were_edited_hides_nothing(project: Project) -> None:
    """By hand or by a bad merge: an id dropped, swapped, shortened, or of another file."""

    def files(change: Callable[[dict[str, Any]], object]) -> None:
        project.provision()
        project.write({"texts/glossary.md": GLOSSARY})
        project.edit_entry("acme", lambda document: change(document["files"]))
        project.write({"texts/glossary.md": "Acme is called Acme.\n"})
        assert project.kinds() == {"acme": Kind.REPLACE}
        project.write({"texts/glossary.md": GLOSSARY})
        assert project.kinds() == {}

    files(lambda ids: ids.pop("texts/glossary.md"))
    files(lambda ids: ids.clear())
    files(lambda ids: ids.update({"texts/glossary.md": ids["engines/acme.yaml"]}))
    for name, blob in {"texts/glossary.md": "5f3a1c2", "acme.md": "", "../outside.md": "0" * 40}.items():
        with pytest.raises(LockfileError, match="`files` must map"):
            files(lambda ids, entry={name: blob}: ids.update(entry))  # type: ignore[misc]


def test_ids_of_another_length_are_compared_in_their_own(tmp_path: Path) -> None:
    project = Project(tmp_path, id_length=64)
    project.id_length = 40
    planned, parsed = project.plan()
    assert parsed == []
    assert planned.plan.unchanged == ("acme", "eu/blog")
    project.write({"engines/eu/blog.yaml": BLOG.replace("[es]", "[pt]")})
    assert project.kinds() == {"eu/blog": Kind.REPLACE}


def test_a_lockfile_written_by_hand_but_right_is_as_good(project: Project) -> None:
    """The layout does not count, only what it says."""
    lock, content = project.lockfile.read()
    project.file("engines.lock.json").write_text(json.dumps(json.loads(content)))
    planned, parsed = project.plan()
    assert parsed == []
    assert planned.recorded.on_disk == lock
    assert lockfile_format.render(lock) == content
