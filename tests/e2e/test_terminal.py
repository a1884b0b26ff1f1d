"""On a terminal: the question, live progress, colour. And what is left where there is none."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import Project, terminal

QUESTION = "Apply this?"


def test_no_means_no(project: Project, platform: SandboxServer) -> None:
    with terminal(project) as screen:
        shown = screen.read(until=QUESTION)
        assert "2 to create" in shown
        screen.say("n\n")
        assert screen.end() == 0
        assert "nothing was done" in screen.shown
    assert platform.requests() == []
    assert not project.private.exists()


def test_yes_applies_with_live_progress(project: Project, platform: SandboxServer) -> None:
    with terminal(project, "apply") as screen:
        assert "2 provisioning jobs" in screen.read(until=QUESTION)
        screen.say("y\n")
        assert screen.end() == 0
        assert "\x1b[" in screen.shown
        assert str(platform.engines()[0]["id"]) in screen.shown
        assert "\x1b[?25h" in screen.shown or "\x1b[?25l" not in screen.shown  # the cursor is back
    assert platform.create_calls() == 2
    with terminal(project) as screen:  # nothing to do: nothing is asked
        assert screen.end() == 0
        assert QUESTION not in screen.shown


def test_the_time_at_the_question_is_not_the_run_s(project: Project) -> None:
    started = time.monotonic()
    with terminal(project) as screen:
        screen.read(until=QUESTION)
        asked = time.monotonic()
        time.sleep(2)  # a person thinks
        thought = time.monotonic() - asked
        screen.say("y\n")
        assert screen.end() == 0
        told = re.search(r" in (\d+\.\d) s\.", screen.shown)
        assert told, screen.shown
        assert float(told[1]) <= time.monotonic() - started - thought + 0.05  # it is rounded


def test_a_file_that_goes_while_the_question_stands(project: Project, platform: SandboxServer) -> None:
    with terminal(project) as screen:
        screen.read(until=QUESTION)
        (project.root / "engines/acme.yaml").unlink()
        screen.say("y\n")
        assert screen.end() == 6
        assert "nothing was done" in screen.shown
    assert platform.requests() == []
    assert not project.lockfile.exists()


def test_a_key_is_asked_for_before_the_question(project: Project) -> None:
    project.key = None
    with terminal(project) as screen:
        assert screen.end() == 3
        assert "no API key" in screen.shown
        assert QUESTION not in screen.shown


@pytest.mark.parametrize("ending", ["\x03", "\x04"], ids=["ctrl-c", "ctrl-d"])
def test_leaving_the_question(project: Project, platform: SandboxServer, ending: str) -> None:
    with terminal(project) as screen:
        screen.read(until=QUESTION)
        if ending == "\x03":  # the pty has no foreground group to send it to
            screen.process.send_signal(signal.SIGINT)
        else:
            screen.say(ending)
        assert screen.end() == 130
    assert platform.requests() == []


def test_json_on_a_terminal_asks_on_stderr(project: Project) -> None:
    with terminal(project, "apply", "--format", "json") as screen:
        screen.read(until=QUESTION)
        screen.say("y\n")
        assert screen.end() == 0
        assert '"exitCode": 0' in screen.shown


def test_colour(project: Project) -> None:
    def coloured(*words: str, **env: str) -> bool:
        with terminal(project, "plan", *words, **env) as screen:
            assert screen.end() == 0
            return "\x1b[" in screen.shown

    assert coloured()
    assert not coloured(NO_COLOR="1")
    assert not coloured(TERM="dumb")
    assert not coloured("--color", "never")
    assert coloured("--color=always", NO_COLOR="1")
    assert "\x1b[" in project.run("plan", "--color", "always").ended(0).out
    assert "\x1b[" not in project.run("plan").ended(0).out
    assert "\x1b[" in project.run("plan", env={"FORCE_COLOR": "1"}).ended(0).out
    assert "\x1b[" not in project.run("plan", "--color=never", env={"FORCE_COLOR": "1"}).ended(0).out


def test_forced_colour_makes_no_terminal_of_a_pipe(project: Project) -> None:
    """A log that shows colour is still read line by line."""
    forced = project.run("apply", "--yes", env={"FORCE_COLOR": "1"}).ended(0)
    assert "\x1b[" in forced.out
    assert "\x1b[?25l" not in forced.err


def test_a_dumb_terminal_gets_plain_lines(project: Project) -> None:
    with terminal(project, "apply", "--yes", TERM="dumb") as screen:
        assert screen.end() == 0
        assert "\x1b" not in screen.shown


@pytest.mark.usefixtures("cold")
@pytest.mark.parametrize("words", [("plan",), ("--help",), ("plan", "--format", "json")], ids=" ".join)
def test_a_reader_that_goes_away(project: Project, words: tuple[str, ...]) -> None:
    for number in range(60):
        project.engine(f"many/{number}")
    process = project.start(*words)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    assert project.finish(process).err == ""


@pytest.mark.usefixtures("cold")
def test_standard_output_that_is_full(project: Project, platform: SandboxServer) -> None:
    with open("/dev/full", "wb") as full:
        project.run("plan", stdout=full).ended(1, "error: cannot write the output", "No space left")
        project.run("apply", "--yes", "--format", "json", stdout=full).ended(1, "cannot write the output")
        assert len(project.lock["engines"]) == 2
        project.run("plan", "--frobnicate", "--format", "json", stdout=full).ended(
            1, "cannot write the output"
        )
        assert project.run("plan", "--frobnicate", stderr=full).code == 1


def test_a_pipe_that_is_full_and_does_not_block(project: Project) -> None:
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    with open(reads, "rb"), open(writes, "wb", buffering=0) as full:
        while full.write(bytes(4096)):  # None once there is no more room
            continue
        project.run("plan", stdout=full).ended(1, "error: cannot write the output", "unavailable")


def test_streams_that_are_closed(project: Project, platform: SandboxServer) -> None:
    """What the program opens must not land in their place."""
    close = 'exec "$@" <&- >&- 2>&-'
    command = ["sh", "-c", close, "sh", sys.executable, "-m", "reconciler", "apply", "--yes"]
    done = subprocess.run(command, cwd=project.root, env=project.environment(), check=False, timeout=60)
    assert done.returncode == 0
    assert len(project.lock["engines"]) == 2
    assert project.records() == []


@pytest.mark.parametrize("env", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}], ids=str)
def test_a_locale_without_unicode(project: Project, platform: SandboxServer, env: dict[str, Any]) -> None:
    project.engine("köln/日本", "name: Zweigstelle Köln\n")
    project.run("plan", env=env | {"LANG": None}).ended(0, "3 to create")
    project.run("apply", "--yes", "--only", "köln/*", env=env | {"LANG": None}).ended(0)
    assert list(project.lock["engines"]) == ["köln/日本"]
    assert platform.create_calls() == 1


def test_names_that_the_locale_cannot_read_are_not_overlooked(bare: Project) -> None:
    """Else an engine would look as if its file were gone."""
    bare.engine("köln/web")
    no_unicode = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "LANG": None}
    bare.run("plan", env=no_unicode).ended(3, "the folder name is not printable UTF-8")


def test_long_waits_print_plain_lines_with_their_time(project: Project) -> None:
    lines = project.apply().ended(0).err.splitlines()
    assert lines
    assert all(line[:4].isdigit() and line[10] == "T" for line in lines), lines
    assert not any(os.path.sep + "home" in line for line in lines)


@pytest.mark.parametrize("color", ["always", "never"])
@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize(
    "words",
    [["plan"], ["status"], ["validate"], ["doctor"], ["plan", "acme"], ["plan", "--help"]],
    ids=" ".join,
)
def test_what_is_shown_fits_and_breaks_no_word(
    project: Project, words: list[str], columns: int, color: str
) -> None:
    """Only what is there to be copied, a command or a path, may be wider than the terminal."""
    (project.root / "engines/odd.yaml").write_text(
        "name: Odd\nlocales: [de, deutsch, 'and a line that goes on and on']\n"
    )
    if words == ["status"]:
        (project.root / "engines/odd.yaml").unlink()
        project.apply().ended(0)
    with terminal(project, *words, "--color", color, COLUMNS=str(columns)) as screen:
        screen.end()
        shown = re.sub(r"\x1b\[[0-9;]*m", "", screen.shown).replace("\r", "")
    with terminal(project, *words, "--color", color, COLUMNS="1000") as screen:
        screen.end()
        whole = re.sub(r"\x1b\[[0-9;]*m", "", screen.shown)
    assert "…" not in shown or "| " in shown  # only an excerpt is cut
    for line in shown.split("\n"):
        assert len(line) <= columns or len(line.split()) == 1 or "`" in line, line
        if "|" not in line:
            assert all(word in whole.split() or word.startswith("+") for word in line.split()), line
