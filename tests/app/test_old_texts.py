"""Old texts come from the store of a real git repo, through the real reader of engine files."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.adapters.git.command import GitTexts
from reconciler.app.old_texts import with_old_texts
from reconciler.app.planning import PlanResult, Request
from reconciler.app.planning import make_plan as plan_project
from reconciler.core.engine.spec import Desired, record_of
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.entry import Provisioned
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.model import Change, Plan
from tests.app.git_repo import commit_all, git, new_repo
from tests.app.ports import Log, MemoryJournal, MemoryLockfile
from tests.core.build import entry, lockfile

ENGINE = """name: Acme
sources:
  - type: content
    payload: |
      Use formal tone.
  - type: content
    file: glossary.md
"""


class Project:
    """A repo with one engine, committed, and a lockfile that has it as provisioned."""

    def __init__(self, root: Path, *how: str, glossary: bytes = b"Acme stays Acme.\n") -> None:
        self.root = new_repo(root, *how)
        self.id_length = 64 if how else 40
        self.engine, self.glossary = root / "engines/acme.yaml", root / "engines/glossary.md"
        self.engine.parent.mkdir()
        self.engine.write_text(ENGINE)
        self.glossary.write_bytes(glossary)
        self.engines = EngineFiles(root)
        self.lockfile = MemoryLockfile(Log())
        self.record(self.provisioned())
        commit_all(root)

    def provisioned(self) -> Provisioned:
        loaded = self.engines.load("acme", "engines/acme.yaml", self.id_length)
        assert isinstance(loaded, Desired)
        return Provisioned("eng_1", loaded.fingerprint, record_of(loaded.spec), loaded.files)

    def record(self, engine: Provisioned) -> None:
        self.lockfile.content = lockfile_format.render(lockfile({"acme": entry(engine)}))

    @property
    def recorded(self) -> Provisioned:
        current = self.lockfile.entry("acme").current
        assert current is not None
        return current

    def plan(self) -> PlanResult:
        return plan_project(
            self.engines, self.lockfile, MemoryJournal(Log()), Request(id_length=self.id_length)
        )

    def changes(self) -> list[Change]:
        planned = self.plan()
        plan = with_old_texts(planned.plan, planned.recorded.folded, self.engines, GitTexts(self.root))
        assert plan.digest == planned.plan.digest
        return [change for action in plan.actions for change in action.changes]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def edit(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text().replace(old, new))


def test_the_old_text_of_a_payload_comes_from_the_committed_file(project: Project) -> None:
    edit(project.engine, "formal", "informal")
    (change,) = project.changes()
    assert change.old_text == "Use formal tone.\n"
    assert change.new_text == "Use informal tone.\n"


def test_the_old_text_of_a_file_comes_from_its_own_blob(project: Project) -> None:
    edit(project.glossary, "stays", "remains")
    (change,) = project.changes()
    assert (change.old_text, change.new_text) == ("Acme stays Acme.\n", "Acme remains Acme.\n")
    assert change.file == "engines/glossary.md"


def test_a_text_that_went_away_is_shown(project: Project) -> None:
    project.engine.write_text("name: Acme\n")
    assert {change.old_text for change in project.changes()} == {"Use formal tone.\n", "Acme stays Acme.\n"}


def test_older_than_the_last_commit_is_found_too(project: Project) -> None:
    edit(project.engine, "formal", "informal")
    commit_all(project.root)
    edit(project.engine, "informal", "cheerful")
    commit_all(project.root)
    assert [change.old_text for change in project.changes()] == ["Use formal tone.\n"]


def test_a_text_with_a_byte_order_mark_is_found(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", glossary=b"\xef\xbb\xbfAcme stays Acme.\n")
    edit(project.glossary, "stays", "remains")
    assert [change.old_text for change in project.changes()] == ["Acme stays Acme.\n"]


def test_what_git_does_not_have_is_shown_by_its_digest(project: Project) -> None:
    """Edited twice and never committed in between: the recorded version is nowhere."""
    edit(project.engine, "formal", "informal")
    edit(project.glossary, "stays", "remains")
    project.record(project.provisioned())
    edit(project.engine, "informal", "cheerful")
    edit(project.glossary, "remains", "is called")
    changes = project.changes()
    assert len(changes) == 2
    assert all(change.old is not None and change.old_text is None for change in changes)
    assert all(change.new_text is not None for change in changes)


def test_a_lying_blob_id_gives_no_text(project: Project) -> None:
    """The lockfile names blobs of other files: nothing may be shown as an old text that is not the one recorded."""
    (project.root / "secret.txt").write_text("do not show\n")
    commit_all(project.root)
    lie = git(project.root, "rev-parse", "HEAD:secret.txt")
    tree = git(project.root, "rev-parse", "HEAD^{tree}")
    edit(project.glossary, "stays", "remains")
    for blob in (lie, tree, "0" * 40):
        project.record(
            replace(project.recorded, files={"engines/acme.yaml": blob, "engines/glossary.md": blob})
        )
        (change,) = project.changes()
        assert change.old_text is None


def test_a_binary_blob_and_one_that_is_no_yaml_give_no_text(project: Project) -> None:
    files = {}
    for name, content in {"binary": b"\xff\xfe\x00", "broken.yaml": b"name: [", "list.yml": b"- 1\n"}.items():
        (project.root / name).write_bytes(content)
        files[name] = git(project.root, "hash-object", "-w", name)
    edit(project.glossary, "stays", "remains")
    project.record(replace(project.recorded, files=files))
    (change,) = project.changes()
    assert change.old_text is None


def test_in_a_sha256_repo_texts_are_found_as_well(tmp_path: Path) -> None:
    try:
        project = Project(tmp_path / "project", "--object-format=sha256")
    except subprocess.CalledProcessError:
        pytest.skip("this git knows no sha256 repos")
    assert {len(blob) for blob in project.recorded.files.values()} == {64}
    assert project.recorded.files["engines/acme.yaml"] == git(
        project.root, "rev-parse", "HEAD:engines/acme.yaml"
    )
    edit(project.engine, "formal", "informal")
    assert [change.old_text for change in project.changes()] == ["Use formal tone.\n"]


class AskedTexts:
    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []

    def read_blobs(self, blob_ids: Sequence[str]) -> Mapping[str, bytes]:
        self.asked.append(blob_ids)
        return {}


def enrich(plan: Plan, lock: Lockfile, project: Project) -> AskedTexts:
    texts = AskedTexts()
    assert with_old_texts(plan, lock, project.engines, texts) == plan
    return texts


def test_git_is_not_asked_when_no_old_text_is_wanted(project: Project) -> None:
    planned = project.plan()
    assert enrich(planned.plan, planned.recorded.folded, project).asked == []
    edit(project.engine, "name: Acme", "name: Acme Corp")
    planned = project.plan()
    assert planned.plan.actions
    assert enrich(planned.plan, planned.recorded.folded, project).asked == []


def test_git_is_asked_once_for_everything(project: Project) -> None:
    edit(project.engine, "formal", "informal")
    edit(project.glossary, "stays", "remains")
    planned = project.plan()
    texts = enrich(planned.plan, planned.recorded.folded, project)
    assert texts.asked == [sorted(project.recorded.files.values())]
