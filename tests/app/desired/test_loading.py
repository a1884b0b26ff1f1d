"""What counts as unchanged where engines have overlays."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.app.desired.loading import load_changed, with_left_out
from reconciler.core.engine.overlay import EngineChoice
from reconciler.core.engine.spec import Desired, record_of
from reconciler.core.lockfile.entry import Entry, Provisioned, Retired
from reconciler.core.lockfile.model import EMPTY, Lockfile, parse, render

LISTED = ("production", "staging")


def files_of(root: Path, environment: str = "staging", listed: tuple[str, ...] = LISTED) -> EngineFiles:
    return EngineFiles(root, choice=EngineChoice(environment, listed))


def recorded(files: EngineFiles) -> Lockfile:
    entries: dict[str, Entry | None] = {}
    for key, path in files.discover()[0].items():
        one = files.load(key, path)
        assert isinstance(one, Desired)
        entries[key] = Entry(Provisioned(f"eng_{key}", one.fingerprint, record_of(one.spec), one.files))
    return parse(render(EMPTY.with_entries(entries)), "engines.lock.json")


def read(files: EngineFiles, lockfile: Lockfile) -> list[str]:
    found, _ = files.discover()
    desired, unchanged, wrong = load_changed(files, found, lockfile, lambda key: True, 40, ())
    assert not wrong
    assert sorted([*desired, *unchanged]) == sorted(found)
    return sorted(desired)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "engines").mkdir()
    for name, text in (("a", "name: A\n"), ("a.staging", "name: S\n"), ("b", "name: B\n")):
        (tmp_path / f"engines/{name}.yaml").write_text(text)
    return tmp_path


def test_nothing_is_read_where_nothing_changed(root: Path) -> None:
    files = files_of(root)
    lockfile = recorded(files)
    files.load = lambda *_: pytest.fail("a file was read")  # type: ignore[method-assign]
    assert read(files, lockfile) == []


@pytest.mark.parametrize("change", ["changed", "added", "removed", "renamed"])
def test_an_overlay_that_is_another_one_is_noticed(root: Path, change: str) -> None:
    lockfile = recorded(files_of(root))
    overlay = root / "engines/a.staging.yaml"
    if change == "changed":
        overlay.write_text("name: T\n")
    elif change == "added":
        (root / "engines/b.staging.yml").write_text("name: T\n")
    elif change == "removed":
        overlay.unlink()
    else:
        overlay.rename(root / "engines/a.staging.yml")
    assert read(files_of(root), lockfile) == (["b"] if change == "added" else ["a"])


def test_an_overlay_that_is_none_any_more_is_noticed_though_its_bytes_are_the_same(root: Path) -> None:
    lockfile = recorded(files_of(root))
    assert read(files_of(root, listed=()), lockfile) == ["a", "a.staging"]
    assert read(files_of(root, "production"), lockfile) == ["a"]


def test_of_two_alike_one_moves_and_the_one_that_is_left_out_stays(tmp_path: Path) -> None:
    (tmp_path / "engines/off").mkdir(parents=True)
    for name in ("a", "b", "z"):
        (tmp_path / f"engines/{name}.yaml").write_text("name: Z\n" if name == "z" else "name: A\n")
    lockfile = recorded(files_of(tmp_path))
    (tmp_path / "engines/a.yaml").rename(tmp_path / "engines/c.yaml")
    (tmp_path / "engines/b.yaml").rename(tmp_path / "engines/off/b.yaml")
    files = EngineFiles(tmp_path, choice=EngineChoice("staging", LISTED, exclude=("off/*",)))
    found, _ = files.discover()
    desired, _, _ = load_changed(files, found, lockfile, lambda key: True, 40, ())
    left = with_left_out(files, lockfile, found, desired, 40)
    assert left.unchosen == {"off/b": "engines/off/b.yaml", "b": "engines/off/b.yaml"}


def test_one_that_is_left_out_stays_where_its_like_comes_back_by_itself(tmp_path: Path) -> None:
    (tmp_path / "engines/off").mkdir(parents=True)
    for name in ("a", "c"):
        (tmp_path / f"engines/{name}.yaml").write_text("name: A\n")
    lockfile = recorded(files_of(tmp_path))
    entry = lockfile.entry("c")
    assert entry is not None
    retired = Retired(entry, "2026-11-24T11:00:00Z")
    lockfile = lockfile.with_entries({"c": None}).with_retired("c", (retired,))
    (tmp_path / "engines/a.yaml").rename(tmp_path / "engines/off/a.yaml")
    files = EngineFiles(tmp_path, choice=EngineChoice("staging", LISTED, exclude=("off/*",)))
    found, _ = files.discover()
    desired, _, _ = load_changed(files, found, lockfile, lambda key: True, 40, ())
    left = with_left_out(files, lockfile, found, desired, 40)
    assert left.unchosen == {"off/a": "engines/off/a.yaml", "a": "engines/off/a.yaml"}
