"""The signing keys while their file comes, changes, breaks and goes; and nothing of them in any error."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.receiver.signing_secrets import Secrets
from reconciler.core.errors import InvalidInput, ReconcileError, StorageError
from reconciler.core.platform.webhook import SigningKeys
from tests.adapters.deliveries import process, said_by, secret_of

ONE, TWO, THREE = (letter * 32 for letter in (b"a", b"b", b"c"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


def write(file: Path, *keys: bytes) -> None:
    """As an editor does: a new file in the old one's place."""
    new = file.with_name("new")
    new.write_text("".join(f"{secret_of(key)}\n" for key in keys))
    new.replace(file)


def test_from_the_environment_only() -> None:
    secrets = Secrets(f"{secret_of(ONE)} {secret_of(TWO)}")
    assert secrets.keys == SigningKeys([ONE, TWO])
    assert not secrets.refresh()
    assert not Secrets().keys
    with pytest.raises(InvalidInput, match=r"^LINGO_WEBHOOK_SECRET is not a signing secret$"):
        Secrets("whsec_short", "LINGO_WEBHOOK_SECRET")


def test_a_file_that_comes_later_and_is_replaced(file: Path) -> None:
    secrets = Secrets(file=file)
    assert not secrets.keys
    assert not secrets.refresh()
    write(file, ONE)
    assert secrets.refresh()
    assert secrets.keys == SigningKeys([ONE])
    assert not secrets.refresh()
    write(file, TWO, ONE)
    assert secrets.refresh()
    assert secrets.keys == SigningKeys([TWO, ONE])
    write(file, TWO, ONE)
    assert not secrets.refresh()  # the same again
    write(file, TWO)
    assert secrets.refresh()
    assert secrets.keys == SigningKeys([TWO])


def test_environment_and_file_together(file: Path) -> None:
    write(file, TWO, ONE)
    secrets = Secrets(secret_of(ONE), file=file)
    assert secrets.keys == SigningKeys([ONE, TWO])
    write(file)
    assert secrets.refresh()
    assert secrets.keys == SigningKeys([ONE])


def test_a_file_that_vanished_leaves_the_keys(file: Path) -> None:
    write(file, ONE)
    secrets = Secrets(file=file)
    file.unlink()
    assert not secrets.refresh()
    assert secrets.keys == SigningKeys([ONE])
    write(file, ONE)
    assert not secrets.refresh()
    write(file, TWO)
    assert secrets.refresh()


def test_a_change_is_noticed_though_size_and_time_are_the_same(file: Path) -> None:
    file.write_text(secret_of(ONE))
    secrets = Secrets(file=file)
    before = file.stat()
    file.write_text(secret_of(TWO))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert secrets.refresh()
    assert secrets.keys == SigningKeys([TWO])


def as_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def as_part_of_a_file(file: Path) -> None:
    """Its folder is a file now."""
    shutil.rmtree(file.parent)
    file.parent.touch()


BROKEN: list[tuple[Callable[[Path], object], type[ReconcileError]]] = [
    (lambda file: file.write_text(f"{secret_of(TWO)}\nwhsec_c2VjcmV0c2VjcmV0"), InvalidInput),
    (
        lambda file: file.write_bytes(secret_of(TWO).encode() + b"\nwhsec_c2VjcmV0\xff\xfec2VjcmV0"),
        InvalidInput,
    ),
    (lambda file: file.write_bytes(f"whsec_c2VjcmV0c2VjcmV0{secret_of(TWO)}".encode("utf-16")), InvalidInput),
    (lambda file: file.write_text(f"{secret_of(TWO)}\n" * 2000), InvalidInput),
    (as_folder, StorageError),
    (as_part_of_a_file, StorageError),
]


@pytest.mark.parametrize(("ruin", "kind"), BROKEN)
def test_a_file_that_broke_is_told_once_and_leaves_the_keys(
    tmp_path: Path, ruin: Callable[[Path], object], kind: type[ReconcileError]
) -> None:
    file = tmp_path / "folder" / "secrets"
    file.parent.mkdir()
    write(file, ONE)
    secrets = Secrets(file=file)
    ruin(file)
    with pytest.raises(kind) as caught:
        secrets.refresh()
    assert str(file) in caught.value.message
    for _ in range(3):
        assert not secrets.refresh()
    assert secrets.keys == SigningKeys([ONE])
    with pytest.raises(kind):
        Secrets(file=file)

    error: BaseException | None = caught.value
    while error is not None:
        said = f"{error!r} {error} {getattr(error, 'hint', '')} {vars(error)} {error.args}"
        assert "c2VjcmV0" not in said
        assert secret_of(TWO)[6:20] not in said
        error = error.__cause__ or error.__context__

    if not file.parent.is_dir():
        file.parent.unlink()
        file.parent.mkdir()
    if file.is_dir():
        file.rmdir()
    write(file, TWO)
    assert secrets.refresh()
    assert secrets.keys == SigningKeys([TWO])


def test_a_folder_costs_no_descriptors(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(StorageError, match="directory"):
            Secrets(file=tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_pipe_without_a_writer_holds_nobody(file: Path) -> None:
    os.mkfifo(file)
    assert not Secrets(file=file).keys


READING = """
    secrets = Secrets(file=path)
    for _ in range(3):
        print(len(secrets.keys), flush=True)
        sys.stdin.readline()
        try:
            print(secrets.refresh(), flush=True)
        except ReconcileError as error:
            print(type(error).__name__, error.message, flush=True)
    print(len(secrets.keys))
"""


def test_a_file_that_becomes_readable_is_read() -> None:
    """Its time of change stays what it was: only chmod was at it."""
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        file = folder / "secrets"
        running = process(READING, file, user=65534)
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stdout.readline() == "0\n"
        new = folder / "new"
        new.write_text(secret_of(ONE))
        new.chmod(0)
        new.replace(file)
        for answer in (f"StorageError cannot read {file}: Permission denied\n", "False\n"):
            running.stdin.write("look\n")
            running.stdin.flush()
            assert running.stdout.readline() == answer
            assert running.stdout.readline() == "0\n"
        file.chmod(0o444)
        assert said_by(running, "look\n") == "True\n1\n"
    finally:
        shutil.rmtree(folder)
