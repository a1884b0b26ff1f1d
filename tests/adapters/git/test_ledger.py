from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.git.ledger import GitLedger
from reconciler.adapters.system import trail
from reconciler.core.errors import GitError, JournalError, LockfileError, PushRefused, RefMoved
from reconciler.core.ledger.journal import Record
from reconciler.core.ledger.lease import FREE, Holder, Lease, give_back, take
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.lockfile.entry import Entry, Pending, Provisioned
from reconciler.core.lockfile.model import EMPTY, Lockfile, render
from tests.adapters.git_far_end import (
    LEDGER,
    PROTECTED,
    clone,
    hook,
    ledger_of,
    move_branch,
    tip,
)
from tests.app.git_repo import commit_all, git
from tests.core.build import A, B, accepted, begin, current, entry, refused, uncertain

HELD = take(
    FREE,
    Holder("build-7", 4711, "https://github.com/acme/x/actions/runs/1"),
    "t",
    "2026-11-24T11:00:00.000Z",
    300,
)
FACTS: tuple[Record, ...] = (begin("x", A, 1), accepted("x", 2))


@pytest.fixture
def ledger(origin: Path) -> GitLedger:
    return ledger_of(clone(origin))


def made(**entries: Entry) -> Lockfile:
    return EMPTY.with_entries(entries)


def test_a_remote_without_a_ledger_is_free(origin: Path, ledger: GitLedger) -> None:
    assert ledger.look() == RemoteSnapshot(branch_tip=tip(origin, "main"), branch="main", base=EMPTY)


def test_what_one_records_the_other_sees(origin: Path, ledger: GitLedger) -> None:
    mine = ledger.record(ledger.look(), FACTS, HELD)
    assert mine == ledger_of(clone(origin, "other")).look() == ledger.look()
    assert (mine.records, mine.lease) == (FACTS, HELD)
    assert git(origin, "ls-tree", "--name-only", LEDGER).split() == ["journal.jsonl", "lease.json"]
    assert git(origin, "log", "-1", "--format=%s", LEDGER) == "begin acme; accepted eng_x"


def test_only_one_gets_the_lease(origin: Path, ledger: GitLedger) -> None:
    other = ledger_of(clone(origin, "other"))
    seen = other.look()
    ledger.record(ledger.look(), (), HELD)
    with pytest.raises(RefMoved):
        other.record(seen, (), take(FREE, Holder("other", 1), "u", "2026-11-24T11:00:00.000Z", 300))
    assert other.look().lease == HELD


def test_publishing_is_one_step(origin: Path, ledger: GitLedger) -> None:
    ledger.run_url, ledger.skip_ci = "https://ci.example/runs/7", True
    before = tip(origin, "main")
    seen = ledger.record(ledger.look(), FACTS, HELD)
    lockfile = made(acme=entry(current("x", A)))
    published = ledger.publish(seen, lockfile, FACTS, give_back(HELD))
    again, fresh = ledger.look(), ledger_of(clone(origin, "other")).look()
    assert replace(again, moved_on={}) == published
    assert again.moved_on.keys() == {"engines.lock.json"}
    assert replace(fresh, base=published.base) == published
    assert fresh.base == lockfile
    assert published.records == ()
    assert published.lease == Lease(1)
    assert published.lockfile == lockfile
    assert git(origin, "diff", "--name-only", before, "main") == "engines.lock.json"
    message = git(origin, "log", "-1", "--format=%B", "main")
    assert message == "Record acme\n\n- acme: eng_x\n\nRun: https://ci.example/runs/7\n[skip ci]"


def test_a_lockfile_that_is_there_already_makes_no_commit(origin: Path, ledger: GitLedger) -> None:
    lockfile = made(acme=entry(current("x", A)))
    seen = ledger.publish(ledger.look(), lockfile, FACTS, FREE)
    before = tip(origin, "main")
    seen = ledger.record(seen, FACTS, HELD)
    assert ledger.publish(seen, lockfile, FACTS, give_back(HELD)).branch_tip == before == tip(origin, "main")
    assert ledger.look().records == ()


def test_a_branch_that_moved_stops_both(origin: Path, ledger: GitLedger) -> None:
    seen = ledger.record(ledger.look(), FACTS, HELD)
    moved = move_branch(origin)
    with pytest.raises(RefMoved):
        ledger.publish(seen, made(acme=entry(current("x", A))), FACTS, give_back(HELD))
    assert tip(origin, "main") == moved
    assert ledger.look().records == FACTS


def test_a_protected_branch_stops_both_and_the_ledger_is_still_open(origin: Path, ledger: GitLedger) -> None:
    hook(origin, "update", PROTECTED)
    seen = ledger.record(ledger.look(), FACTS, HELD)
    with pytest.raises(PushRefused, match="main is protected"):
        ledger.publish(seen, made(acme=entry(current("x", A))), FACTS, give_back(HELD))
    assert ledger.record(seen, FACTS, give_back(HELD)).records == FACTS


DEPTHS = pytest.mark.parametrize("depth", [[], ["--depth=1"]])


def set_back(origin: Path, commit: str) -> None:
    git(origin, "update-ref", "refs/heads/main", commit)


@DEPTHS
def test_what_was_published_outlives_a_branch_that_was_set_back(
    origin: Path, ledger: GitLedger, depth: list[str]
) -> None:
    """By a force-push, or by a remote that died between the two refs of one push."""
    before = tip(origin, "main")
    first = made(acme=entry(current("x", A)))
    seen = ledger.publish(ledger.look(), first, FACTS, FREE)
    both = first.with_entry("blog", entry(None, uncertain("y", B)))
    seen = ledger.publish(ledger.look(), both, FACTS, FREE)
    ledger.record(seen, (), HELD)
    notices: list[str] = []
    other = ledger_of(clone(origin, "other", *depth))
    other.notice = notices.append
    for moved in (lambda: None, lambda: move_branch(origin)):
        set_back(origin, before)
        moved()
        found = other.look()
        assert (found.lockfile, found.recorded) == (EMPTY, both)
    assert "`main` lost engines that were recorded there" in notices[0]
    done = other.publish(found, found.recorded, (), FREE)
    assert other.look().restored is None
    assert done.lockfile == both


@DEPTHS
def test_a_branch_that_has_an_older_state_lacks_what_came_after(
    origin: Path, ledger: GitLedger, depth: list[str]
) -> None:
    """The commit before last, or a revert of the last one: engines, resolutions and retirements come back alike."""
    first = made(acme=entry(current("x", A)))
    ledger.publish(ledger.look(), first, FACTS, FREE)
    older = tip(origin, "main")
    second = made(acme=entry(current("x", A), uncertain("y", B)))
    ledger.publish(ledger.look(), second, FACTS, FREE)
    set_back(origin, older)
    assert ledger_of(clone(origin, "other", *depth)).look().recorded == second


@DEPTHS
def test_entries_that_were_cut_out_by_hand_come_back(
    origin: Path, ledger: GitLedger, depth: list[str]
) -> None:
    lockfile = made(acme=entry(current("x", A)), blog=entry(current("y", B)))
    ledger.publish(ledger.look(), lockfile, FACTS, FREE)
    edit_lockfile(origin, made(acme=entry(current("x", A)), shop=entry(current("z", B))))
    found = ledger_of(clone(origin, "other", *depth)).look()
    assert found.recorded.engines.keys() == {"acme", "blog", "shop"}


@DEPTHS
def test_what_was_published_before_is_told_newest_first(
    origin: Path, ledger: GitLedger, depth: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = [made(acme=entry(current(str(number), A))) for number in range(4)]
    assert ledger.former(ledger.look()) == []
    for version in versions:
        ledger.publish(ledger.look(), version, FACTS, FREE)
    other = ledger_of(clone(origin, "other", *depth))
    assert other.former(other.look()) == versions[::-1]
    by_hand = made(acme=entry(current("9", A)))
    edit_lockfile(origin, by_hand)
    assert other.former(other.look()) == [*versions[::-1], by_hand]
    monkeypatch.setattr("reconciler.adapters.git.ledger_log.FORMER_BYTES", 2 * len(render(versions[0])))
    assert other.former(other.look()) == versions[:1:-1]


@pytest.mark.parametrize("answered", [current("y", B), refused("y", B)])
def test_what_the_branch_resolved_since_does_not_come_back(
    origin: Path, ledger: GitLedger, answered: Provisioned | Pending
) -> None:
    lockfile = made(acme=entry(None, uncertain("y", B)))
    ledger.publish(ledger.look(), lockfile, FACTS, FREE)
    now = entry(answered) if isinstance(answered, Provisioned) else entry(None, answered)
    edit_lockfile(origin, made(acme=now))
    found = ledger.look()
    assert found.restored is None
    assert found.recorded == made(acme=now)


def test_a_call_that_is_simply_gone_is_asked_about_again(origin: Path, ledger: GitLedger) -> None:
    """By hand, by `git revert`, or by a resolution that the ledger knows nothing of: nothing tells these apart."""
    lockfile = made(acme=entry(current("x", A), uncertain("y", B)))
    ledger.publish(ledger.look(), lockfile, FACTS, FREE)
    edit_lockfile(origin, made(acme=entry(current("x", A))))
    assert ledger.look().recorded == lockfile


@DEPTHS
def test_a_call_that_a_revert_dropped_comes_back_though_commits_came_on_top(
    origin: Path, ledger: GitLedger, depth: list[str]
) -> None:
    ledger.publish(ledger.look(), made(acme=entry(None, uncertain("y", B))), FACTS, FREE)
    seed = origin.parent / "seed"
    git(seed, "pull", "--quiet", "origin", "main")
    (seed / "engines.lock.json").unlink()
    commit_all(seed)
    git(seed, "push", "--quiet", "origin", "main")
    edit_lockfile(origin, made(blog=entry(current("z", A))))
    found = ledger_of(clone(origin, "other", *depth)).look()
    assert found.recorded == made(acme=entry(None, uncertain("y", B)), blog=entry(current("z", A)))


def edit_lockfile(origin: Path, lockfile: Lockfile) -> None:
    """Somebody's commit on top of the branch."""
    seed = origin.parent / "seed"
    git(seed, "pull", "--quiet", "origin", "main")
    (seed / "engines.lock.json").write_bytes(render(lockfile))
    commit_all(seed)
    git(seed, "push", "--quiet", "origin", "main")


@DEPTHS
def test_the_log_says_what_became_of_an_operation(origin: Path, ledger: GitLedger, depth: list[str]) -> None:
    seen = ledger.record(ledger.look(), (begin("x", A, 1), begin("y", B, 1, "blog")), HELD)
    assert ledger.logged(RemoteSnapshot(), ["op_x"]) == ()
    ledger.publish(seen, made(acme=entry(current("x", A))), FACTS, FREE)
    other = ledger_of(clone(origin, "other", *depth))
    logged = other.logged(other.look(), ["op_x", "op_y", "op_z", "--all"])
    assert [(one.type, one.operation) for one in logged] == [
        ("begin", "op_x"),
        ("begin", "op_y"),
        ("accepted", "op_x"),
    ]


@DEPTHS
def test_what_the_branch_changed_since_the_checkout_is_told(
    origin: Path, ledger: GitLedger, depth: list[str]
) -> None:
    other = clone(origin, "other", *depth)
    edit_lockfile(origin, made(acme=entry(current("x", A))))
    move_branch(origin)
    found = ledger_of(other).look()
    assert found.base == EMPTY
    assert "engines.lock.json" in found.moved_on
    assert all(blob is None or len(blob) == 40 for blob in found.moved_on.values())
    git(other, "pull", "--quiet")
    again = ledger_of(other).look()
    assert (again.moved_on, again.base) == ({}, again.lockfile)


def test_the_log_of_the_ledger_has_every_fact(origin: Path, ledger: GitLedger) -> None:
    seen = ledger.record(ledger.look(), FACTS[:1], HELD)
    ledger.publish(seen, made(acme=entry(current("x", A))), FACTS, give_back(HELD))
    found = ledger.look()
    assert found.ledger_tip is not None
    log = ledger.commits(found.ledger_tip, 100)
    assert [records for _, records, _ in log] == [FACTS[:1], FACTS, ()]
    assert [commit.author for commit, _, _ in log] == ["CI Bot <ci@example.com>"] * 3


def test_projects_and_paths_with_blanks_and_umlauts(origin: Path) -> None:
    ledger = ledger_of(
        clone(origin), path="a folder/ümläut.lock.json", ref="refs/reconcile/production+a%20folder"
    )
    lockfile = made(acme=entry(None, uncertain("x", B)))
    ledger.publish(ledger.look(), lockfile, (), FREE)
    assert ledger.look().lockfile == lockfile
    assert json.loads(git(origin, "show", "main:a folder/ümläut.lock.json"))["version"] == 1


def test_a_remote_without_the_branch_says_so(origin: Path) -> None:
    with pytest.raises(GitError, match="has no branch `release`") as caught:
        ledger_of(clone(origin), branch="release").look()
    assert caught.value.hint


# ── what cannot be read ────────────────────────────────────────────────────────────────────────────────────────────


def put(origin: Path, ref: str, **files: str) -> None:
    """Somebody puts other contents there."""
    seed = origin.parent / "seed"
    git(seed, "checkout", "--quiet", "--detach", "origin/main")
    for name, content in files.items():
        (seed / name.replace("_", ".")).write_text(content)
    commit_all(seed)
    git(seed, "push", "--quiet", "--force", "origin", f"HEAD:{ref}")


@pytest.mark.parametrize(
    ("files", "error", "words"),
    [
        ({"journal_jsonl": "junk\n"}, JournalError, "cannot be read (line 1: not valid JSON"),
        ({"journal_jsonl": '{"v":9,"type":"begin"}\n'}, JournalError, "version 9"),
        ({"lease_json": "{"}, JournalError, "the lease on the remote cannot be read"),
        ({"lease_json": '{"version": 9, "fencing": 1}'}, JournalError, "the lease has version 9"),
    ],
)
def test_a_ledger_that_cannot_be_read_is_an_error(
    origin: Path, ledger: GitLedger, files: dict[str, str], error: type[Exception], words: str
) -> None:
    put(origin, LEDGER, **files)
    with pytest.raises(error) as caught:
        ledger.look()
    assert words in str(caught.value)


@pytest.mark.parametrize("content", ["<<<<<<< ours\n", '{"version": 2}', "[]"])
def test_a_lockfile_that_cannot_be_read_is_an_error(origin: Path, ledger: GitLedger, content: str) -> None:
    put(origin, "refs/heads/main", engines_lock_json=content)
    with pytest.raises(LockfileError, match="main:engines") as caught:
        ledger.look()
    assert caught.value.hint


def test_a_torn_last_line_is_a_write_that_never_was(origin: Path, ledger: GitLedger) -> None:
    ledger.record(ledger.look(), FACTS, HELD)
    whole = git(origin, "show", f"{LEDGER}:journal.jsonl")
    put(origin, LEDGER, journal_jsonl=whole + '\n{"v":1,"ty')
    assert ledger.look().records == FACTS


def test_a_lockfile_that_is_checked_out_is_not_read_from_git(
    ledger: GitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.publish(ledger.look(), made(acme=entry(current("x", A))), (), FREE)
    before = ledger.look()
    file, asked = ledger.remote.root / ledger.path, list[str]()
    monkeypatch.setattr(trail, "_listeners", [lambda _level, text: asked.append(text)])

    def read() -> int:
        asked.clear()
        assert ledger.look() == before
        return sum("cat-file --batch:" in text for text in asked)

    file.write_bytes(before.content)
    as_it_is = read()
    for content in (before.content + b" ", before.content.replace(b"\n", b"\r\n"), b""):
        file.write_bytes(content)
        assert read() == as_it_is + 1
    file.unlink()
    assert read() == as_it_is + 1
