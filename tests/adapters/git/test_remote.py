"""A git remote as the ledger uses it: what is pushed, compared, and found in every kind of repo."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.git.command import forget_configuration
from reconciler.adapters.git.drafts import BIG, Draft, Identity
from reconciler.adapters.git.remote import GitRemote, Update
from reconciler.core.errors import PushRefused, RefMoved
from tests.adapters.git_far_end import (
    LEDGER,
    PROTECTED,
    clone,
    hook,
    looks,
    move_branch,
    new_origin,
    odd_refs,
    remote_of,
    tip,
)
from tests.app.git_repo import commit_all, git, new_repo

MAIN = "refs/heads/main"
TOKEN = "ghs_do_not_tell_4711"
KEY = "key-4711-do-not-tell"


@pytest.fixture
def repo(origin: Path) -> Path:
    return clone(origin)


def publish(remote: GitRemote, content: bytes = b"{}\n", path: str = "engines.lock.json") -> str:
    """A commit on main with that file, pushed."""
    [made] = remote.commit([Draft(remote.fetch([MAIN])[MAIN], {path: content}, "Record\n")])
    remote.push([Update(MAIN, made)])
    return made


def start_ledger(remote: GitRemote, expected: str | None = None, content: bytes = b"1\n") -> str:
    [made] = remote.commit([Draft(expected, {"journal.jsonl": content}, "begin\n", alone=True)])
    remote.push([Update(LEDGER, made, compared=True, expected=expected)])
    return made


# ── what is pushed ─────────────────────────────────────────────────────────────────────────────────────────────────


# ── repos as they are found ────────────────────────────────────────────────────────────────────────────────────────


def detached(origin: Path) -> Path:
    folder = clone(origin)
    git(folder, "checkout", "--quiet", "--detach")
    git(folder, "branch", "--quiet", "-D", "main")
    return folder


def shallow(origin: Path) -> Path:
    move_branch(origin)
    return clone(origin, "clone", "--depth=1")


def shallow_pull_request(origin: Path) -> Path:
    """As CI checks out a pull request: one commit, detached, no branch."""
    move_branch(origin)
    folder = new_repo(origin.parent / "clone")
    git(folder, "remote", "add", "origin", f"file://{origin}")
    seed = origin.parent / "seed"
    git(seed, "checkout", "--quiet", "-b", "topic")
    (seed / "x").write_text("x")
    commit_all(seed)
    git(seed, "push", "--quiet", "origin", "HEAD:refs/pull/1/merge")
    git(seed, "checkout", "--quiet", "main")
    git(folder, "fetch", "--quiet", "--depth=1", "origin", "refs/pull/1/merge")
    git(folder, "checkout", "--quiet", "--detach", "FETCH_HEAD")
    return folder


def test_a_commit_changes_that_file_and_nothing_else(origin: Path, repo: Path) -> None:
    (repo / "engines/acme.yaml").write_text("name: Changed\n")
    (repo / "new.txt").write_text("staged")
    git(repo, "add", "new.txt")
    before, parent = looks(repo), tip(origin, MAIN)
    made = publish(remote_of(repo), path='sub folder/ümläut "x".json')
    assert tip(origin, MAIN) == made
    assert git(origin, "rev-list", "--parents", "-1", made).split() == [made, parent]
    changed = git(origin, "-c", "core.quotePath=false", "diff", "--name-only", "-z", parent, made)
    assert changed.strip("\0") == 'sub folder/ümläut "x".json'
    assert git(origin, "log", "-1", "--format=%an <%ae> %cn <%ce>", made) == (
        "CI Bot <ci@example.com> CI Bot <ci@example.com>"
    )
    after = looks(repo)
    assert before.pop("status") != "", "there are changes"
    assert {name: after[name] for name in before} == before
    assert odd_refs(repo) == ["refs/reconcile-remote/heads%2Fmain"]


def test_the_ledgers_commits_have_nothing_of_the_project(origin: Path, repo: Path) -> None:
    first = start_ledger(remote_of(repo))
    second = start_ledger(remote_of(repo), first, b"2\n")
    assert git(origin, "ls-tree", "-r", "--name-only", second) == "journal.jsonl"
    assert git(origin, "rev-list", second).split() == [second, first]
    git(origin, "fsck", "--strict")


def test_a_big_file_is_in_every_commit_that_has_it(origin: Path, repo: Path) -> None:
    big = b'{"filler": "' + b"x" * BIG + b'"}\n'
    remote, parent = remote_of(repo), tip(origin, MAIN)
    first = Draft(None, {"published.json": big, "small": b"1\n"}, "Ledger\n", alone=True)
    second = Draft(parent, {"engines.lock.json": big, 'other "name".json': big.replace(b"x", b"y")}, "Big\n")
    ledger, branch = remote.commit([first, second])
    names = [(ledger, "published.json"), (branch, "engines.lock.json"), (branch, 'other "name".json')]
    assert remote.read([*names, (ledger, "small")]) == [big, big, big.replace(b"x", b"y"), b"1\n"]
    assert git(repo, "rev-list", "--parents", "-1", branch).split() == [branch, parent]
    git(repo, "fsck", "--strict")


def test_all_refs_move_or_none(origin: Path, repo: Path) -> None:
    remote = remote_of(repo)
    first = start_ledger(remote)
    parent = tip(origin, MAIN)
    ledger, branch = remote.commit(
        [Draft(first, {"journal.jsonl": b""}, "x\n", alone=True), Draft(parent, {"a": b"1"}, "y\n")]
    )
    moved = move_branch(origin)
    with pytest.raises(RefMoved, match="has moved"):
        remote.push([Update(LEDGER, ledger, compared=True, expected=first), Update(MAIN, branch)])
    assert (tip(origin, LEDGER), tip(origin, MAIN)) == (first, moved)
    hook(origin, "update", PROTECTED)
    with pytest.raises(PushRefused, match="main is protected: open a pull request"):
        publish(remote)
    assert (tip(origin, LEDGER), tip(origin, MAIN)) == (first, moved)


def test_nothing_else_is_pushed_whatever_the_user_has_set(origin: Path, repo: Path, tmp_path: Path) -> None:
    for name, value in (
        ("push.followTags", "true"),
        ("push.gpgSign", "true"),
        ("push.recurseSubmodules", "check"),
        ("fetch.prune", "true"),
        ("fetch.recurseSubmodules", "true"),
        ("remote.origin.tagOpt", "--tags"),
    ):
        git(repo, "config", name, value)
    git(repo, "tag", "-a", "v1", "-m", "v1")
    hook(repo / ".git", "pre-push", f"touch {tmp_path}/ran; exit 1")
    move_branch(origin)
    publish(remote_of(repo))
    assert git(origin, "for-each-ref", "refs/tags") == ""
    assert not (tmp_path / "ran").exists()


# ── compare and swap ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_second_of_two_is_outrun(origin: Path, repo: Path) -> None:
    one, two = remote_of(repo), remote_of(clone(origin, "other"))
    first = start_ledger(one)
    with pytest.raises(RefMoved):
        start_ledger(two, None, b"other\n")
    second = start_ledger(one, first)
    two.fetch([LEDGER])
    with pytest.raises(RefMoved):
        start_ledger(two, first, b"other\n")
    start_ledger(two, second)


@pytest.mark.parametrize("what", ["deleted", "rewritten"])
def test_a_ledger_that_somebody_changed_is_not_written_over(origin: Path, repo: Path, what: str) -> None:
    remote = remote_of(repo)
    first = start_ledger(remote)
    second = start_ledger(remote, first)
    git(origin, "update-ref", *(["-d", LEDGER] if what == "deleted" else [LEDGER, first]))
    with pytest.raises(RefMoved):
        start_ledger(remote, second)


def test_a_branch_that_moved_is_not_written_over(origin: Path, repo: Path) -> None:
    git(origin, "config", "receive.denyNonFastForwards", "true")
    remote = remote_of(repo)
    [made] = remote.commit([Draft(remote.fetch([MAIN])[MAIN], {"a": b"1"}, "x\n")])
    move_branch(origin)
    with pytest.raises(RefMoved):
        remote.push([Update(MAIN, made)])
    remote.fetch([MAIN])
    with pytest.raises(RefMoved):
        remote.push([Update(MAIN, made)])


def test_many_at_once_lose_nothing(origin: Path) -> None:
    """Each thread appends to the ledger until it got its turn four times."""
    repos = [clone(origin, f"c{number}") for number in range(3)]
    failures: list[BaseException] = []

    def append(repo: Path) -> None:
        remote = remote_of(repo)
        done = 0
        try:
            while done < 4:
                seen = remote.fetch([LEDGER]).get(LEDGER)
                try:
                    start_ledger(remote, seen, f"{repo.name} {done}\n".encode())
                except RefMoved:
                    continue
                done += 1
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=append, args=(repo,)) for repo in repos]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(git(origin, "rev-list", LEDGER).split()) == 12


def test_what_is_fetched_is_of_one_moment(
    origin: Path, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our two looks at the remote another run publishes: we must not see its ledger with the old branch."""
    other = remote_of(clone(origin, "other"))
    first = start_ledger(other)
    made = other.commit(
        [
            Draft(first, {"journal.jsonl": b""}, "x\n", alone=True),
            Draft(other.fetch([MAIN])[MAIN], {"engines.lock.json": b"{}"}, "y\n"),
        ]
    )
    real = git(repo, "--exec-path") + "/git"
    script = f"""#!/bin/sh
case "$*" in *"fetch --quiet"*)
  if [ ! -e {tmp_path}/done ]; then
    touch {tmp_path}/done
    {real} -C {clone(origin, "third")} push --quiet --atomic {tmp_path}/origin.git {made[0]}:{LEDGER} {made[1]}:{MAIN}
  fi
esac
exec {real} "$@"
"""
    git(origin.parent / "third", "fetch", "--quiet", str(other.root), *made)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text(script)
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    assert remote_of(repo).fetch([MAIN, LEDGER]) == {LEDGER: made[0], MAIN: made[1]}
    assert (tmp_path / "done").exists()


def worktree(origin: Path) -> Path:
    folder = clone(origin)
    git(folder, "checkout", "--quiet", "--detach")
    git(folder, "worktree", "add", "--quiet", str(origin.parent / "tree"), "main")
    return origin.parent / "tree"


def submodule(origin: Path) -> Path:
    outer = new_repo(origin.parent / "outer")
    allow = ("-c", "protocol.file.allow=always")
    git(outer, *allow, "submodule", "--quiet", "add", str(origin), "inner")
    return outer / "inner"


def partial(origin: Path) -> Path:
    git(origin, "config", "uploadpack.allowFilter", "true")
    return clone(origin, "clone", "--filter=blob:none")


def odd_name(origin: Path) -> Path:
    return clone(origin).rename(origin.parent / "a $HOME ~ ünïcode")


KINDS = [detached, shallow, shallow_pull_request, worktree, submodule, partial, odd_name]


@pytest.mark.parametrize("make", KINDS)
def test_it_works_in_every_kind_of_repo(origin: Path, make: Callable[[Path], Path]) -> None:
    folder = make(origin)
    head, branches = git(folder, "rev-parse", "HEAD"), git(folder, "for-each-ref", "refs/heads")
    remote = remote_of(folder)
    first = start_ledger(remote)
    publish(remote, b"one\n")
    moved = move_branch(origin, name="other.txt")
    assert remote.fetch([MAIN, LEDGER]) == {MAIN: moved, LEDGER: first}
    made = publish(remote, b"two\n")
    assert remote.read(
        [(made, "engines.lock.json"), (made, "other.txt"), (made, "no"), (made, "engines")]
    ) == [
        b"two\n",
        b"somebody else\n",
        None,
        None,
    ]
    assert git(origin, "rev-parse", f"{MAIN}^") == moved
    assert git(origin, "diff", "--name-only", moved, made) == "engines.lock.json"
    git(origin, "fsck", "--strict")
    assert git(folder, "rev-parse", "HEAD") == head
    assert git(folder, "for-each-ref", "refs/heads") == branches
    assert not [name for name in odd_refs(folder) if not name.startswith("refs/reconcile-remote/")]


def test_the_sha256_format_works(tmp_path: Path) -> None:
    origin = new_origin(tmp_path, "--object-format=sha256")
    remote = remote_of(clone(origin))
    first = start_ledger(remote)
    assert len(first) == 64
    start_ledger(remote, first)
    publish(remote, b"x")
    assert git(origin, "show", f"{MAIN}:engines.lock.json") == "x"


def test_a_shallow_clone_can_still_be_pulled(origin: Path) -> None:
    """What came since is fetched with the way to what was there, or git would see two unrelated histories."""
    folder = shallow(origin)
    move_branch(origin, "later")
    remote_of(folder).fetch([MAIN, LEDGER])
    git(folder, "pull", "--quiet", "--ff-only")
    assert git(folder, "log", "-1", "--format=%s") == "later"


def test_a_shallow_pull_request_fetches_no_history(origin: Path) -> None:
    for number in range(3):
        move_branch(origin, f"commit {number}")
    folder = shallow_pull_request(origin)
    found = remote_of(folder).fetch([MAIN])
    assert git(folder, "rev-list", found[MAIN]).split() == [found[MAIN]]


def test_a_hostile_environment_leads_nowhere_else(
    origin: Path, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = new_repo(tmp_path / "other")
    for name, value in {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": str(tmp_path / "nowhere"),
        "GIT_OBJECT_DIRECTORY": str(tmp_path / "nowhere"),
        "GIT_NAMESPACE": "x",
        "GIT_TRACE": str(tmp_path / "trace"),
        "GIT_TRACE_CURL": str(tmp_path / "trace"),
        "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z",
        "GIT_ASKPASS": "false",
        "LC_ALL": "de_DE.UTF-8",
        "LINGO_API_KEY": KEY,
    }.items():
        monkeypatch.setenv(name, value)
    before = tip(repo, "HEAD")
    made = publish(remote_of(repo))
    monkeypatch.undo()
    assert tip(origin, MAIN) == made
    assert tip(repo, "HEAD") == before
    assert odd_refs(other) == []
    assert not (tmp_path / "trace").exists()


def test_no_key_reaches_git(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "seen"
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/git"
    program.write_text(f'#!/bin/sh\n{{ env; echo "$*"; }} >>{seen}\nexec /usr/bin/git "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    for name in ("LINGO_API_KEY", "LINGODOTDEV_API_KEY", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, KEY)
    publish(remote_of(repo))
    assert "fast-import" in seen.read_text()
    assert KEY not in seen.read_text()


def test_who_commits_is_asked_of_git(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    remote = remote_of(repo)
    assert remote.configured_identity() is None
    (tmp_path / "config").write_text("[user]\nname = Ada L\nemail = ada@example.com\n")
    forget_configuration()  # that of a person is read once
    assert remote.configured_identity() == Identity("Ada L", "ada@example.com")
    git(repo, "config", "user.name", "Ada <evil>\n\x01")
    remote.identity = remote.configured_identity() or remote.identity
    made = publish(remote)
    assert git(repo, "log", "-1", "--format=%an <%ae>", made) == "Ada evil <ada@example.com>"


def test_what_is_asked_of_the_repo(repo: Path) -> None:
    remote = remote_of(repo)
    assert remote.exists()
    assert not GitRemote(repo, "upstream", remote.identity).exists()
    assert remote.current_branch() == "main"
    git(repo, "checkout", "--quiet", "--detach")
    assert remote.current_branch() is None
