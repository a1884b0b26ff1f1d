"""Completion: what the command answers, and what real shells make of it on a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import shutil
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.far_ends import Project as Folder
from tests.e2e.far_ends import Ran, end_what_runs, wait_until

HOSTILE = {
    "a$(touch x)": "eng_1",
    "b`touch x`": "eng_2",
    "c ;touch x;": "eng_3",
    "d'e\"f": "eng_4",
    "g*": "eng_5",
    "h:i=j@k": "eng_6",
    "größe": "eng_7",
    "p~{q,r}!s&|<>#": "eng_9",
}
BIN = Path(sys.executable).parent
SHELLS = ["bash", "zsh", "fish"]
each_shell = pytest.mark.parametrize(
    "shell",
    [
        pytest.param(one, marks=pytest.mark.skipif(shutil.which(one) is None, reason=f"there is no {one}"))
        for one in SHELLS
    ],
)


@pytest.fixture
def project(tmp_path: Path) -> Folder:
    """With a lockfile that has what no file system would have to offer, and engine files beside it."""
    made = Folder(tmp_path / "repo", None, None)
    made.engine("zeta")
    made.engine("shop/web")
    entry = {"fingerprint": "v1:a", "spec": {"name": "x"}, "jobId": "pjb_1"}
    engines = {key: {"engineId": engine_id, **entry} for key, engine_id in HOSTILE.items()}
    made.lockfile.write_text(json.dumps({"version": 1, "engines": engines}))
    (made.root / "reconcile.yaml").write_text(
        "environments:\n  staging: {lockfile: s.lock.json}\n  production: {}\n"
    )
    return made


def ask(project: Folder, *words: str, of: str = "fish") -> Ran:
    ran = project.run(*words, env={"_RECONCILE_COMPLETE": of})
    assert (ran.code, ran.err) == (0, "")
    return ran


def words(project: Folder, *line: str, of: str = "fish") -> list[str]:
    kind, *found = ask(project, *line, of=of).out.splitlines()
    assert kind == "plain"
    return [one.partition("\t")[0] for one in found]


def test_commands_options_and_values(project: Folder) -> None:
    assert words(project, "pl") == ["plan"]
    assert {"plan", "apply", "completion"} <= set(words(project, ""))
    assert words(project, "lease", "") == ["break", "show"] or set(words(project, "lease", "")) == {
        "show",
        "break",
    }
    assert words(project, "plan", "--det") == ["--detailed-exitcode"]
    assert words(project, "plan", "--format", "ma") == ["markdown"]
    assert words(project, "plan", "--format=ma") == ["--format=markdown"]
    assert words(project, "apply", "--publish", "") == ["pr"]
    assert words(project, "completion", "") == SHELLS
    assert words(project, "help", "exp") == ["export"]
    assert words(project, "--env", "") == ["staging", "production"]
    assert words(project, "plan", "--env=s") == ["--env=staging"]


def test_options_say_what_they_do_where_the_shell_shows_it(project: Folder) -> None:
    told = "--detailed-exitcode\tWith a plan, exit with 2 if there are changes to apply."
    assert ask(project, "plan", "--det", of="zsh").out.splitlines()[1:] == [told]
    assert ask(project, "plan", "--det", of="bash").out.splitlines()[1:] == ["--detailed-exitcode"]


def test_keys_are_those_of_the_files_and_of_the_lockfile(project: Folder, tmp_path: Path) -> None:
    assert set(words(project, "get", "")) == {"zeta", "shop/web", *HOSTILE}
    assert words(project, "plan", "--only", "sh") == ["shop/web"]
    assert words(project, "plan", "--only=sh") == ["--only=shop/web"]
    assert words(project, "rollback", "ze") == ["zeta"]
    assert words(project, "apply", "--allow-retire", "ze") == ["zeta"]
    elsewhere = Folder(tmp_path / "elsewhere", None, None)
    assert words(elsewhere, "-C", "../repo", "get", "ze") == ["zeta"]
    assert words(elsewhere, "get", "") == []


def test_engines_to_go_back_to_are_those_of_the_key_on_the_line(project: Folder) -> None:
    document = json.loads(project.lockfile.read_text())
    document["engines"]["zeta"] = {
        **document["engines"]["größe"],
        "engineId": "eng_20",
        "superseded": [
            {
                "engineId": name,
                "fingerprint": "v1:b",
                "spec": {"name": "y"},
                "replacedAt": "2026-11-01T00:00:00Z",
            }
            for name in ("eng_18", "eng_19")
        ],
    }
    project.lockfile.write_text(json.dumps(document))
    assert words(project, "rollback", "zeta", "--to", "") == ["eng_19", "eng_18"]
    assert words(project, "rollback", "zeta", "--to=eng_18") == ["--to=eng_18"]
    assert words(project, "rollback", "shop/web", "--to", "") == []
    assert words(project, "rollback", "--to", "") == []


def test_a_key_never_becomes_an_option(project: Folder) -> None:
    """An engine file may be called `--yes.yaml`; whoever completes a key does not say yes."""
    project.engine("--yes")
    project.engine("-x")
    for line in (("get", ""), ("rollback", ""), ("resolve", "")):
        assert not [one for one in words(project, *line) if one.startswith("-")], line
    assert set(words(project, "get", "--", "-")) == {"--yes", "-x"}
    assert set(words(project, "plan", "--only", "")) >= {"--yes", "-x"}, "a value, which cannot be one"


def test_files_and_folders_are_left_to_the_shell(project: Folder) -> None:
    for line in (("-C", ""), ("projects", "--projects", ""), ("plan", "--projects", "")):
        assert ask(project, *line).out == "dir\n"
    for line in (("--config", ""), ("validate", ""), ("plan", "--out", ""), ("export", "--output", "x")):
        assert ask(project, *line).out == "file\n"


def test_saved_plans_and_no_other_files(project: Folder) -> None:
    project.run("plan", "--out", "plan.json").ended(0)
    (project.root / "plans").mkdir()
    shutil.copy(project.root / "plan.json", project.root / "plans/old.json")
    os.mkfifo(project.root / "pipe.json")
    assert words(project, "apply", "") == ["plan.json", "engines/", "plans/"]
    assert words(project, "apply", "plans/") == ["plans/old.json"]
    assert words_or_nothing(project, "apply", "nowhere/") == []


@pytest.mark.parametrize(
    "break_it",
    [
        lambda root: (root / "engines.lock.json").write_text("<<<<<<< ours"),
        lambda root: (root / "reconcile.yaml").write_text("environments: ["),
        lambda root: (root / "reconcile.yaml").write_text("concurrency: many\n"),
        lambda root: (
            (root / "engines.lock.json").unlink() or (root / "engines.lock.json").symlink_to("/dev/zero")
        ),
        lambda root: (root / "engines" / "zeta.yaml").write_text("!!python/object:os.system {"),
        lambda root: os.mkfifo(root / "engines" / "z.yaml"),
    ],
)
def test_a_broken_project_completes_what_is_left_in_silence(project: Folder, break_it: object) -> None:
    assert callable(break_it)
    break_it(project.root)
    assert "zeta" in words(project, "get", "z")
    assert ask(project, "plan", "--env", "").err == ""


def test_a_line_that_makes_no_sense_yet_gets_no_answer(project: Folder) -> None:
    for line in (
        ("plan", "--bogus", "--help", ""),
        ("-C", "no/such", "get", ""),
    ):
        assert words_or_nothing(project, *line) == []
    assert ask(project, "--version", "pl").out == "plain\nplan\n"
    assert "Usage" not in ask(project, "plan", "--help", "--det").out
    assert ask(project, "plan", "--det", of="tcsh").code == 0
    assert ask(project).code == 0


def words_or_nothing(project: Folder, *line: str) -> list[str]:
    return ask(project, *line).out.splitlines()[1:]


def test_nothing_is_written_and_git_is_not_started(project: Folder) -> None:
    project.git("init", "--quiet")
    marker = project.root / "ran"
    project.git("config", "core.fsmonitor", f"touch {marker}")
    before = project.snapshot()
    for line in (("get", ""), ("apply", ""), ("plan", "--only", ""), ("--env", "")):
        ask(project, *line)
    assert project.snapshot() == before


def test_control_characters_of_names_reach_no_terminal(project: Folder) -> None:
    (project.root / "engines/e\x1b[31m.yaml").write_text("name: x\n")
    (project.root / "engines/n\nplain.yaml").write_text("name: x\n")
    plan = project.root / "p\x1b.json"
    project.run("plan", "--only", "zeta", "--out", "plan.json")
    shutil.copy(project.root / "engines.lock.json", plan)
    for line in (("get", ""), ("apply", "")):
        assert "\x1b" not in ask(project, *line).out
    assert "plain" not in words(project, "get", "")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (["get", "h", ":", "i"], ["i=j@k"]),
        (["get", "h", ":"], ["i=j@k"]),
        (["get", "h", ":", "i", "=", "j", "@"], ["k"]),
        (["plan", "--format", "=", "ma"], ["markdown"]),
        (["plan", "--format", "="], ["text", "json", "markdown", "github", "gitlab", "sarif"]),
        (["plan", "--only", "=", "sh"], ["shop/web"]),
        (["get", "'a$"], ["a$(touch x)"]),
        (["get", '"a'], ["a\\$(touch x)"]),
        (["get", "'d"], ["d'\\''e\"f"]),
        (["get", "c\\ "], ["c\\ \\;touch\\ x\\;"]),
    ],
)
def test_bash_gets_the_rest_of_the_word_as_it_takes_words_apart(
    project: Folder, line: list[str], found: list[str]
) -> None:
    answered = words(project, *line, of="bash")
    assert answered == found or (line[-1] == "=" and answered[: len(found)] == found)


class Shell:
    """A real shell on a terminal, with its script loaded."""

    def __init__(self, shell: str, project: Folder) -> None:
        start = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"], "fish": ["-N", "-i"]}
        self._master, slave = pty.openpty()
        env = project.environment(
            PATH=f"{BIN}:{os.environ['PATH']}",
            TERM="xterm",
            PS1="> ",
            COLUMNS="200",
            HOME=str(project.root.parent),
        )
        self.process = subprocess.Popen(
            [shell, *start[shell]],
            cwd=project.root,
            env=env,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # fish wants a terminal of its own
        )
        os.close(slave)
        self.shown = ""
        load = {
            "bash": 'eval "$(reconcile completion bash)"',
            "zsh": 'autoload -Uz compinit && compinit -u -D && eval "$(reconcile completion zsh)"',
            "fish": "reconcile completion fish | source",
        }
        self.type(load[shell] + "; echo load''ed\n", "loaded")

    def type(self, keys: str, until: str) -> str:
        """Types, and reads until that is shown; what was shown since."""
        before = len(self.shown)
        os.write(self._master, keys.encode())
        end = time.monotonic() + 30
        while until not in self.shown[before:]:
            assert time.monotonic() < end, self.shown
            if select.select([self._master], [], [], 0.1)[0]:
                self.shown += os.read(self._master, 65536).decode(errors="replace")
        return self.shown[before:]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)


@contextmanager
def on_terminal(shell: str, project: Folder) -> Iterator[Shell]:
    opened = Shell(shell, project)
    try:
        yield opened
    finally:
        opened.close()
        end_what_runs()


@each_shell
def test_a_real_shell_completes_hostile_keys_into_words_that_do_nothing(shell: str, project: Folder) -> None:
    """The key is completed and the line run: the command gets exactly the key, or it would find no engine."""
    with on_terminal(shell, project) as terminal:
        for key, engine_id in HOSTILE.items():
            typed = key[0] if key[0] != "g" else key[:2].replace("*", "\\*")
            shown = terminal.type(f"reconcile get {typed}\t\n", engine_id)
            assert "no engine" not in shown
            assert "not found" not in shown
        wait_until(lambda: terminal.process.poll() is None, "the shell lives")
    assert not (project.root / "x").exists()


@each_shell
def test_a_real_shell_completes_commands_options_and_files(shell: str, project: Folder) -> None:
    (project.root / "settings here.yaml").write_text("concurrency: 4\n")
    with on_terminal(shell, project) as terminal:
        terminal.type("reconcile vers\t\n", "reconcile 0.")
        terminal.type("reconcile export --for\tjso\t--only größ\t\n", "eng_7")
        terminal.type("reconcile --config sett\tget g\\*\t\n", "eng_5")
