"""The git commands that people are told work from where they are read."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import Project, Ran


@pytest.fixture
def nested(tmp_path: Path, platform: SandboxServer) -> Project:
    """A project in a folder of its repository."""
    made = Project(tmp_path / "my repo/apps/web", platform.url)
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "my repo")], check=True)
    (made.root / "reconcile.yaml").write_text("")
    made.engine("acme")
    return made


def told(ran: Ran) -> str:
    found = re.search(r"commit the engine IDs: `(.*)`", ran.out)
    assert found is not None, ran.out
    return found[1]


@pytest.mark.parametrize(
    ("start", "arguments", "command"),
    [
        ("my repo/apps/web", (), "git add engines.lock.json && git commit"),
        ("my repo/apps/web/engines", (), "git add ../engines.lock.json && git commit"),
        ("my repo", ("-C", "apps/web"), "git add apps/web/engines.lock.json && git commit"),
        (
            "my repo/docs",
            ("-C", "../apps/web/engines"),
            "git add ../apps/web/engines.lock.json && git commit",
        ),
        (".", ("-C", "my repo/apps/web"), "git -C 'my repo/apps/web' add engines.lock.json && git -C "),
        ("elsewhere", ("-C", "../my repo/apps/web"), "/my repo/apps/web' add engines.lock.json && git -C "),
        ("git in git", ("-C", "../my repo/apps/web"), "/my repo/apps/web' add engines.lock.json && git -C "),
    ],
)
def test_what_is_told_works_there(
    nested: Project, tmp_path: Path, start: str, arguments: tuple[str, ...], command: str
) -> None:
    here = Project(tmp_path / start, nested.url)
    if start == "git in git":
        here.git("init", "--quiet")
    said = told(here.run("apply", "--yes", *arguments).ended(0))
    assert command in said
    who = {"GIT_AUTHOR_NAME": "T", "GIT_AUTHOR_EMAIL": "t@localhost"}
    who |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in who.items()}
    done = subprocess.run(
        ["sh", "-c", f"{said} --quiet -m Record"],
        cwd=here.root,
        env=here.environment(**who),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert nested.git("ls-files").split() == ["engines.lock.json"]


def test_in_markdown_too(nested: Project) -> None:
    ran = nested.run("apply", "--yes", "--format", "markdown", "-C", "engines").ended(0)
    assert "commit the engine IDs: `git add engines.lock.json && git commit`" in ran.out


def test_a_link_into_the_project(nested: Project, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(nested.root / "engines")
    here = Project(tmp_path, nested.url)
    said = told(here.run("apply", "--yes", "-C", "link").ended(0))
    assert said.startswith(("git -C 'my repo/apps/web' add engines.lock.json", "git -C link"))


def test_outside_of_git_there_is_nothing_to_tell(bare: Project, platform: SandboxServer) -> None:
    bare.url = platform.url
    assert "commit the engine IDs" not in bare.apply().ended(0).out


def test_a_lockfile_that_was_repaired(nested: Project) -> None:
    nested.run("apply", "--yes").ended(0)
    text = nested.lockfile.read_text()
    nested.lockfile.write_text(f"<<<<<<< ours\n{text}=======\n{text}>>>>>>> theirs\n")
    here = Project(nested.root / "engines", nested.url)
    here.run("lockfile", "repair").ended(0, "review it, then `git add ../engines.lock.json`")


def test_outputs_are_recorded_beside_the_lockfile(nested: Project) -> None:
    places = [("i18n app.json", "pointer: /engineId"), (".env", "key: ENGINE_ID")]
    listed = "".join(f"  - file: '{file}'\n    {place}\n" for file, place in places)
    nested.engine("acme", f"name: Acme\noutputs:\n{listed}")
    (nested.root / ".gitignore").write_text(".env\n")
    ran = nested.run("apply", "--yes").ended(0)
    assert told(ran) == "git add engines.lock.json 'i18n app.json' && git commit"


def test_a_lockfile_that_git_ignores_stops_the_apply(nested: Project, platform: SandboxServer) -> None:
    (nested.root / ".gitignore").write_text("*.lock.json\n")
    said = "engines.lock.json is ignored by git (web/.gitignore:1: *.lock.json)".replace("web/", "apps/web/")
    ran = nested.run("apply", "--yes").ended(3)
    assert said in ran.err
    assert said in nested.run("plan").ended(0).out
    assert said in nested.run("doctor", "--offline").ended(1).out
    assert platform.create_calls() == 0
    (nested.root / ".gitignore").write_text("*.lock.json\n!engines.lock.json\n")
    nested.run("apply", "--yes").ended(0)
