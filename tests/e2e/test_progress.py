"""What a run of many engines shows while it goes on: on terminals of several sizes, and in a log."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import Project, terminal

STEPS = "queued|creating|waiting|crawling|extracting brand voices|building glossary|writing instructions"


@pytest.fixture
def job_seconds() -> float:
    return 3.0


def many(tmp_path: Path, platform: SandboxServer, count: int) -> Project:
    """So many engines of which three fail."""
    project = Project(tmp_path / "many", platform.url)
    project.git("init", "--quiet")
    for number in range(count):
        fault = "description: '[sandbox: fail=no crawl]'\n" if number % (count // 3) == 1 else ""
        project.engine(
            f"team{number % 5}/engine-{number:03}", f"name: Engine {number}\n{fault}", running=True
        )
    return project


@pytest.mark.parametrize(
    ("count", "columns", "lines"), [(60, 40, 10), (60, 80, 24), (60, 120, 40), (300, 80, 24)]
)
def test_many_engines_on_a_terminal(
    tmp_path: Path, platform: SandboxServer, count: int, columns: int, lines: int
) -> None:
    project = many(tmp_path, platform, count)
    size = {"COLUMNS": str(columns), "LINES": str(lines)}
    with terminal(project, "apply", "--yes", "--concurrency", "32", **size) as screen:
        assert screen.end() == 1
        shown = screen.shown
    drawn = shown[shown.index("\x1b[?25l") : shown.index("\x1b[?25h")]
    rows = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", row) for row in re.split(r"[\r\n]+", drawn)]
    assert max(map(len, rows)) <= columns
    pictures = re.split(r"! team\d/engine-\d+", drawn)[
        1:-1
    ]  # between failures; after the last one there may be none
    assert all(" failed" in one for one in pictures if f"/{count} engines" in one)
    counted = [row for row in rows if re.fullmatch(rf" +\d+  (?:{STEPS})", row)]
    assert len(counted) > 3
    failed = [row for row in rows if re.search(r"^! team\d/engine-\d+", row)]
    assert len(failed) == 3
    assert not any("eng_" in row for row in rows)  # what went well is counted
    # Between two pictures it goes up only over what it has drawn, and that fits.
    ups = [len(re.findall(r"\x1b\[1A", part)) for part in re.split(r"\r\n|━", drawn)]
    assert max(ups) < lines


@pytest.mark.parametrize("count", [60, 300])
def test_many_engines_in_a_log(tmp_path: Path, platform: SandboxServer, count: int) -> None:
    project = many(tmp_path, platform, count)
    ran = project.run("apply", "--yes", "--no-publish", "--concurrency", "32", env={"CI": "true"}).ended(1)
    lines = [line.partition("  ")[2] for line in ran.err.splitlines()]
    assert lines[0] == f"{count} provisioning jobs to create"
    assert re.fullmatch(rf"\d+/{count} engines(, \d failed)?; waiting for \d+ jobs", lines[1])
    assert lines[-1].startswith(f"{count}/{count} engines, 3 failed (")
    assert len(re.findall(r"team\d/engine-\d+ failed: no crawl", lines[-1])) == 3
    assert len(lines) == 3


def test_few_engines_in_a_log_have_their_steps_in_words(project: Project) -> None:
    project.engine("shop/web", running=True)
    err = project.apply().ended(0).err
    assert re.search(r"shop/web  extracting brand voices: ", err)
    assert "extracting_brand" not in err
