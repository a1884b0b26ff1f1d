"""The manual pages: one for each command, without a warning of those who render them, and the same wherever made."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from reconciler.cli.main import COMMANDS, cli

ROOT = Path(__file__).resolve().parent.parent
SPEC = importlib.util.spec_from_file_location("man_pages", ROOT / "tools/man_pages.py")
assert SPEC is not None
assert SPEC.loader is not None
man_pages = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(man_pages)


def commands() -> Iterator[tuple[str, click.Command]]:
    yield "reconcile", cli
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        yield f"reconcile-{name}", command
        if isinstance(command, click.Group):
            yield from ((f"reconcile-{name}-{sub}", each) for sub, each in command.commands.items())


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("man")
    man_pages.write_pages(folder)
    return folder


def rendered(page: Path) -> str:
    command = ["groff", "-man", "-Tascii", "-ww", "-P-cbou", "-rLL=400n", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return " ".join(done.stdout.split())


needs_groff = pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff")


def test_every_command_has_its_page(pages: Path) -> None:
    assert {page.stem for page in pages.iterdir()} == {name for name, _ in commands()}


@needs_groff
def test_groff_renders_every_option_without_a_warning(pages: Path) -> None:
    for name, command in commands():
        text = rendered(pages / f"{name}.1")
        if name == "reconcile":  # those of apply are on its page
            continue
        for param in command.get_params(click.Context(command)):
            if isinstance(param, click.Option) and not param.hidden:
                assert all(re.search(rf"(?<![\w-]){re.escape(one)}\b", text) for one in param.opts), (
                    name,
                    param.opts,
                )


@needs_groff
def test_the_first_page_lists_commands_and_exit_codes(pages: Path) -> None:
    text = rendered(pages / "reconcile.1")
    assert "reconcile - GitOps for localization engines" in text
    assert all(f"reconcile {name}" in text for name in COMMANDS)
    assert "refused by a guard: a plan that no longer holds" in text
    assert "64 / 70 / 130" in text


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="there is no mandoc")
def test_mandoc_finds_nothing_but_the_date_that_a_release_brings(pages: Path) -> None:
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", *sorted(pages.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert [line for line in done.stdout.splitlines() if "missing date" not in line] == []


@pytest.mark.skipif(shutil.which("man") is None, reason="there is no man")
def test_man_shows_a_page(pages: Path) -> None:
    env = {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "MANWIDTH": "80",
        "MANPAGER": "cat",
        "HOME": str(pages),
    }
    done = subprocess.run(
        ["man", "--warnings", "-l", pages / "reconcile-plan.1"],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert "SYNOPSIS" in done.stdout


def test_the_same_sources_give_the_same_bytes_anywhere(pages: Path, tmp_path: Path) -> None:
    env = {
        "PATH": os.environ["PATH"],
        "COLUMNS": "40",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "7",
        "CI": "true",
        "TZ": "Asia/Tokyo",
    }
    command = [sys.executable, str(ROOT / "tools/man_pages.py"), str(tmp_path / "again")]
    subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=True)
    assert {page.name: page.read_bytes() for page in (tmp_path / "again").iterdir()} == {
        page.name: page.read_bytes() for page in pages.iterdir()
    }


@needs_groff
@pytest.mark.parametrize(
    "text", [".so /etc/passwd", "'x", "a\\b", "\\fBx", "größe …", '"q"', "--a-b", "%s\\n"]
)
def test_text_is_no_request_and_no_escape(text: str, tmp_path: Path) -> None:
    page = tmp_path / "x.1"
    page.write_text(f'.TH X 1 "" "x" "x"\n.SH NAME\n{man_pages._text(text)}\n')
    command = ["groff", "-man", "-Tutf8", "-ww", "-P-cbou", str(page)]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stderr == b""
    shown = done.stdout.decode().replace("\N{HYPHEN}", "-").replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    assert text in shown


def _copy(to: Path) -> Path:
    """The sources without what was made from them."""
    ignored = shutil.ignore_patterns(
        ".*_cache", ".venv*", ".hypothesis", "__pycache__", "dist", "man", ".git"
    )
    shutil.copytree(ROOT, to, ignore=ignored)
    return to


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    assert file is not None
    return file.read()


def test_a_wheel_is_built_without_them_where_they_cannot_be_made(tmp_path: Path) -> None:
    """As where an installer builds with other releases of what the command needs than it was written for."""
    source = _copy(tmp_path / "source")
    (source / "reconciler/cli/main.py").write_text("from click import nothing_of_that_name\n")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(tmp_path), "--target"]
    subprocess.run([*command, "wheel"], cwd=source, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        assert [name for name in files.namelist() if name.endswith(".1")] == []
    assert subprocess.run([*command, "sdist"], cwd=source, capture_output=True, check=False).returncode != 0


def test_sdist_and_wheel_bring_them(pages: Path, tmp_path: Path) -> None:
    source = _copy(tmp_path / "source")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(tmp_path / "dist")]
    subprocess.run(command, cwd=source, capture_output=True, check=True)
    wanted = {page.name: page.read_bytes() for page in pages.iterdir()}
    (archive,), (wheel,) = (tmp_path / "dist").glob("*.tar.gz"), (tmp_path / "dist").glob("*.whl")
    with tarfile.open(archive) as tar:
        members = [one for one in tar if one.isfile() and one.name.split("/")[1] == "man"]
        assert {Path(one.name).name: _content(tar, one) for one in members} == wanted
    with zipfile.ZipFile(wheel) as files:
        names = [name for name in files.namelist() if ".data/data/share/man/man1/" in name]
        assert {Path(name).name: files.read(name) for name in names} == wanted
