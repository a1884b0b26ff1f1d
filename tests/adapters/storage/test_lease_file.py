from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.adapters.storage.lease_file import FileLease
from reconciler.core.errors import ExitCode, LeaseHeld, StorageError

HOLDING = """
import sys
from pathlib import Path
from reconciler.adapters.storage.lease_file import FileLease
with FileLease(Path(sys.argv[1])).hold():
    print("held", flush=True)
    sys.stdin.read()
print("given back", flush=True)
"""


@contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lease until its input ends."""
    command = [sys.executable, "-c", HOLDING, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def take(folder: Path) -> None:
    with FileLease(folder).hold():
        pass


def test_a_second_process_is_kept_out_and_told_who_holds_it(tmp_path: Path) -> None:
    folder = tmp_path / "private"
    with holder(folder) as process:
        with pytest.raises(LeaseHeld) as caught:
            take(folder)
        assert f"process {process.pid} on {socket.gethostname()}, since 2" in caught.value.message
        assert caught.value.exit_code == ExitCode.LEASE
        assert caught.value.retryable
        assert caught.value.hint
        out, _ = process.communicate("")
        assert out == "given back\n"
    take(folder)


def test_a_killed_holder_frees_it(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        take(tmp_path)


def test_a_child_that_outlives_the_holder_does_not_keep_it(tmp_path: Path) -> None:
    """Git, say, or whatever git starts in the background."""
    with FileLease(tmp_path).hold():
        child = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
        )
    try:
        with holder(tmp_path):
            assert child.poll() is None
    finally:
        child.communicate(b"")


def test_projects_do_not_keep_each_other_out(tmp_path: Path) -> None:
    with FileLease(tmp_path / "a").hold(), FileLease(tmp_path / "b").hold(), pytest.raises(LeaseHeld):
        take(tmp_path / "a")


def test_a_run_that_fails_gives_it_back(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), FileLease(tmp_path).hold():
        raise ZeroDivisionError
    take(tmp_path)


@pytest.mark.parametrize("note", ["", "{", "[]", "null", '{"pid": 1}', "\x00"])
def test_an_unreadable_note_does_not_matter(tmp_path: Path, note: str) -> None:
    with holder(tmp_path):
        (tmp_path / "lease.json").write_text(note)
        with pytest.raises(LeaseHeld, match="details unreadable"):
            take(tmp_path)


def test_the_note_of_a_dead_holder_keeps_nobody_out(tmp_path: Path) -> None:
    (tmp_path / "lease.json").write_text('{"pid": 1, "host": "x", "since": "y"}')
    (tmp_path / "lease.lock").write_text("")
    take(tmp_path)
    assert f'"pid": {os.getpid()}' in (tmp_path / "lease.json").read_text()


def test_a_file_in_the_folders_place_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "private").write_text("")
    with pytest.raises(StorageError, match="cannot take the lease"):
        take(tmp_path / "private")
    with pytest.raises(StorageError, match="cannot take the lease"):
        take(tmp_path / "private/deeper")


@pytest.mark.parametrize("name", ["lease.lock", "lease.json"])
def test_a_folder_in_a_files_place_is_one_clear_error_and_keeps_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(StorageError):
        take(tmp_path)
    (tmp_path / name).rmdir()
    take(tmp_path)


def test_an_unwritable_folder_is_one_clear_error() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        os.seteuid(65534)
        try:
            with pytest.raises(StorageError, match="Permission denied"):
                take(Path(name))
            with pytest.raises(StorageError, match="Permission denied"):
                take(Path(name) / "deeper")
        finally:
            os.seteuid(0)
