"""`reconcile doctor` in a checkout that is not whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.cli.checks.here import check_here
from reconciler.core.checkup import Verdict
from reconciler.core.lockfile import model
from reconciler.core.settings.model import Settings
from reconciler.project.opened import Project
from tests.app.git_repo import commit_all, git, new_repo
from tests.core.build import A, current, entry, lockfile

KEYS = ("shop/web", "support/help")


def test_engine_files_that_git_leaves_out_are_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    root = new_repo(tmp_path / "repo", "--template=")
    for key in KEYS:
        file = root / f"engines/{key}.yaml"
        file.parent.mkdir(parents=True)
        file.write_text("name: Acme\n")
    recorded = lockfile({key: entry(current(str(number), A)) for number, key in enumerate(KEYS)})
    (root / "engines.lock.json").write_bytes(model.render(recorded))
    commit_all(root)

    def checkout() -> list[str]:
        findings = check_here(Project(root, Settings(), None))
        return [one.diagnostics[0].message for one in findings if one.check == "checkout"]

    assert checkout() == []
    git(root, "sparse-checkout", "set", "engines/shop")
    assert checkout() == ["the engine file of support/help is not checked out: the checkout is sparse"]
    git(root, "sparse-checkout", "disable")
    (root / f"engines/{KEYS[0]}.yaml").unlink()
    assert checkout() == []  # deleted at a desk
    (root / f"engines/{KEYS[1]}.yaml").unlink()
    engines = next(one for one in check_here(Project(root, Settings(), None)) if one.check == "engines")
    assert engines.verdict is Verdict.PROBLEM
