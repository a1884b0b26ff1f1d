"""`--log-level`: how much is said besides results and errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.far_ends import Project, Terminal

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


@pytest.mark.parametrize("level", ["loud", "", "ERROR", "0"])
def test_a_level_that_is_none(project: Project, level: str) -> None:
    project.run("plan", "--log-level", level).ended(64, "--log-level")
