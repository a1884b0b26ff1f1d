"""The two files when the process dies in the middle, and when the disk refuses."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.storage.journal_store import JournalFile
from reconciler.adapters.storage.lockfile_store import LockfileFile
from reconciler.core.engine.spec import Spec
from reconciler.core.errors import StorageError
from reconciler.core.ledger.journal import Begin, Record
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.model import Lockfile
from tests.core.build import accepted, begin, current, entry, lockfile

ACME = Spec("Acme")
ONE = lockfile({"acme": entry(current("a", ACME))})
TWO = lockfile({"acme": entry(current("b", ACME)), "blog": entry(current("c", Spec("Blog")))})
ROUNDS = 8  # processes that are killed, in each of two tests


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ── a process that dies ────────────────────────────────────────────────────────────────────────────────────────────

REPLACING = """
import sys
from pathlib import Path
from reconciler.adapters.storage.durable_files import replace_file
contents = [Path(name).read_bytes() for name in sys.argv[2:]]
file = Path(sys.argv[1])
replace_file(file, contents[0], "lockfile")
print("going", flush=True)
while True:
    for content in contents:
        replace_file(file, content, "lockfile")
"""

APPENDING = """
import sys
from pathlib import Path
from reconciler.adapters.storage.journal_store import JournalFile
from reconciler.core.ledger.journal import UncertainOutcome
file = JournalFile(Path(sys.argv[1]))
number = int(sys.argv[2])
while True:
    at = "2026-11-24T11:00:00.000Z"
    file.append([UncertainOutcome(f"op_{number}_{part}", "j" * 4000, at) for part in range(8)])
    print(number, flush=True)
    number += 1
"""


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True)


def kill_soon(process: subprocess.Popen[str], chance: random.Random) -> str:
    """Kill it at any point of its work, which it has begun; what it still said."""
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(chance.random() * 0.03)
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    return first + rest


def test_while_it_is_replaced_and_after_a_kill_the_lockfile_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    """Looked at all the time, which finds a moment of half a file far surer than any kill would."""
    contents = [lockfile_format.render(_large(lock)) for lock in (ONE, TWO)]
    sources = [tmp_path / "one", tmp_path / "two"]
    for source, content in zip(sources, contents, strict=True):
        source.write_bytes(content)
    project = tmp_path / "project"
    project.mkdir()
    file, chance, seen = project / "engines.lock.json", random.Random(4), set[int]()
    for _ in range(ROUNDS):
        process = start(REPLACING, str(file), *map(str, sources))
        assert process.stdout is not None
        process.stdout.readline()
        until = time.monotonic() + 0.1 + chance.random() * 0.03
        while time.monotonic() < until:
            seen.add(contents.index(file.read_bytes()))
        process.kill()
        process.communicate()
        assert LockfileFile(project, file.name).read()[1] in contents
    assert seen == {0, 1}


def _large(lock: Lockfile) -> Lockfile:
    return lock.with_entries({f"engine{n}": entry(current(str(n), ACME)) for n in range(1000)})


def test_killed_while_appending_the_journal_has_all_that_was_acknowledged(tmp_path: Path) -> None:
    file, chance, number, acknowledged = tmp_path / "journal.jsonl", random.Random(5), 0, set[int]()
    for _ in range(ROUNDS):
        said = kill_soon(start(APPENDING, str(file), str(number)), chance)
        acknowledged |= {int(line) for line in said.splitlines()}
        records, _ = JournalFile(file).read()
        there = {record.operation for record in records}
        assert {f"op_{n}_{part}" for n in acknowledged for part in range(8)} <= there
        number = max(acknowledged) + 2
    assert len(acknowledged) >= ROUNDS


def test_everything_is_on_the_disk_before_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process does not lose what it wrote, a machine without power does: only fsync, in this order, helps."""
    done: list[str] = []
    fsync, swap, unlink = os.fsync, os.replace, Path.unlink

    def noted_fsync(descriptor: int) -> None:
        fsync(descriptor)
        done.append(f"fsync {os.path.basename(os.readlink(f'/proc/self/fd/{descriptor}')).split('.')[-1]}")

    def noted_replace(source: Path, target: Path) -> None:
        swap(source, target)
        done.append(f"{source.suffix} becomes {target.suffix}")

    def noted_unlink(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok)
        done.append(f"unlink {path.suffix}")

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    monkeypatch.setattr(Path, "unlink", noted_unlink)
    folder = tmp_path / "folder"
    folder.mkdir()
    LockfileFile(folder, "engines.lock.json").write(ONE)
    assert done == ["fsync tmp", ".tmp becomes .json", "fsync folder"]
    done.clear()
    journal = JournalFile(folder / "journal.jsonl")
    journal.append([begin("a", ACME, 1)])
    assert done == ["fsync jsonl", "fsync folder"]
    done.clear()
    journal.append([accepted("a", 2), accepted("b", 3)])
    assert done == ["fsync jsonl"]
    done.clear()
    journal.compact(published=True)
    assert done == ["unlink .jsonl", "fsync folder"]


# ── a disk that refuses ────────────────────────────────────────────────────────────────────────────────────────────

LIMITED = """
import resource, sys
from pathlib import Path
from reconciler.adapters.storage.journal_store import JournalFile
from reconciler.adapters.storage.lockfile_store import LockfileFile
from reconciler.core.lockfile import model as lockfile
from reconciler.core.errors import StorageError
from reconciler.core.ledger.journal import UncertainOutcome
root, limit = Path(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
journal, lock = JournalFile(root / "journal.jsonl"), LockfileFile(root, "engines.lock.json")
def record(name, size):
    return UncertainOutcome(name, "j" * size, "2026-11-24T11:00:00.000Z")
journal.append([record("fits", 10)])
for work in (
    lambda: journal.append([record("first", 10), *(record(f"large{part}", 9_000) for part in range(3))]),
    lambda: lock.write(lockfile.Lockfile({"x": {"jobId": "j" * limit}})),
):
    try:
        work()
    except StorageError as error:
        print(error.message)
journal.append([record("later", 10)])
"""


def test_a_write_that_is_cut_off_in_the_middle_counts_for_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: part of the bytes is written, then an error comes."""
    lock = LockfileFile(tmp_path, "engines.lock.json")
    lock.write(ONE)
    command = [sys.executable, "-c", LIMITED, str(tmp_path), "20000"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.count("File too large") == 2
    records, content = JournalFile(tmp_path / "journal.jsonl").read()
    assert [record.operation for record in records] == ["fits", "later"]
    assert (tmp_path / "journal.jsonl").read_bytes() == content
    assert lock.read()[0] == ONE
    assert names(tmp_path) == ["engines.lock.json", "journal.jsonl"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def append_until_refused(journal: JournalFile, kept: list[Record]) -> None:
    for number in range(10_000):
        record = begin(str(number), Spec("Acme", "A" * 700), number % 60)
        journal.append([record])
        kept.append(record)


def test_on_a_full_disk_nothing_is_lost_and_later_appends_work(small_disk: Path) -> None:
    journal, lock = (
        JournalFile(small_disk / "private/journal.jsonl"),
        LockfileFile(small_disk, "engines.lock.json"),
    )
    lock.write(ONE)
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 40_000)
    kept: list[Record] = []
    with pytest.raises(StorageError, match="No space left on device") as caught:
        append_until_refused(journal, kept)
    assert "free some disk space" in (caught.value.hint or "")
    assert kept
    assert journal.read()[0] == tuple(kept)
    with pytest.raises(StorageError, match="No space left on device"):
        lock.write(_large(ONE))
    assert lock.read()[0] == ONE
    filler.unlink()
    journal.append([accepted("0", 2)])
    assert journal.read()[0] == (*kept, accepted("0", 2))
    lock.write(TWO)
    journal.compact(published=True)
    assert names(small_disk) == ["engines.lock.json", "private"]


def test_on_a_read_only_disk_every_write_says_so_and_reading_goes_on(small_disk: Path) -> None:
    journal, lock = (
        JournalFile(small_disk / "private/journal.jsonl"),
        LockfileFile(small_disk, "engines.lock.json"),
    )
    lock.write(ONE)
    journal.append([begin("a", ACME, 1)])
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    attempts = (
        lock.check_writable,
        lambda: lock.write(TWO),
        lambda: journal.append([accepted("a", 2)]),
        lambda: journal.compact(published=True),
    )
    for attempt in attempts:
        with pytest.raises(StorageError, match="Read-only file system") as caught:
            attempt()
        assert caught.value.hint == "make the file system writable; it is mounted read-only"
    assert lock.read()[0] == ONE
    assert [type(record) for record in journal.read()[0]] == [Begin]


@pytest.fixture
def somebody_elses() -> Iterator[Path]:
    """A folder that everybody may look into, while we are somebody who may not write there."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "engines.lock.json").write_bytes(b"old")
        (folder / "engines.lock.json").chmod(0o600)
        os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(0)


def test_without_permission_the_error_says_what_to_check(somebody_elses: Path) -> None:
    lock = LockfileFile(somebody_elses, "engines.lock.json")
    journal = JournalFile(somebody_elses / "private/journal.jsonl")
    attempts = (
        lock.read,
        lock.check_writable,
        lambda: lock.write(ONE),
        lambda: journal.append([accepted("a", 2)]),
    )
    for attempt in attempts:
        with pytest.raises(StorageError, match="Permission denied") as caught:
            attempt()
        assert "permissions" in (caught.value.hint or "")
    assert names(somebody_elses) == ["engines.lock.json"]
