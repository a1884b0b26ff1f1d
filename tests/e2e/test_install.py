"""docs/install.md: what it says works now is done here, in a clone, with wheels that are on this machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from tests.e2e import wheelhouse

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/install.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE.partition("## Check it")[0], re.MULTILINE | re.DOTALL)
NOW = [block for block in BLOCKS if block.startswith("# now\n")]
HERE = [block for block in NOW if "docker" not in block]
REQUIREMENTS = (ROOT / "requirements/run.txt").read_text(encoding="utf-8")


def test_every_block_says_when_it_works() -> None:
    assert len(BLOCKS) > 8
    assert [
        block for block in BLOCKS if not block.startswith(("# now\n", "# with the first release\n"))
    ] == []


def test_what_needs_a_release_is_not_said_to_work_now() -> None:
    """Neither the registry nor the container registry nor a tag has it."""
    later = re.compile(r"lingo-reconcile|ghcr\.io|OWNER|@v\d")
    assert [block for block in NOW if later.search(block)] == []
    assert [block for block in BLOCKS if block not in NOW and not later.search(block)] == []


def _known(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of what is committed, and a folder of wheels beside it. Without a network, hashes are those of the wheels
    here."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    root = tmp_path_factory.mktemp("install")
    names = [
        name for name in wheelhouse.pinned(REQUIREMENTS) if _known(name)
    ]  # the others are for other systems
    digests = wheelhouse.fill(root / "wheels", names)
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(root / "clone")], check=True)
    (root / "clone/requirements/run.txt").write_text(wheelhouse.with_digests(REQUIREMENTS, digests))
    (root / "uv.toml").write_text(f"no-index = true\nfind-links = ['{root / 'wheels'}']\n")
    return root


@pytest.mark.parametrize("block", HERE, ids=lambda block: block.splitlines()[1].split()[0])
def test_what_works_now_does(block: str, place: Path, tmp_path: Path) -> None:
    env = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(place / "wheels"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_COMPILE": "1",
        "UV_CONFIG_FILE": str(place / "uv.toml"),
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "UV_PYTHON_DOWNLOADS": "never",
        "PIPX_HOME": str(tmp_path / "pipx"),
        "PIPX_BIN_DIR": str(tmp_path / "bin"),
        "PIPX_DEFAULT_PYTHON": sys.executable,
    }
    shell = ["bash", "-euo", "pipefail", "-c", block]
    done = subprocess.run(shell, cwd=place / "clone", env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    if "--version" not in block:
        installed = [str(tmp_path / "bin/reconcile"), "--version"]
        done = subprocess.run(installed, env=env, capture_output=True, text=True, check=True)
    committed = ["git", "show", "HEAD:reconciler/__init__.py"]
    said = subprocess.check_output(committed, cwd=place / "clone", text=True)
    version = re.search(r'^__version__ = "(.+)"$', said, re.MULTILINE)
    assert version is not None
    assert f"reconcile {version[1]}" in done.stdout
