"""Runs that a watch starts, as processes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli.watching.child import Child

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("json.py", "click.py", "encodings.py", "sitecustomize.py", "reconciler/__init__.py")


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work tree, in which the process stands, with modules that say so when they are run. Returns what they leave."""
    for name in NAMES:
        file = tmp_path / "clone" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})\n")
    monkeypatch.chdir(tmp_path / "clone")
    return tmp_path / "ran"


def test_modules_of_the_work_tree_are_not_run(hostile: Path) -> None:
    heard: list[str] = []
    ended = asyncio.run(Child(["version"], os.environ, heard.append).run())
    assert (ended.code, heard) == (0, [])
    assert not hostile.exists()


def test_the_module_is_not_led_astray_either(hostile: Path) -> None:
    """`python -m reconciler`, where the folder holds no package of that very name."""
    (hostile.parent / "clone/reconciler/__init__.py").unlink()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", "reconciler", "version"], env=environment, check=False)
    assert done.returncode == 0
    assert not hostile.exists()
