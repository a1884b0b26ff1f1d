"""`--log-level`: how much is said besides results and errors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.far_ends import KEY, Project, Terminal

OUTPUT = "name: {name}\noutputs: [{{file: i18n.json, pointer: /engineId}}]\n"


@pytest.fixture
def shared(project: Project, tmp_path: Path) -> Project:
    """With a remote, and an output."""
    project.git("init", "--quiet", "--bare", "--initial-branch=main", str(tmp_path / "origin.git"))
    project.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    project.engine("shop/web", OUTPUT.format(name="Shop"))
    project.commit()
    project.git("push", "--quiet", "origin", "HEAD:main")
    return project


def test_error_leaves_results_alone(shared: Project) -> None:
    ran = shared.apply("--log-level", "error", "--publish").ended(0, "Apply: 2 created")
    assert ran.err == ""
    (shared.root / "i18n.json").write_text("{}")
    assert shared.apply("--log-level", "error").ended(0).err == ""
    (shared.root / "i18n.json").write_text("{")
    ran = shared.apply("--log-level", "error").ended(1, "Outputs that cannot be written")
    assert ran.err == ""
    assert "warning: i18n.json" in shared.apply("--log-level", "warning").ended(1).err
    assert shared.run("collect", "--log-level=error").ended(1).err == ""


def test_error_shows_what_fails(shared: Project) -> None:
    shared.engine("acme", "name: acme\ndescription: '[sandbox: fail times=1]'\n", running=True)
    ran = shared.run("--log-level", "error", "--yes").ended(1, "1 engine failed:", "1 failed")
    assert ran.err == ""
    ran = shared.apply("--log-level", "error", "--only", "nothing").ended(64)
    assert ran.err.startswith("error: no engine matches `nothing`\nhint: ")


@pytest.mark.parametrize(("level", "progress"), [("warning", False), ("info", True), ("debug", True)])
def test_progress_is_information(project: Project, level: str, progress: bool) -> None:
    ran = project.apply("--log-level", level).ended(0)
    assert ("acme  completed: eng_" in ran.err) == progress


def test_a_terminal_shows_no_live_progress_either(project: Project) -> None:
    quiet = Terminal(project, "apply", "--yes", "--log-level", "error")
    assert quiet.end() == 0
    assert "Apply: 2 created" in quiet.shown
    assert "\x1b[?25l" not in quiet.shown  # the cursor was never hidden


def test_debug_shows_requests_and_git_with_their_answers(shared: Project) -> None:
    shared.engine("shop/app", running=True)
    err = shared.apply("--log-level", "debug", "--publish").ended(0).err
    debug = [line.partition("  debug: ")[2] for line in err.splitlines() if "  debug: " in line]
    created = rf"POST {shared.url}/jobs/provisioning: 202 in [\d,]+ ms, \d+ bytes sent, \d+ received"
    assert any(re.fullmatch(created, line) for line in debug)
    assert any(re.match(r"GET ws://\S+/jobs/provisioning/pjb_\w+/ws: 101 in \d+ ms", line) for line in debug)
    assert any(re.match(r"job pjb_\w+: status completed, \d+ bytes", line) for line in debug)
    assert any(re.match(r"git push .*: 0 in [\d,]+ ms, \d+ bytes in, \d+ out", line) for line in debug)
    assert KEY not in err
    assert "acme.example" not in err  # what was sent is not shown
    assert "debug:" not in shared.run("plan", "--log-level", "info").ended(0).err


def test_debug_in_every_command(shared: Project) -> None:
    assert "debug: git " in shared.run("history", "--log-level", "debug").ended(0).err
    assert "debug: GET " in shared.run("doctor", "--log-level=debug").err
    broken = shared.apply("--log-level", "debug", "--publish").ended(0)
    assert "debug: git fetch" in broken.err or "debug: git ls-remote" in broken.err


@pytest.mark.parametrize("level", ["loud", "", "ERROR", "0"])
def test_a_level_that_is_none(project: Project, level: str) -> None:
    project.run("plan", "--log-level", level).ended(64, "--log-level")
