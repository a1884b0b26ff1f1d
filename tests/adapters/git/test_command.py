from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from reconciler.adapters.git.command import MAX_BLOB, GitTexts, run_git
from reconciler.core.errors import GitError
from tests.app.git_repo import commit_all, git, new_repo

KEY = "key-4711-do-not-tell"
TEXT = b"Acme stays Acme.\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = new_repo(tmp_path / "repo")
    (folder / "a.txt").write_bytes(TEXT)
    commit_all(folder)
    return folder


def blob(folder: Path, content: bytes) -> str:
    """Put content into the store, and give its id."""
    (folder / "new").write_bytes(content)
    name = git(folder, "hash-object", "-w", "--no-filters", "new")
    (folder / "new").unlink()
    return name


def fake_git(folder: Path, script: str) -> str:
    """A PATH on which this program is found as `git` first; asked for the repository, it says what git does."""
    folder.mkdir()
    program = folder / "git"
    real = f'case "$*" in *"rev-parse --absolute-git-dir") exec {shutil.which("git")} "$@";; esac\n'
    program.write_text("#!/bin/sh\n" + real + script)
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


# ── old texts ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "content", [TEXT, b"", b"\n", b"no newline", b"a\nb\n\n", b"\x00\xff\n", b"0 blob 5\nx\n"]
)
def test_a_blob_is_given_byte_for_byte(repo: Path, content: bytes) -> None:
    name = blob(repo, content)
    assert GitTexts(repo).read_blobs([name]) == {name: content}


def test_many_are_given_at_once_and_what_is_not_there_is_left_out(repo: Path) -> None:
    contents = {blob(repo, f"text {number}\n".encode() * number): number for number in range(30)}
    missing = ["0" * 40, "f" * 40]
    found = GitTexts(repo).read_blobs([*contents, *missing])
    assert found == {name: f"text {number}\n".encode() * number for name, number in contents.items()}


def test_what_is_no_blob_id_is_never_given_to_git(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = git(repo, "rev-parse", "HEAD:a.txt")
    odd = [
        "HEAD",
        "main",
        "--help",
        "--textconv",
        "",
        " ",
        "HEAD:a.txt",
        name[:39],
        name.upper(),
        f"{name}\nHEAD",
    ]
    odd += [f"{name} ", f" {name}", f"{name}^{{}}", "../../etc/passwd", "ä" * 40]
    assert GitTexts(repo).read_blobs([*odd, name]) == {name: TEXT}
    monkeypatch.setenv("PATH", fake_git(tmp_path / "bin", f"touch {tmp_path}/asked\n"))
    assert GitTexts(repo).read_blobs(odd) == {}
    assert not (tmp_path / "asked").exists()


def test_commits_and_trees_are_left_out(repo: Path) -> None:
    names = [git(repo, "rev-parse", what) for what in ("HEAD", "HEAD^{tree}")]
    assert GitTexts(repo).read_blobs(names) == {}


def test_a_huge_blob_is_left_out_and_the_largest_is_not(repo: Path) -> None:
    largest, huge = blob(repo, b"x" * MAX_BLOB), blob(repo, b"x" * (MAX_BLOB + 1))
    found = GitTexts(repo).read_blobs([huge, largest])
    assert list(found) == [largest]
    assert len(found[largest]) == MAX_BLOB


def test_thousands_are_found_in_a_moment(repo: Path) -> None:
    """One look at each id, not one at all of them for each."""
    commands = "".join(f"blob\nmark :{n}\ndata {len(str(n))}\n{n}\n" for n in range(1, 4001))
    marks = repo / "marks"
    importing = ["git", "-C", str(repo), "fast-import", "--quiet", f"--export-marks={marks}"]
    subprocess.run(importing, input=commands.encode(), check=True)
    names = [line.split()[1] for line in marks.read_text().splitlines()]
    began = time.process_time()
    assert len(GitTexts(repo).read_blobs(names)) == 4000
    assert time.process_time() - began < 1.0


def test_a_replaced_object_is_read_as_it_was(repo: Path) -> None:
    name, other = blob(repo, TEXT), blob(repo, b"something else\n")
    git(repo, "replace", name, other)
    assert GitTexts(repo).read_blobs([name]) == {name: TEXT}


def test_a_subfolder_of_a_repo_will_do(repo: Path) -> None:
    (repo / "deep/er").mkdir(parents=True)
    name = git(repo, "rev-parse", "HEAD:a.txt")
    assert GitTexts(repo / "deep/er").read_blobs([name]) == {name: TEXT}


@pytest.mark.parametrize("odd", ["with space", "$HOME", "~", "-C", "ünï", "a;b"])
def test_a_repo_with_an_odd_name_will_do(tmp_path: Path, odd: str) -> None:
    repo = new_repo(tmp_path / odd)
    name = blob(repo, TEXT)
    assert GitTexts(repo).read_blobs([name]) == {name: TEXT}
    assert run_git(repo, ["rev-parse", "--show-toplevel"]) == str(repo)


def test_outside_of_a_repo_there_is_nothing(tmp_path: Path) -> None:
    assert GitTexts(tmp_path).read_blobs(["0" * 40]) == {}
    assert GitTexts(tmp_path / "not there").read_blobs(["0" * 40]) == {}


def test_without_git_there_is_nothing(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = git(repo, "rev-parse", "HEAD:a.txt")
    only_env = tmp_path / "bin"
    only_env.mkdir()
    (only_env / "env").symlink_to("/usr/bin/env")
    for path in (str(only_env), str(tmp_path)):
        monkeypatch.setenv("PATH", path)
        assert GitTexts(repo).read_blobs([name]) == {}


def test_a_git_that_hangs_is_given_up(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", fake_git(tmp_path / "bin", "exec sleep 60\n"))
    began = time.monotonic()
    assert GitTexts(repo, timeout=0.3).read_blobs(["0" * 40]) == {}
    assert time.monotonic() - began < 10


def test_a_git_that_talks_nonsense_is_not_believed(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", fake_git(tmp_path / "bin", "echo nonsense; echo 'x blob y'; echo\n"))
    assert GitTexts(repo).read_blobs(["0" * 40]) == {}


def test_texts_need_no_room_for_a_temporary_file(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a read-only system a plan is still shown."""
    name = git(repo, "rev-parse", "HEAD:a.txt")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not there"))
    assert GitTexts(repo).read_blobs([name]) == {name: b"Acme stays Acme.\n"}


def test_a_partial_clone_fetches_nothing(repo: Path, tmp_path: Path) -> None:
    git(repo, "config", "uploadpack.allowFilter", "true")
    git(repo, "config", "uploadpack.allowAnySHA1InWant", "true")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{repo}", str(clone))
    name = git(repo, "rev-parse", "HEAD:a.txt")
    before = sorted(path for path in (clone / ".git/objects").rglob("*") if path.is_file())
    assert GitTexts(clone).read_blobs([name]) == {}
    assert sorted(path for path in (clone / ".git/objects").rglob("*") if path.is_file()) == before
    assert git(clone, "cat-file", "blob", name) == TEXT.decode().strip(), "it could have been fetched"


# ── what git gets to see ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_poisoned_environment_does_not_lead_elsewhere(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a hook, where GIT_DIR names the repo that is committed to."""
    name = git(repo, "rev-parse", "HEAD:a.txt")
    other = new_repo(tmp_path / "other")
    poison = {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_OBJECT_DIRECTORY": str(tmp_path / "nowhere"),
        "GIT_INDEX_FILE": str(tmp_path / "nowhere"),
        "GIT_NAMESPACE": "x",
        "GIT_CEILING_DIRECTORIES": str(repo),
        "GIT_TRACE": str(tmp_path / "trace"),
        "GIT_EXTERNAL_DIFF": "false",
    }
    for variable, value in poison.items():
        monkeypatch.setenv(variable, value)
    (repo / "sub").mkdir()
    for folder in (repo, repo / "sub"):
        assert GitTexts(folder).read_blobs([name]) == {name: TEXT}
        assert run_git(folder, ["rev-parse", "--show-toplevel"]) == str(repo)
    assert not (tmp_path / "trace").exists()


def test_no_key_reaches_git_in_its_environment_or_arguments(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    script = f'{{ env; echo "arguments: $*"; cat /proc/self/environ; }} >>{seen}\n'
    monkeypatch.setenv("PATH", fake_git(tmp_path / "bin", script))
    for variable in ("LINGO_API_KEY", "LINGODOTDEV_API_KEY", "RECONCILE_SECRET", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, KEY)
    GitTexts(repo).read_blobs(["0" * 40])
    run_git(repo, ["status"])
    dumped = seen.read_text()
    assert "arguments: -C" in dumped
    assert "GIT_TERMINAL_PROMPT=0" in dumped
    assert KEY not in dumped
    assert "LINGO" not in dumped


def test_hooks_do_not_run(repo: Path, tmp_path: Path) -> None:
    hook = repo / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n")
    hook.chmod(0o755)
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    run_git(repo, [*who, "commit", "--quiet", "--allow-empty", "--message", "no hook"])
    assert not (tmp_path / "ran").exists()


# ── errors ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_failed_command_speaks_with_gits_words(repo: Path) -> None:
    with pytest.raises(GitError, match=r"git rev-parse failed: .*unknown revision") as caught:
        run_git(repo, ["rev-parse", "nowhere"])
    assert "env" not in caught.value.message
    with pytest.raises(GitError, match="not a git repository"):
        run_git(repo.parent, ["status"])


def test_a_command_that_fails_without_a_word_gives_its_exit_code(repo: Path) -> None:
    with pytest.raises(GitError, match="git show-ref failed: exit code 1"):
        run_git(repo, ["show-ref", "--verify", "--quiet", "refs/heads/nowhere"])


def test_without_git_the_error_says_so(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare, only_env = tmp_path / "empty", tmp_path / "bin"
    bare.mkdir()
    only_env.mkdir()
    (only_env / "env").symlink_to("/usr/bin/env")
    for path in (bare, only_env):
        monkeypatch.setenv("PATH", str(path))
        with pytest.raises(GitError, match="git is not installed") as caught:
            run_git(repo, ["status"])
        assert caught.value.hint


def test_a_command_that_hangs_is_ended(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", fake_git(tmp_path / "bin", "exec sleep 60\n"))
    began = time.monotonic()
    with pytest.raises(GitError):
        run_git(repo, ["status"], timeout=0.3)
    assert time.monotonic() - began < 10


def test_the_module_can_be_imported_where_there_is_no_git(tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path), "GIT_PYTHON_REFRESH": "raise"}
    program = "import reconciler.adapters.git.command"
    subprocess.run(
        [sys.executable, "-c", program], env=environment, check=True, cwd=Path(__file__).parents[3]
    )
