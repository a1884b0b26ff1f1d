from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from reconciler.adapters.storage.durable_files import replace_file
from reconciler.adapters.storage.journal_store import JournalFile
from reconciler.adapters.storage.lockfile_store import LockfileFile
from reconciler.core.engine.spec import Spec
from reconciler.core.errors import JournalError, LockfileError, StorageError
from reconciler.core.ledger import journal as journal_format
from reconciler.core.ledger.seal import seal_for
from reconciler.core.ledger.sealed import Unverified, sealed, to_keep
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.model import EMPTY
from tests.core.build import accepted, begin, current, entry, lockfile

ACME = Spec("Acme")
ONE = lockfile({"acme": entry(current("a", ACME))})
TWO = lockfile({"acme": entry(current("b", ACME)), "blog": entry(current("c", Spec("Blog")))})


@pytest.fixture
def lock(tmp_path: Path) -> LockfileFile:
    return LockfileFile(tmp_path, "engines.lock.json")


@pytest.fixture
def journal(tmp_path: Path) -> JournalFile:
    return JournalFile(tmp_path / "private/journal.jsonl")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ── the lockfile ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_written_is_read_and_nothing_else_is_left(lock: LockfileFile, tmp_path: Path) -> None:
    assert lock.read() == (EMPTY, b"")
    for content in (ONE, TWO, ONE):
        lock.write(content)
        assert lock.read() == (content, lockfile_format.render(content))
    assert names(tmp_path) == ["engines.lock.json"]


def test_checking_leaves_nothing_behind_and_makes_no_lockfile(lock: LockfileFile, tmp_path: Path) -> None:
    lock.check_writable()
    assert names(tmp_path) == []


def test_the_mode_is_kept(lock: LockfileFile, tmp_path: Path) -> None:
    lock.write(ONE)
    file = tmp_path / "engines.lock.json"
    for mode in (0o600, 0o664, 0o444):
        file.chmod(mode)
        lock.write(TWO)
        assert stat.S_IMODE(file.stat().st_mode) == mode


def test_a_new_lockfile_has_the_mode_that_the_user_wants(lock: LockfileFile, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        lock.write(ONE)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "engines.lock.json").stat().st_mode) == 0o640


def test_a_link_stays_a_link_and_its_target_is_replaced(lock: LockfileFile, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere/real.json", tmp_path / "engines.lock.json"
    link.symlink_to("elsewhere/real.json")
    assert lock.read() == (EMPTY, b"")
    lock.check_writable()
    for content in (ONE, TWO):
        lock.write(content)
        assert link.is_symlink()
        assert target.read_bytes() == lockfile_format.render(content)
    assert names(target.parent) == ["real.json"]
    assert names(tmp_path) == ["elsewhere", "engines.lock.json"]


def test_a_link_to_itself_is_one_clear_error(lock: LockfileFile, tmp_path: Path) -> None:
    (tmp_path / "engines.lock.json").symlink_to("engines.lock.json")
    with pytest.raises(StorageError, match=r"cannot read engines\.lock\.json"):
        lock.read()


def test_a_folder_in_the_way_is_one_clear_error(lock: LockfileFile, tmp_path: Path) -> None:
    (tmp_path / "engines.lock.json").mkdir()
    with pytest.raises(StorageError, match=r"engines\.lock\.json is not a regular file"):
        lock.read()
    with pytest.raises(StorageError, match=r"engines\.lock\.json is a folder") as caught:
        lock.check_writable()
    assert caught.value.hint
    with pytest.raises(StorageError):
        lock.write(ONE)
    assert names(tmp_path) == ["engines.lock.json"]


def test_a_pipe_in_the_way_does_not_block(lock: LockfileFile, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "engines.lock.json")
    with pytest.raises(StorageError, match="is not a regular file"):
        lock.read()


def test_a_device_in_the_way_is_not_read(lock: LockfileFile, tmp_path: Path) -> None:
    (tmp_path / "engines.lock.json").symlink_to("/dev/zero")
    with pytest.raises(StorageError, match="is not a regular file"):
        lock.read()


def test_a_file_where_the_folder_should_be_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    lock = LockfileFile(tmp_path, "state/engines.lock.json")
    for work in (lock.read, lock.check_writable, lambda: lock.write(ONE)):
        with pytest.raises(StorageError, match=r"state/engines\.lock\.json"):
            work()


def test_a_folder_that_is_not_there_is_known_before_anything_is_done(tmp_path: Path) -> None:
    lock = LockfileFile(tmp_path, "state/engines.lock.json")
    assert lock.read() == (EMPTY, b"")
    with pytest.raises(StorageError):
        lock.check_writable()


@pytest.mark.parametrize("content", [b"", b"\n", b"  \n\n"])
def test_an_empty_file_is_not_an_empty_lockfile(lock: LockfileFile, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "engines.lock.json").write_bytes(content)
    with pytest.raises(LockfileError, match="is empty") as caught:
        lock.read()
    assert "git checkout" in (caught.value.hint or "")


def test_reading_leaves_no_file_open(lock: LockfileFile, tmp_path: Path) -> None:
    (tmp_path / "engines.lock.json").mkdir()
    before = len(os.listdir("/dev/fd"))
    for _ in range(20):
        with pytest.raises(StorageError):
            lock.read()
    assert len(os.listdir("/dev/fd")) == before


# ── the journal ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_journal_is_made_with_its_folders_and_is_private(journal: JournalFile, tmp_path: Path) -> None:
    assert journal.read() == ((), b"")
    journal.append([begin("a", ACME, 1)])
    journal.append([accepted("a", 2)])
    records, content = journal.read()
    assert records == (begin("a", ACME, 1), accepted("a", 2))
    file = tmp_path / "private/journal.jsonl"
    assert file.read_bytes() == content
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_compacting_forgets_everything_and_may_be_done_twice(journal: JournalFile, tmp_path: Path) -> None:
    journal.compact(published=True)
    journal.append([begin("a", ACME, 1)])
    journal.compact(published=True)
    journal.compact(published=True)
    assert journal.read() == ((), b"")
    assert names(tmp_path / "private") == []


def test_a_torn_tail_does_not_count_and_is_cut_off_by_the_next_append(
    journal: JournalFile, tmp_path: Path
) -> None:
    journal.append([begin("a", ACME, 1)])
    file = tmp_path / "private/journal.jsonl"
    whole = file.read_bytes()
    torn = journal_format.render([accepted("a", 2)])
    for length in range(0, len(torn), 9):
        file.write_bytes(whole + torn[:length])
        assert journal.read() == ((begin("a", ACME, 1),), whole)
        journal.append([accepted("b", 3)])
        assert file.read_bytes() == whole + journal_format.render([accepted("b", 3)])


def test_a_torn_tail_longer_than_one_look_is_cut_off(journal: JournalFile, tmp_path: Path) -> None:
    journal.append([begin("a", ACME, 1)])
    file = tmp_path / "private/journal.jsonl"
    for before in (file.read_bytes(), b""):
        file.write_bytes(before + b"x" * 200_000)
        journal.append([accepted("a", 2)])
        assert file.read_bytes() == before + journal_format.render([accepted("a", 2)])


def test_an_unreadable_line_is_an_error_and_an_append_does_not_touch_it(
    journal: JournalFile, tmp_path: Path
) -> None:
    journal.append([begin("a", ACME, 1)])
    file = tmp_path / "private/journal.jsonl"
    file.write_bytes(b"garbage\n" + file.read_bytes())
    before = file.read_bytes()
    with pytest.raises(JournalError, match="line 1"):
        journal.read()
    journal.append([accepted("a", 2)])
    assert file.read_bytes().startswith(before)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: os.mkfifo(path)])
def test_a_folder_or_pipe_in_the_journals_place_is_an_error_and_does_not_block(
    journal: JournalFile, tmp_path: Path, make: object
) -> None:
    (tmp_path / "private").mkdir()
    make(tmp_path / "private/journal.jsonl")  # type: ignore[operator]
    with pytest.raises(StorageError, match="is not a regular file"):
        journal.read()
    with pytest.raises(StorageError):
        journal.append([begin("a", Spec("A" * 100_000), 1)])


def test_a_file_in_the_place_of_the_journals_folder_is_an_error(journal: JournalFile, tmp_path: Path) -> None:
    (tmp_path / "private").write_text("")
    for work in (
        journal.read,
        lambda: journal.compact(published=True),
        lambda: journal.append([begin("a", ACME, 1)]),
    ):
        with pytest.raises(StorageError):
            work()


def test_only_a_regular_file_is_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for target in (pipe, tmp_path):
        with pytest.raises(StorageError, match="not a regular file"):
            replace_file(target, b"x", "out")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_of_what_was_fetched_only_what_verified_counts_and_the_rest_once_there_is_a_key(
    tmp_path: Path,
) -> None:
    fetched, seal = tmp_path / "fetched.jsonl", seal_for("key", "/x", "ledger")
    mine, others = begin("x", Spec("Acme"), 1), begin("y", Spec("Blog"), 2, "blog")
    fetched.write_bytes(to_keep([mine], Unverified(sealed([others], seal))))
    without = JournalFile(tmp_path / "none.jsonl", fetched)
    assert without.read()[0] == (mine,)
    told = without.unverified()
    assert told is not None
    assert (told.has_key, [one.record for one in told.records]) == (False, [others])
    by_key = JournalFile(tmp_path / "none.jsonl", fetched, seal=lambda: seal)
    assert (by_key.read()[0], by_key.unverified()) == ((mine, others), None)
    assert JournalFile(tmp_path / "none.jsonl").unverified() is None
