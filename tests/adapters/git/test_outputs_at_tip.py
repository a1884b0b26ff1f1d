"""Outputs in a commit on the branch: what stands there is neither replaced nor taken from anybody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.git.outputs_at_tip import AtTip, outputs_at_tip
from reconciler.core.engine.spec import LifecycleOptions, Output
from reconciler.core.errors import PushRefused
from reconciler.core.ledger.lease import FREE
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.outputs.rules import OutputRules
from tests.adapters.git_far_end import clone, hook, ledger_of, remote_of, tip
from tests.app.git_repo import commit_all, git
from tests.core.build import A, current, entry

ID = "eng_x"


def lockfile_with(*files: str) -> Lockfile:
    outputs = tuple(
        Output(file, key="ENGINE") if "env" in file else Output(file, "/engineId") for file in files
    )
    return EMPTY.with_entries(
        {"acme": replace(entry(current("x", A)), kept=LifecycleOptions(outputs=outputs))}
    )


@pytest.fixture
def repo(origin: Path) -> Path:
    """A clone whose branch has a file, a link, a folder and rules about what to ignore."""
    seed = origin.parent / "seed"
    for name, text in {
        ".gitignore": ".env*\n!.env.example\nbuild/\n",
        "web/.gitignore": "local.json\n",
        "web/app.json": "{}\n",
        "notes": "text\n",
        "old/.env": "A=1\n",
    }.items():
        (seed / name).parent.mkdir(exist_ok=True)
        (seed / name).write_text(text)
    (seed / "link").symlink_to("web")
    git(seed, "add", "--force", "old/.env")
    commit_all(seed, "files")
    git(seed, "push", "--quiet", "origin", "main")
    return clone(origin)


def at_tip(repo: Path, *files: str) -> AtTip:
    return outputs_at_tip(remote_of(repo), tip(repo, "main"), "", lockfile_with(*files), OutputRules())


@pytest.mark.parametrize(
    ("file", "there"),
    [("notes/a.json", "notes"), ("link/a.json", "link"), ("web/app.json/deep/a.json", "web/app.json")],
)
def test_a_file_or_a_link_makes_no_room_for_a_folder(repo: Path, file: str, there: str) -> None:
    found = at_tip(repo, file, "new/a.json")
    assert list(found.files) == ["new/a.json"]
    assert found.problems == [
        f"{file} is not written: `{there}` is a file, a link or a submodule on the branch"
    ]


def test_what_git_ignores_on_the_tip_is_not_committed(repo: Path) -> None:
    ignored = [".env", "build/ids.json", "web/.env.local", "web/local.json"]
    taken = [".env.example", "local.json", "old/.env", "web/app.json"]
    found = at_tip(repo, *ignored, *taken)
    assert found.ignored == ignored
    assert sorted(found.files) == taken
    assert found.problems == []


def test_the_rules_are_the_tips_and_not_those_that_lie_around(repo: Path, tmp_path: Path) -> None:
    (repo / ".gitignore").write_text("i18n.json\n")
    taste = tmp_path / "taste"
    taste.write_text("i18n.json\n")
    git(repo, "config", "core.excludesFile", str(taste))
    found = at_tip(repo, ".env", "i18n.json")
    assert (found.ignored, list(found.files)) == ([".env"], ["i18n.json"])


def test_a_path_that_the_rules_refuse_is_not_in_the_commit(repo: Path) -> None:
    found = at_tip(repo, ".github/CODEOWNERS/x.json", "reconcile.yaml/x.json", "i18n.json")
    assert list(found.files) == ["i18n.json"]
    assert len(found.problems) == 2


def test_a_push_that_is_refused_for_its_outputs_brings_the_lockfile(origin: Path, repo: Path) -> None:
    """As where a push rule guards the file, or a token may not write it."""
    hook(
        origin,
        "update",
        '[ "$1" = refs/heads/main ] || exit 0\n'
        'git diff --name-only "$2" "$3" | grep -q guarded.json || exit 0\n'
        'echo "guarded.json is for its owners" >&2; exit 1',
    )
    ledger = ledger_of(repo)
    done = ledger.publish(ledger.look(), lockfile_with("guarded.json", "i18n.json"), (), FREE)
    assert git(origin, "show", "--format=", "--name-only", "main").split() == ["engines.lock.json"]
    [problem] = done.outputs_failed
    assert "only the lockfile is published" in problem
    assert "guarded.json is for its owners" in problem


def test_a_branch_that_takes_nothing_is_refused_as_before(origin: Path, repo: Path) -> None:
    hook(origin, "update", '[ "$1" != refs/heads/main ] || exit 1')
    ledger = ledger_of(repo)
    with pytest.raises(PushRefused):
        ledger.publish(ledger.look(), lockfile_with("i18n.json"), (), FREE)
