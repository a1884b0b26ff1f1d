"""The log of a bug: bounded in size and number, and never where it could be committed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from reconciler.adapters.system import trail
from reconciler.cli.crash_log import KEPT, LONGEST, crash_text, write_crash_log
from reconciler.cli.scrubbing import without_secrets, without_values

SECRET = "Kq7-vX/2nEr+T9"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_long_message_is_cut_in_the_middle() -> None:
    text = crash_text(ValueError("x" * 3_000_000), ["plan"], {})
    assert len(text) < LONGEST + 100
    assert text.startswith("reconcile ")
    assert "characters are left out here]" in text
    assert "last requests and commands:" in text


def test_only_the_newest_are_kept(temporary: Path, tmp_path: Path) -> None:
    (temporary / "other.log").write_text("not ours")
    written = [write_crash_log("text", ["-C", str(tmp_path)]) for _ in range(KEPT + 3)]
    assert written[-1].exists()
    assert len(list(temporary.glob("reconcile-crash-*.log"))) == KEPT
    assert (temporary / "other.log").exists()


def test_it_is_never_written_into_the_work_tree(temporary: Path) -> None:
    """Without a folder for temporary files Python takes the current one."""
    (temporary / ".git").mkdir()
    with pytest.raises(FileNotFoundError):
        write_crash_log("text", ["-C", str(temporary)])
    assert [path.name for path in temporary.iterdir()] == [".git"]
    (temporary / ".git/reconcile").mkdir()
    assert write_crash_log("text", [f"-C{temporary}"]).parent == temporary / ".git/reconcile"


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["apply", "--api-key", SECRET, "--yes"], "apply --api-key [removed] --yes"),
        (["apply", f"--token={SECRET}", "x"], "apply --token=[removed] x"),
        (["apply", "--auth", "--yes"], "apply --auth --yes"),
        (["plan", "--only", "key=token"], "plan --only key=token"),
    ],
)
def test_values_of_options_named_like_secrets(arguments: list[str], shown: str) -> None:
    assert " ".join(without_values(arguments)) == shown


@pytest.mark.parametrize(
    "quoted",
    [
        "X-API-Key: {}", "{{'X-API-Key': '{}'}}", "authorization: token {}", 'Authorization="Digest abc, {}"',
        "https://inbox.example/hook?token={}&x=1", "host=db password={} user=ci", "signing_secret = {}", "cookie: {}",
        "xoxb-{}", "https://hooks.example/{}@host", "postgresql://ci:{}@db/x",
    ],
)  # fmt: skip
def test_secrets_of_unknown_origin_by_their_names(quoted: str) -> None:
    assert SECRET not in without_secrets(f"ValueError: {quoted.format(SECRET)}", {})


def test_a_secret_that_came_from_a_keyring_is_known_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail, "_hidden", {SECRET})
    assert SECRET not in without_secrets(f"it said {SECRET}", {})


def test_source_and_words_stay_readable() -> None:
    text = '  File "x.py", line 3, in f\n    client = Client(token=token, secret=secret)\nKeyError: the key is acme'
    assert without_secrets(text, {"A_KEY": "acme"}) == text


def test_the_folder_that_a_shell_was_in_before_is_no_password() -> None:
    environment = {"OLDPWD": "/home/of/somebody", "PWD": "/home/of/somebody/else", "DB_PWD": SECRET}
    assert without_secrets("in /home/of/somebody", environment) == "in /home/of/somebody"
    assert without_secrets(f"it said {SECRET}", environment) == "it said [DB_PWD]"
