"""The examples on the pages are what the program prints. `REWRITE_GOLDEN=1 pytest tests/cli` rewrites them.

A block that follows `<!-- printed: SCENE: COMMAND -->` is compared with what the command prints in that scene.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from reconciler.cli.main import main
from tests.cli.documented import SCENES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"^<!-- printed: (?P<scene>[^:\n]+): reconcile (?P<command>[^\n]+) -->\n"
    r"(?P<open>(?P<ticks>`{3,4})\w*\n(?:\$ [^\n]*\n)?)(?P<shown>.*?)^(?P=ticks)$",
    re.MULTILINE | re.DOTALL,
)
EXAMPLES = [
    (page, found["scene"], found["command"])
    for page in PAGES
    for found in BLOCK.finditer(page.read_text(encoding="utf-8"))
]
_OURS = re.compile(r"CI$|CI_|GITHUB_|RECONCILE_|LINGO|NO_COLOR|COLUMNS")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if _OURS.match(name)]:
        monkeypatch.delenv(name)
    (tmp_path / "engines").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("page", "scene", "command"),
    EXAMPLES,
    ids=[f"{page.name}: {scene}: {command}" for page, scene, command in EXAMPLES],
)
def test_example_is_what_is_printed(
    page: Path, scene: str, command: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    SCENES[scene](project)
    main(shlex.split(command))
    shown = capsys.readouterr()
    printed = shown.out if "--format json" in command else shown.out + shown.err
    text = page.read_text(encoding="utf-8")
    [found] = [each for each in BLOCK.finditer(text) if (each["scene"], each["command"]) == (scene, command)]
    if os.environ.get("REWRITE_GOLDEN"):
        text = text[: found.start("shown")] + printed + text[found.end("shown") :]
        page.write_text(text, encoding="utf-8", newline="\n")
    else:
        assert found["shown"] == printed


def test_the_pages_that_promise_it_have_such_examples() -> None:
    assert {"README.md", "plan-output.md", "engine-files.md"} <= {page.name for page, _, _ in EXAMPLES}
    assert {scene for _, scene, _ in EXAMPLES} == set(SCENES)


def test_every_marker_is_read() -> None:
    """One that is spelled otherwise would guard nothing."""
    marks = sum(page.read_text(encoding="utf-8").count("<!-- printed:") for page in PAGES)
    assert marks == len(EXAMPLES)
