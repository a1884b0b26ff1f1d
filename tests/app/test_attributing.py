"""Attributing a plan: what is asked of the base, and what comes of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.app.attributing import attribute
from reconciler.core.engine.fingerprint import blob_id, fingerprint
from reconciler.core.engine.spec import Desired, Spec, record_of
from reconciler.core.errors import Diagnostic
from reconciler.core.ledger.journal import Begin
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.model import Origin, Plan
from tests.app.ports import Scene
from tests.core.build import current, entry, lockfile, uncertain

ACME, ACME_2, BLOG, SHOP = Spec("Acme"), Spec("Acme", locales=("de",)), Spec("Blog"), Spec("Shop")
BRANCH, MERGED, RUNNING = Origin.BRANCH, Origin.MERGED, Origin.RUNNING


@dataclass
class MemoryBase:
    """The base as specs, written in another style where `style` says so; `lockfile` is its lockfile's content."""

    specs: dict[str, Spec]
    lockfile: bytes = b""
    style: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    asked: list[list[str]] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    def blob_ids(self, paths: Collection[str]) -> Mapping[str, str]:
        self.asked.append(list(paths))
        files = {f"engines/{key}.yaml": self._content(key) for key in self.specs}
        if self.lockfile:
            files["engines.lock.json"] = self.lockfile
        return {path: blob_id(files[path]) for path in paths if path in files}

    def load(self, key: str, path: str) -> Desired | list[Diagnostic]:
        self.loaded.append(key)
        if key in self.broken:
            return [Diagnostic("broken then", path)]
        spec = self.specs[key]
        return Desired(key, path, spec, fingerprint(spec), {path: blob_id(self._content(key))})

    def read(self, path: str) -> bytes | None:
        assert path == "engines.lock.json"
        return self.lockfile or None

    def _content(self, key: str) -> bytes:
        return (repr(self.specs[key]) + self.style.get(key, "")).encode()


def attributed(scene: Scene, base: MemoryBase, **request: Any) -> Plan:
    return attribute(scene.plan(**request), scene.engines, scene.lockfile, base, "engines", 40)


def origins(scene: Scene, base: MemoryBase) -> dict[str, Origin | None]:
    return {action.key: action.origin for action in attributed(scene, base).actions}


def recorded(key: str, spec: Spec) -> Lockfile:
    files = {f"engines/{key}.yaml": blob_id(repr(spec).encode())}
    return lockfile({key: entry(current(key, spec, files=files))})


def test_a_plan_with_nothing_to_do_asks_the_base_nothing() -> None:
    base = MemoryBase({"acme": ACME})
    assert origins(Scene({"acme": ACME}, recorded("acme", ACME)), base) == {}
    assert base.asked == []


def test_new_merged_and_reformatted_files() -> None:
    base = MemoryBase({"acme": ACME, "blog": BLOG, "shop": SHOP}, style={"blog": " # reformatted"})
    scene = Scene({"acme": ACME_2, "blog": BLOG, "shop": SHOP, "docs": Spec("Docs")})
    assert origins(scene, base) == {"acme": BRANCH, "blog": MERGED, "docs": BRANCH, "shop": MERGED}
    assert base.loaded == ["acme", "blog"]  # only where the bytes differ
    assert len(base.asked) == 1  # one question for all


def test_a_base_that_was_broken_counts_as_changed_here() -> None:
    base = MemoryBase({"acme": ACME_2}, broken={"acme"})
    assert origins(Scene({"acme": ACME}), base) == {"acme": BRANCH}


def test_retired_by_this_branch_or_before() -> None:
    lock = recorded("acme", ACME)
    content = lockfile_format.render(lock)
    scene = Scene({"blog": BLOG}, lock)
    assert origins(scene, MemoryBase({"acme": ACME, "blog": BLOG}, content))["acme"] is BRANCH
    assert origins(scene, MemoryBase({"blog": BLOG}, content)) == {"acme": MERGED, "blog": MERGED}


def test_moved_by_this_branch_or_before() -> None:
    lock = recorded("old", ACME)
    content = lockfile_format.render(lock)
    scene = Scene({"acme": ACME}, lock)
    assert origins(scene, MemoryBase({"old": ACME}, content)) == {"acme": BRANCH}
    assert origins(scene, MemoryBase({"acme": ACME}, content)) == {"acme": MERGED}
    assert origins(scene, MemoryBase({"acme": ACME, "old": ACME}, content)) == {"acme": BRANCH}


def test_an_operation_that_only_the_journal_knows_is_another_runs() -> None:
    scene = Scene({"acme": ACME})
    at, files = "2026-11-24T11:00:00.000Z", {"engines/acme.yaml": "b10b" * 10}
    scene.journal.append([Begin("op_1", "acme", fingerprint(ACME), record_of(ACME), files, at)])
    assert origins(scene, MemoryBase({})) == {"acme": RUNNING}


def test_an_uncertain_engine_that_this_branch_edits() -> None:
    lock = lockfile({"acme": entry(None, uncertain("x", ACME))})
    scene = Scene({"acme": ACME_2}, lock)
    base = MemoryBase({"acme": ACME}, lockfile_format.render(lock))
    assert origins(scene, base) == {"acme": BRANCH}
    assert origins(Scene({"acme": ACME}, lock), base) == {"acme": RUNNING}


def test_a_lockfile_that_this_branch_changed() -> None:
    """An entry was taken out by hand: the creation that follows is this branch's doing."""
    base = MemoryBase({"acme": ACME}, lockfile_format.render(recorded("acme", ACME)))
    assert origins(Scene({"acme": ACME}), base) == {"acme": BRANCH}
    unreadable = MemoryBase({"acme": ACME}, b"<<<<<<< HEAD\n")
    assert origins(Scene({"acme": ACME}), unreadable) == {"acme": MERGED}


def test_the_digest_is_that_of_the_plan_without_origins() -> None:
    scene = Scene({"acme": ACME})
    marked = attributed(scene, MemoryBase({}))
    assert marked.digest == scene.plan().plan.digest
    assert [action.origin for action in marked.actions] == [BRANCH]
