"""Remotes that refuse, hang, ask for credentials or are not there."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from reconciler.adapters.git.command import GitFailed
from reconciler.adapters.git.drafts import Draft
from reconciler.adapters.git.push import push_error
from reconciler.adapters.git.remote import GitRemote, Update
from reconciler.core.errors import GitError, PushRefused, RefMoved, RemoteUnreachable
from tests.adapters.calls import closed_port
from tests.adapters.git_far_end import (
    LEDGER,
    clone,
    hook,
    http_answering,
    remote_of,
    tip,
)
from tests.app.git_repo import git

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


# ── remotes that fail ──────────────────────────────────────────────────────────────────────────────────────────────


def failing_push(repo: Path) -> GitError:
    remote = remote_of(repo, timeout=60)
    [made] = remote.commit([Draft(tip(repo, "HEAD"), {"a": b"1"}, "x\n")])
    start = time.monotonic()
    with pytest.raises(GitError) as caught:
        remote.push([Update(MAIN, made)])
    assert time.monotonic() - start < 40
    return caught.value


def _hang(repo: Path, tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nsleep 60\n")
    slow.chmod(0o755)
    git(repo, "config", "remote.origin.uploadpack", str(slow))


def test_a_hook_that_refuses_is_quoted(origin: Path, repo: Path) -> None:
    hook(origin, "pre-receive", "echo 'GL-HOOK-ERR: no pushes on Fridays' >&2; exit 1")
    error = failing_push(repo)
    assert isinstance(error, PushRefused)
    assert "no pushes on Fridays" in error.message
    assert error.hint
    assert "nothing is lost" in error.hint


def test_a_remote_that_cannot_write_refuses(origin: Path, repo: Path) -> None:
    packs = origin / "objects"
    packs.rename(origin / "objects-away")
    (origin / "objects").symlink_to("/proc/self")  # it is there, and nothing can be made in it
    error = failing_push(repo)
    assert isinstance(error, PushRefused | RemoteUnreachable)


@pytest.mark.parametrize(
    "url", ["{tmp}/gone.git", "file://{tmp}/gone.git", "{tmp}/seed/engines", "https://127.0.0.1:{port}/x.git"]
)
def test_a_remote_that_is_not_there_is_unreachable(repo: Path, tmp_path: Path, url: str) -> None:
    git(repo, "remote", "set-url", "origin", url.format(tmp=tmp_path, port=closed_port()))
    assert isinstance(failing_push(repo), RemoteUnreachable)
    with pytest.raises(RemoteUnreachable, match="cannot be read") as caught:
        remote_of(repo).fetch([MAIN])
    assert caught.value.hint


def test_no_window_asks_for_credentials(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asks = tmp_path / "asks"
    asks.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\nsleep 60\n")
    asks.chmod(0o755)
    monkeypatch.setenv("SSH_ASKPASS", str(asks))
    monkeypatch.setenv("DISPLAY", ":1")
    with http_answering(401, ("WWW-Authenticate", 'Basic realm="x"')) as (port, seen):
        git(repo, "remote", "set-url", "origin", f"http://127.0.0.1:{port}/x.git")
        start = time.monotonic()
        with pytest.raises(RemoteUnreachable, match="could not read Username"):
            remote_of(repo).fetch([MAIN])
        error = failing_push(repo)
        assert time.monotonic() - start < 40
    assert isinstance(error, PushRefused)
    assert seen
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_token_in_the_url_is_in_no_message(repo: Path, status: int) -> None:
    with http_answering(status, ("WWW-Authenticate", 'Basic realm="x"')) as (port, seen):
        git(repo, "remote", "set-url", "origin", f"http://x-access-token:{TOKEN}@127.0.0.1:{port}/x.git")
        errors = [failing_push(repo)]
        with pytest.raises(RemoteUnreachable) as caught:
            remote_of(repo).fetch([MAIN])
        errors.append(caught.value)
    assert seen
    for error in errors:
        chain: BaseException | None = error
        while chain is not None:
            assert TOKEN not in f"{chain} {chain!r} {vars(chain)}"
            chain = chain.__cause__
    assert isinstance(errors[0], PushRefused) == (status in (401, 403))


def test_a_proxys_password_is_in_no_message(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://user:{TOKEN}@127.0.0.1:{closed_port()}")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    git(repo, "remote", "set-url", "origin", "http://git.invalid/x.git")
    error = failing_push(repo)
    assert isinstance(error, RemoteUnreachable)
    assert TOKEN not in f"{error!r} {error.__cause__!r}"


@pytest.mark.parametrize(
    "user_info", [f"ci:hunt/{TOKEN}", f"ci:4711/{TOKEN}", f"ci:a@{TOKEN}", f"ci:%2F{TOKEN}%40", f"{TOKEN}/x:"]
)
def test_no_part_of_a_password_is_in_a_message(repo: Path, user_info: str) -> None:
    """What follows a slash, or a number before one, git takes for something else than a password, and says so."""
    git(repo, "remote", "set-url", "origin", f"http://{user_info}@127.0.0.1:{closed_port()}/x.git")
    with pytest.raises(GitError) as caught:
        remote_of(repo).tips([MAIN])
    shown = f"{caught.value!r} {caught.value.__cause__!r}"
    assert TOKEN not in shown
    assert "4711" not in shown
    assert "hunt" not in shown


def test_a_remote_that_hangs_is_given_up(repo: Path, tmp_path: Path) -> None:
    _hang(repo, tmp_path)
    start = time.monotonic()
    with pytest.raises(RemoteUnreachable, match="timed out"):
        remote_of(repo, timeout=0.3).tips([MAIN])
    assert time.monotonic() - start < 40


def test_hurry_ends_what_is_under_way(repo: Path, tmp_path: Path) -> None:
    _hang(repo, tmp_path)
    remote = remote_of(repo)
    start = time.monotonic()
    timer = threading.Timer(0.3, remote.hurry, args=(0.1,))
    timer.start()
    with pytest.raises(RemoteUnreachable, match="timed out"):
        remote.tips([MAIN])
    with pytest.raises(RemoteUnreachable, match="ran out of time"):
        remote.tips([MAIN])
    assert time.monotonic() - start < 40
    timer.join()


def test_the_ssh_command_that_git_is_configured_with_is_used(repo: Path, tmp_path: Path) -> None:
    """CI keeps the path of its key there."""
    ssh = tmp_path / "my-ssh"
    ssh.write_text(f"#!/bin/sh\ntouch {tmp_path}/used\nexit 1\n")
    ssh.chmod(0o755)
    git(repo, "config", "core.sshCommand", str(ssh))
    git(repo, "remote", "set-url", "origin", "ssh://git@127.0.0.1:1/x.git")
    with pytest.raises(RemoteUnreachable):
        remote_of(repo).tips([MAIN])
    assert (tmp_path / "used").exists()


# ── what a failed push means ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("lines", "stderr", "kind"),
    [
        (["[rejected] (stale info)", "[rejected] (atomic push failed)"], "", RefMoved),
        (
            ["[remote rejected] (atomic push failure)", "[remote rejected] (incorrect old value provided)"],
            "",
            RefMoved,
        ),
        (["[remote rejected] (cannot lock ref 'refs/x': is at a but expected b)"], "", RefMoved),
        (["[remote rejected] (atomic transaction failed)"] * 2, "", RefMoved),
        (["[remote rejected] (failed to update ref)"], "", RefMoved),
        (["[remote rejected] (hook declined)", "[rejected] (stale info)"], "remote: no", PushRefused),
        (
            ["[remote rejected] (protected branch hook declined)"],
            "remote: error: GH006: Protected",
            PushRefused,
        ),
        (["[remote failure] (remote failed to report status)"], "", RemoteUnreachable),
        ([], "fatal: the receiving end does not support --atomic push", PushRefused),
        ([], "fatal: unable to access 'https://h/': The requested URL returned error: 403", PushRefused),
        ([], "git@h: Permission denied (publickey).", PushRefused),
        (
            [],
            "fatal: unable to access 'https://h:4013/': Failed to connect to h port 4013",
            RemoteUnreachable,
        ),
        ([], "fatal: unable to access 'https://h/403/': Could not resolve host", RemoteUnreachable),
        (
            [],
            "fatal: unable to access 'https://h/': The requested URL returned error: 503",
            RemoteUnreachable,
        ),
    ],
)
def test_what_a_failed_push_means(lines: list[str], stderr: str, kind: type[GitError]) -> None:
    stdout = "To h\n" + "".join(f"!\tabc:refs/x\t{line}\n" for line in lines) + "Done\n"
    failed = GitFailed("git push failed", said=stderr or "said", stdout=stdout, stderr=stderr, status=1)
    assert type(push_error(failed, "origin")) is kind
