from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.adapters.project.settings import find_root, read_settings_file
from reconciler.core.errors import Diagnostic, InvalidInput, StorageError
from reconciler.core.excerpt import Excerpt
from reconciler.core.settings.resolution import resolve

AS_ROOT = os.geteuid() == 0


@contextmanager
def without_root() -> Iterator[None]:
    """Root may read and write everything, so it becomes somebody else for a moment."""
    if not AS_ROOT:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "outer/project/a/b").mkdir(parents=True)
    return tmp_path / "outer/project"


@pytest.mark.parametrize("sign", ["reconcile.yaml", "engines.lock.json", "engines/"])
def test_the_root_is_the_nearest_folder_with_a_sign(project: Path, sign: str) -> None:
    put_sign(project.parent, sign)
    assert find_root(project / "a/b") == project.parent
    put_sign(project, sign)
    assert find_root(project / "a/b") == project
    assert find_root(project) == project
    put_sign(project / "a/b", sign)
    assert find_root(project / "a/b") == project / "a/b"


def test_a_file_called_engines_is_no_sign(project: Path) -> None:
    (project / "engines").touch()
    (project.parent / "reconcile.yaml").touch()
    assert find_root(project / "a") == project.parent


@pytest.mark.parametrize("kind", ["repo", "worktree"])
def test_the_search_ends_at_the_git_top_level(project: Path, kind: str) -> None:
    (project.parent / "reconcile.yaml").touch()
    if kind == "repo":
        subprocess.run(["git", "init", "-q", project], check=True)
    else:
        (project / ".git").write_text("gitdir: elsewhere\n")
    assert find_root(project / "a/b") == project / "a/b"
    (project / "reconcile.yaml").touch()
    assert find_root(project / "a/b") == project


def test_without_any_sign_the_root_is_where_we_are(project: Path) -> None:
    assert find_root(project / "a") == project / "a"


def test_a_relative_start_and_a_linked_folder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "reconcile.yaml").touch()
    monkeypatch.chdir(project / "a/b")
    assert find_root(Path()).samefile(project)
    (project.parent / "link").symlink_to(project / "a/b")
    assert find_root(project.parent / "link").samefile(project)


def test_the_search_does_not_enter_a_folder_like_tmp(project: Path) -> None:
    (project.parent / "reconcile.yaml").touch()
    project.parent.chmod(0o1777)
    assert find_root(project / "a") == project / "a"
    assert find_root(project.parent) == project.parent


@pytest.mark.skipif(not AS_ROOT, reason="only root can give files away")
def test_the_search_does_not_enter_a_folder_of_somebody_else(project: Path) -> None:
    (project.parent / "reconcile.yaml").touch()
    os.chown(project.parent, 4242, 4242)
    assert find_root(project / "a") == project / "a"
    for folder in (project, project / "a"):
        os.chown(folder, 4242, 4242)
    assert find_root(project / "a") == project.parent


def test_no_file_is_no_settings(tmp_path: Path) -> None:
    assert read_settings_file(tmp_path / "reconcile.yaml") == (None, None)
    assert read_settings_file(tmp_path / "missing/reconcile.yaml") == (None, None)


@pytest.mark.parametrize("text", ["", "# only comments\n", "---\n"])
def test_an_empty_file_is_no_settings_either(tmp_path: Path, text: str) -> None:
    values, _ = read_settings_file(put(tmp_path, text))
    assert values == {}


def test_values_and_places(tmp_path: Path) -> None:
    values, place = read_settings_file(put(tmp_path, "timeout: 45m\nconcurrency:   70\n"))
    assert values == {"timeout": "45m", "concurrency": 70}
    assert place is not None
    assert place(("concurrency",)) == (2, 16, Excerpt("concurrency:   70", 15))


def test_every_error_of_a_file_has_its_place(tmp_path: Path) -> None:
    text = (
        "concurency: 3\n"
        "api_url: http://h.example\n"
        "environments:\n"
        "  production: {}\n"
        "  staging:\n"
        "    timeout: 9d\n"
        "    nope: 1\n"
    )
    values, place = read_settings_file(put(tmp_path, text), name="reconcile.yaml")
    with pytest.raises(InvalidInput) as caught:
        resolve({}, {}, values, place=place)
    assert [finding.place for finding in caught.value.diagnostics] == [
        "reconcile.yaml:1:1",
        "reconcile.yaml:2:10",
        "reconcile.yaml:6:14",
        "reconcile.yaml:7:5",
    ]
    assert all(finding.excerpt for finding in caught.value.diagnostics)


@pytest.mark.parametrize("text", ["- a\n", "hello\n", "7\n"])
def test_something_else_than_a_mapping(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput, match="must contain settings") as caught:
        read_settings_file(put(tmp_path, text), name="reconcile.yaml")
    assert caught.value.diagnostics[0].place == "reconcile.yaml:1:1"


@pytest.mark.parametrize(
    "data",
    [
        b"a: 1\na: 2\n",
        b"a: &x 1\nb: *x\n",
        b"\xff\xfe\x00",
        b"\x89PNG\r\n\x1a\n\0\0",
        b"[" * 5000,
        b"a: [1\n",
        b"1: x\n",
        b"a: 1\n---\nb: 2\n",
        b"# " + b"x" * (10 << 20),
    ],
    ids=["duplicate", "alias", "utf-16", "binary", "deep", "broken", "number-key", "two", "10 MB"],
)
def test_hostile_content_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "reconcile.yaml"
    path.write_bytes(data)
    with pytest.raises(InvalidInput) as caught:
        read_settings_file(path, name="reconcile.yaml")
    assert caught.value.diagnostics[0].file == "reconcile.yaml"


@pytest.mark.parametrize("kind", ["fifo", "folder", "socket", "device"])
@pytest.mark.parametrize("explicit", [True, False])
def test_what_is_no_file_neither_blocks_nor_crashes(
    tmp_path: Path, kind: str, explicit: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    path = Path("reconcile.yaml")
    with socket.socket(socket.AF_UNIX) as listener:
        match kind:
            case "fifo":
                os.mkfifo(path)
            case "folder":
                path.mkdir()
            case "socket":
                listener.bind(str(path))
            case _:
                path = Path("/dev/zero")
        assert refusal(path, explicit=explicit).message == "it is not a regular file"


def test_a_link_may_not_lead_out_of_the_project_unless_it_was_named(tmp_path: Path) -> None:
    (tmp_path / "project/conf").mkdir(parents=True)
    secret = tmp_path / "secret"
    secret.write_text("concurrency: 3\n")
    link = tmp_path / "project/reconcile.yaml"
    link.symlink_to("../secret")
    found = refusal(link)
    assert found.message == "it is a link that leads out of the project"
    assert found.excerpt is None
    assert read_settings_file(link, explicit=True).values == {"concurrency": 3}

    link.unlink()
    link.symlink_to("conf/r.yaml")
    assert refusal(link).message == "it does not exist"
    put(tmp_path / "project/conf", "concurrency: 4\n", "r.yaml")
    assert read_settings_file(link).values == {"concurrency": 4}


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    found = refusal(tmp_path / "other.yaml", explicit=True, name="other.yaml")
    assert (found.file, found.message) == ("other.yaml", "it does not exist")
    assert found.hint is not None
    assert "--config" in found.hint


def test_the_other_suffix_is_not_overlooked(tmp_path: Path) -> None:
    put(tmp_path, "concurrency: 4\n", "reconcile.yml")
    found = refusal(tmp_path / "reconcile.yaml")
    assert (found.file, found.hint) == ("reconcile.yml", "rename it to reconcile.yaml")


def test_a_file_without_permission(tmp_path: Path) -> None:
    path = put(tmp_path, "concurrency: 4\n")
    path.chmod(0)
    with without_root(), pytest.raises(StorageError, match="Permission denied"):
        read_settings_file(path)


def test_links_in_a_circle(tmp_path: Path) -> None:
    path = tmp_path / "reconcile.yaml"
    path.symlink_to(path)
    assert refusal(path).message == "it is not a regular file"


def refusal(path: Path, *, explicit: bool = False, name: str | None = None) -> Diagnostic:
    with pytest.raises(InvalidInput) as caught:
        read_settings_file(path, explicit=explicit, name=name)
    (finding,) = caught.value.diagnostics
    return finding


def put(folder: Path, text: str, name: str = "reconcile.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def put_sign(folder: Path, sign: str) -> None:
    if sign.endswith("/"):
        (folder / sign).mkdir()
    else:
        (folder / sign).touch()
