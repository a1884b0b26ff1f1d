"""docs/get-started.md, pasted: from an empty repository to the comment in a pull request, and to the merge."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from tests.act.actions import ACTION, HERE, REPOSITORY, Repository
from tests.e2e.far_ends import KEY
from tests.github_comments_fake import ACTIONS_TOKEN as TOKEN
from tests.github_comments_fake import FakeComments

pytestmark = [
    pytest.mark.act,
    pytest.mark.skipif(
        not (Path(sys.executable).parent / "act").exists() or shutil.which("bash") is None,
        reason="act is not installed",
    ),
]
PAGE = (HERE / "docs/get-started.md").read_text(encoding="utf-8")


def block(info: str, after: str) -> str:
    """The first block of this kind below a heading."""
    found = re.search(
        rf"^```{info}\n(.*?)^```$", PAGE.partition(f"\n## {after}")[2], re.MULTILINE | re.DOTALL
    )
    assert found is not None, after
    return found[1]


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[tuple[Repository, FakeComments, SandboxServer]]:
    """A repository with one file of its own, as its origin has it."""
    settings = SandboxSettings(job_seconds=0.2, api_keys=(KEY,))
    with SandboxServer(settings) as platform, FakeComments() as github:
        made = Repository(tmp_path, platform.url, github.url)
        shutil.rmtree(made.work.root / ".github")
        (made.work.root / "action.yml").unlink()
        (made.work.root / "README.md").write_text("An application.\n")
        made.push("First")
        yield made, github, platform


def pasted(repository: Repository, text: str) -> None:
    env = repository.work.environment()
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=repository.work.root,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_leads_to_the_first_comment_and_through_the_merge(
    empty: tuple[Repository, FakeComments, SandboxServer],
) -> None:
    repository, github, platform = empty
    pasted(repository, block("sh", "2. "))
    pasted(repository, block("sh", "3. "))
    file = repository.work.root / "engines/website.yaml"
    file.write_text(block("yaml", "3. "))
    pasted(repository, PAGE.partition("Look at what would happen:\n\n```sh\n")[2].partition("```")[0])
    source = re.sub(r"OWNER/reconcile@[0-9a-f]{40}", ACTION, block("text", "4. "))
    assert ACTION in source
    pasted(repository, source)
    repository.push("Set up reconcile")

    repository.work.git("checkout", "--quiet", "-b", "feature")
    file.write_text(file.read_text().replace("[de, fr, pt-BR]", "[de, fr, pt-BR, it]"))
    repository.push("Add Italian", "feature")
    pull_request = {
        "number": 1,
        "head": {"ref": "feature", "sha": "0" * 40, "repo": {"full_name": REPOSITORY, "fork": False}},
        "base": {"ref": "main", "sha": "1" * 40, "repo": {"full_name": REPOSITORY}},
    }
    repository.check_out_merge_of("feature")
    payload = {"action": "opened", "number": 1, "pull_request": pull_request}
    repository.act("pull_request", "engines-plan.yml", payload, token=TOKEN).ended(0)
    (comment,) = github.bodies()
    assert "website" in comment

    repository.work.git("checkout", "--quiet", "main")
    repository.work.git("merge", "--quiet", "--no-ff", "-m", "Merge", "feature")
    repository.push_only()
    github.merge(repository.work.git("rev-parse", "HEAD").strip())
    push = {"ref": "refs/heads/main"}
    repository.act("push", "engines-apply.yml", push, secrets={"LINGO_API_KEY": KEY}, token=TOKEN).ended(
        0, "1 created"
    )
    engine = repository.lock()["engines"]["website"]
    assert engine["engineId"] == platform.engines()[0]["id"]
    assert "it" in engine["spec"]["locales"]
    assert json.dumps(engine["spec"]["name"]) == '"Acme website"'
