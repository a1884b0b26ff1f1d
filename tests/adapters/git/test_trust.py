"""Git obeys the clone and the person, and nothing that a commit can hold."""

from __future__ import annotations

import base64
import os
import shutil
from pathlib import Path

import pytest

from reconciler.adapters.checkout.lockfile_log import lockfile_versions
from reconciler.adapters.git.command import GitFailed, call_git, run_git
from reconciler.adapters.git.environment import hidden
from reconciler.core.errors import GitError
from tests.adapters.git_far_end import http_answering, remote_of
from tests.app.git_repo import commit_all, git, new_repo

MAIN = "refs/heads/main"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = new_repo(tmp_path / "repo")
    (folder / "engines.lock.json").write_text("{}\n")
    commit_all(folder)
    return folder


def looks_like_a_repository(folder: Path, config: str) -> None:
    """Files that any commit can hold, and that git takes for a bare repository."""
    for name in ("objects", "refs"):
        (folder / name).mkdir(parents=True)
        (folder / name / "x").touch()
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "config").write_text(f"[core]\nrepositoryformatversion = 0\nbare = true\n{config}")


@pytest.mark.parametrize("where", ["apps/web", "."])
@pytest.mark.parametrize("setting", ["sshCommand = touch {ran}; false", "fsmonitor = touch {ran}; false"])
def test_a_folder_that_looks_like_a_repository_is_none(
    repo: Path, tmp_path: Path, where: str, setting: str
) -> None:
    ran = tmp_path / "ran"
    looks_like_a_repository(repo / where, setting.format(ran=ran) + '\n[remote "origin"]\nurl = ssh://x/y\n')
    assert Path(run_git(repo / where, ["rev-parse", "--absolute-git-dir"])) == repo / ".git"
    with pytest.raises(GitError):
        call_git(repo / where, ["ls-remote", "origin"], network=True)
    run_git(repo / where, ["status"])
    assert not ran.exists()


def test_outside_of_a_repository_such_a_folder_is_none_either(tmp_path: Path) -> None:
    looks_like_a_repository(tmp_path / "p", "[alias]\nx = y\n")
    with pytest.raises(GitError, match="not a git repository"):
        run_git(tmp_path / "p", ["rev-parse", "--git-dir"])


def test_worktrees_and_submodules_are_repositories(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    allow = ["-c", "protocol.file.allow=always"]
    git(repo, *allow, "submodule", "--quiet", "add", str(repo), "sub")
    for folder in (tmp_path / "tree", repo / "sub"):
        assert run_git(folder, ["rev-parse", "--show-toplevel"]) == str(folder)


@pytest.mark.parametrize(
    "setting",
    [
        "[core]\nsshCommand = touch {ran}",
        "[credential]\nhelper = !touch {ran}",
        '[url "ext::sh"]\ninsteadOf = https:',
        '[filter "x"]\nsmudge = touch {ran}; cat',
        '[filter "x"]\nprocess = touch {ran}',
        '[diff "x"]\ntextconv = touch {ran}',
        '[merge "x"]\ndriver = touch {ran}',
        "[diff]\nexternal = touch {ran}",
        "[gc]\nrecentObjectsHook = touch {ran}",
        '[lfs "customtransfer.x"]\npath = {ran}',
    ],
)
def test_configuration_from_the_work_tree_gets_no_power(repo: Path, tmp_path: Path, setting: str) -> None:
    ran = tmp_path / "ran"
    git(repo, "config", "include.path", "../.gitconfig")
    (repo / ".gitconfig").write_text(setting.format(ran=ran) + "\n")
    git(repo, "remote", "add", "origin", "ssh://localhost:1/x")
    with pytest.raises(GitError, match=r"reads `.*` from .gitconfig, a file in the work tree") as caught:
        call_git(repo, ["ls-remote", "origin"], network=True)
    assert caught.value.hint
    assert not ran.exists()


@pytest.mark.parametrize("asked", ["diff", "status"])
def test_filters_from_the_work_tree_are_not_run_offline_either(
    repo: Path, tmp_path: Path, asked: str
) -> None:
    ran = tmp_path / "ran"
    (repo / "x").write_text("x")
    git(repo, "add", "x")
    git(repo, "config", "include.path", "../.gitconfig")
    (repo / ".gitconfig").write_text(f'[filter "x"]\nclean = touch {ran}; cat\n')
    (repo / ".gitattributes").write_text("x filter=x\n")
    (repo / "x").write_text("y")
    with pytest.raises(GitError, match=r"reads `filter.x.clean` from .gitconfig"):
        call_git(repo, [asked])
    assert not ran.exists()


def test_other_configuration_from_the_work_tree_does_no_harm(repo: Path) -> None:
    git(repo, "config", "include.path", "../.gitconfig")
    (repo / ".gitconfig").write_text("[alias]\nst = status\n[pull]\nrebase = true\n")
    call_git(repo, ["rev-parse", "HEAD"], network=True)


# ── whose it is ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def owned_by_another(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The repository, by git's own switch for it, which needs no second user."""
    assert repo.is_dir()
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/git"
    real = shutil.which("git")
    program.write_text(f'#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {real} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")


@pytest.mark.usefixtures("owned_by_another")
def test_a_repository_of_another_user_is_an_error_and_not_absent(repo: Path) -> None:
    remote = remote_of(repo)
    for ask in (remote.exists, remote.current_branch, lambda: remote.ids([("0" * 40, "x")])):
        with pytest.raises(GitError, match=r"dubious ownership.*safe\.directory") as caught:
            ask()
        assert not isinstance(caught.value, GitFailed)


@pytest.mark.usefixtures("owned_by_another")
@pytest.mark.parametrize("way", ["count", "system", "global", "parameters"])
def test_it_is_trusted_as_git_trusts_it(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    file = tmp_path / "config"
    file.write_text("[safe]\ndirectory = *\n")
    if way == "count":
        for name, value in {"COUNT": "1", "KEY_0": "safe.directory", "VALUE_0": "*"}.items():
            monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    elif way == "parameters":
        monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'safe.directory'='*'")
    else:
        monkeypatch.setenv(f"GIT_CONFIG_{way.upper()}", str(file))
    assert run_git(repo, ["rev-parse", "--abbrev-ref", "HEAD"]) == "main"


@pytest.mark.parametrize("broken", ["[user\n", "[core]\nbare = perhaps\n"])
def test_a_broken_configuration_is_an_error_and_not_absent(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    (tmp_path / "config").write_text(broken)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    with pytest.raises(GitError, match="git refuses to work here: fatal: bad"):
        remote_of(repo).exists()


def test_a_git_directory_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "p/.git").mkdir(parents=True)
    with pytest.raises(GitError, match="not a git repository"):
        remote_of(tmp_path / "p").exists()


# ── credentials and taste ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("way", ["helper", "askpass", "configured"])
def test_credentials_come_from_where_git_has_them(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    script = tmp_path / "ask"
    script.write_text('#!/bin/sh\ncase "$1" in User*) echo ci;; *) echo "$GH_TOKEN";; esac\n')
    script.chmod(0o755)
    monkeypatch.setenv("GH_TOKEN", "do-tell")
    if way == "helper":
        git(repo, "config", "credential.helper", '!f() { echo username=ci; echo "password=$GH_TOKEN"; }; f')
    elif way == "askpass":
        monkeypatch.setenv("GIT_ASKPASS", str(script))
    else:
        git(repo, "config", "core.askPass", str(script))
    with http_answering(401, ("WWW-Authenticate", 'Basic realm="x"')) as (port, seen):
        git(repo, "remote", "add", "origin", f"http://127.0.0.1:{port}/x.git")
        with pytest.raises(GitError):
            remote_of(repo).tips([MAIN])
    wanted = "Basic " + base64.b64encode(b"ci:do-tell").decode()
    assert wanted in [request.get("authorization") for request in seen]


def test_what_git_need_not_see_is_hidden() -> None:
    ours = {
        "LINGO_API_KEY": "key-0123456789",
        "LINGO_API_KEY_STAGING": "of-staging-0123",
        "RECONCILE_INBOX_TOKEN": "x",
        "INPUT_API-KEY": "y",
        "GIT_DIR": "/x",
    }
    copies = {"MY_KEY": "key-0123456789", "MY_OTHER": "of-staging-0123", "CURL_ARGS": "-H key-0123456789"}
    helpers = {
        "AWS_PROFILE": "a",
        "KRB5CCNAME": "b",
        "GNUPGHOME": "c",
        "GIT_PASSWORD": "d",
        "GIT_SSL_CAINFO": "e",
    }
    tokens = {"GITHUB_TOKEN": "t"}
    everything = {**ours, **copies, **helpers, **tokens}
    assert set(hidden(everything, network=True, tokens=True)) == {*ours, *copies}
    assert set(hidden(everything, network=True, tokens=False)) == {*ours, *copies, *tokens}
    assert set(hidden(everything, network=False, tokens=True)) == set(everything)


def test_taste_changes_nothing_that_is_parsed(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / "engines.lock.json").write_text("{ }\n")
    commit_all(repo)
    remote = remote_of(repo)
    head = run_git(repo, ["rev-parse", "HEAD"])

    def asked() -> object:
        return (
            remote.history(head, 5),
            remote.blobs_in_log(MAIN, head, "engines.lock.json"),
            remote.log_of(MAIN, head, "engines.lock.json", "{ }"),
            remote.changed(remote.parents(head)[0], head, ""),
            list(lockfile_versions(repo, "engines.lock.json", 5)),
            remote.current_branch(),
        )

    plain = asked()
    (tmp_path / "config").write_text(
        "[log]\nshowSignature = true\ndate = relative\nfollow = true\ndecorate = full\n"
        "[color]\nui = always\ndiff = always\nbranch = always\n[format]\npretty = fuller\n[core]\nquotePath = false\n"
        f"pager = touch {tmp_path}/paged\nabbrev = 4\n[diff]\nexternal = false\nnoprefix = true\nrenames = copies\n"
        "orderFile = /nonexistent\nmnemonicPrefix = true\n[i18n]\nlogOutputEncoding = UTF-16\n[advice]\nx = true\n"
        "[status]\nshort = true\n[alias]\nlog = !false\nrev-parse = !false\n[push]\ngpgSign = if-asked\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    assert asked() == plain
    assert not (tmp_path / "paged").exists()
