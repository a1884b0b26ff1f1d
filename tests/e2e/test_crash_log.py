"""A bug of ours ends with 70 and leaves a log to attach to a report, without secrets."""

from __future__ import annotations

import base64
import json
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import reconciler
from tests.e2e.far_ends import KEY, Project, Ran

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def repo(tmp_path: Path) -> Project:
    """A repo in which a run has been before; temporary files have a folder of their own beside it."""
    made = Project(tmp_path / "repo")
    made.git("init", "--quiet")
    made.private.mkdir()
    (tmp_path / "temporary").mkdir()
    return made


def fail(repo: Project, *arguments: str, **env: str) -> Ran:
    """The process that meets a bug."""
    variables = repo.environment(PYTHONPATH=str(ROOT), TMPDIR=str(repo.root.parent / "temporary"), **env)
    command = [sys.executable, "-m", "tests.e2e.broken_command", "broken", *arguments]
    done = subprocess.run(command, cwd=repo.root, env=variables, capture_output=True, text=True)
    return Ran(done.returncode, done.stdout, done.stderr)


def log_of(ran: Ran) -> Path:
    """The log that the message names."""
    found = re.search(r"read and attach (\S+\.log)$", ran.err, re.MULTILINE)
    assert found, ran.err
    return Path(found[1])


def test_a_bug_leaves_a_log_in_the_state_folder(repo: Project) -> None:
    ran = fail(repo, "divided").ended(
        70, "bug: this is a bug in reconcile: ZeroDivisionError in broken_command.py"
    )
    assert "Traceback" not in ran.out + ran.err
    log = log_of(ran)
    assert log.parent == repo.private
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    text = log.read_text()
    for known in (
        f"reconcile {reconciler.__version__}",
        "Python    3.",
        "platform  ",
        "command   reconcile broken divided",
    ):
        assert known in text
    assert "\nZeroDivisionError: divided\n\nlast requests and commands:\nnone\n" in text
    assert "raise ZeroDivisionError(words)" in text


def test_the_state_folder_is_that_of_the_project_that_was_named(repo: Project) -> None:
    (repo.root / "deeper").mkdir()
    ran = fail(repo, "divided", "-C", "deeper").ended(70)
    assert log_of(ran).parent == repo.private


@pytest.mark.parametrize("broken", ["no run was here yet", "not a folder", "not in git"])
def test_elsewhere_it_is_in_the_folder_for_temporary_files(repo: Project, broken: str) -> None:
    repo.private.rmdir()
    if broken == "not a folder":
        repo.private.write_text("")
    if broken == "not in git":
        (repo.root / ".git").rename(repo.root / "git")
    log = log_of(fail(repo, "divided").ended(70))
    assert log.parent == repo.root.parent / "temporary"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_json_names_the_log(repo: Project) -> None:
    ran = fail(repo, "divided", "--format", "json").ended(70)
    assert str(log_of(ran)) in json.loads(ran.out)["error"]["hint"]


PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7xyzzy\n-----END RSA PRIVATE KEY-----\n"
SECRETS = {
    "LINGO_API_KEY": KEY,
    "GITHUB_TOKEN": "a-token/with+signs",
    "SERVICE_PASSWORD": "correct horse\tbattery",
    "APP_PRIVATE_KEY": PRIVATE_KEY,
    "GIT_CONFIG_VALUE_0": "AUTHORIZATION: basic eDphLXRva2Vu",
}


@pytest.mark.parametrize(
    ("quoted", "secret"),
    [
        (f"bad header {KEY}", KEY),
        ("bad query ?key=a-token%2Fwith%2Bsigns", "a-token%2Fwith%2Bsigns"),
        (repr(SECRETS["SERVICE_PASSWORD"]), "battery"),
        (PRIVATE_KEY, "MIIEpAIBAAKCAQEA7xyzzy"),
        (f"line 2: {PRIVATE_KEY.splitlines()[1]}", "MIIEpAIBAAKCAQEA7xyzzy"),
        (SECRETS["GIT_CONFIG_VALUE_0"], "eDphLXRva2Vu"),
        ("https://x-access-token:s3cr3tpart@git.example/repo.git", "s3cr3tpart"),
        ("Authorization: Bearer not.in.environment", "not.in.environment"),
        (f"Authorization: Basic {base64.b64encode(b'me:secret').decode()}", "bWU6c2VjcmV0"),
        ("key lk_fromTheKeyring77 refused", "lk_fromTheKeyring77"),
        ("secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqr"),
        ("token ghp_0123456789abcdef", "0123456789abcdef"),
    ],
)
def test_no_secret_is_in_the_log_or_on_the_screen(repo: Project, quoted: str, secret: str) -> None:
    """Secrets stand both in the error and in the arguments here."""
    assert secret in quoted
    ran = fail(repo, "--log-level", "debug", "--", quoted, **SECRETS).ended(70, "Traceback")
    assert secret not in ran.out + ran.err
    assert secret not in log_of(ran).read_text()


def test_what_git_was_asked_last_is_in_the_log_without_its_password(repo: Project) -> None:
    """The password stands in the remote's address, on the command line, and in a chained error."""
    remote = "http://ci:pa55/w0rd@127.0.0.1:1/engines.git"
    repo.git("remote", "add", "origin", remote)
    text = log_of(fail(repo, "divided", "--remote", remote).ended(70)).read_text()
    assert "The above exception was the direct cause" in text
    assert "  git ls-remote --end-of-options http://…@127.0.0.1:1/engines.git: 128 in " in text
    assert (
        "command   reconcile broken divided --remote http://…@127.0.0.1:1/engines.git" in text
        or "'http://…@" in text
    )
    assert not any(part in text for part in ("pa55", "w0rd", "ci:"))


def test_no_value_of_a_variable_is_in_the_log(repo: Project) -> None:
    """Neither of the environment's nor of the program's."""
    text = log_of(fail(repo, "divided", HARMLESS="q8w3e7r2t5", PATH_TO="z6x9c4v1").ended(70)).read_text()
    assert "q8w3e7r2t5" not in text
    assert "z6x9c4v1" not in text
    assert "format_" not in text


def test_the_home_folder_is_not_in_the_log(repo: Project) -> None:
    text = log_of(fail(repo, f"cannot read {repo.root}/x").ended(70)).read_text()
    assert "cannot read ~/repo/x" in text
    assert f"{repo.root.parent}/" not in text


def test_a_log_that_cannot_be_written_hides_nothing(repo: Project) -> None:
    """No file may have any content, as on a full disk."""
    limited = (
        "import resource, runpy\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "runpy.run_module('tests.e2e.broken_command', run_name='__main__')"
    )
    variables = repo.environment(PYTHONPATH=str(ROOT), PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run(
        [sys.executable, "-c", limited, "broken", "divided"],
        cwd=repo.root,
        env=variables,
        capture_output=True,
        text=True,
    )
    ran = Ran(done.returncode, done.stdout, done.stderr)
    ran.ended(
        70, "bug: this is a bug in reconcile: ZeroDivisionError", "no log could be written: ", "Traceback"
    )
    assert list(repo.private.iterdir()) == []
