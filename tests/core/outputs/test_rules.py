"""Files that no engine's ID is ever written to, however their names are spelled."""

from __future__ import annotations

import pytest

from reconciler.core.engine.spec import LifecycleOptions, Output
from reconciler.core.lockfile.entry import Entry, Provisioned
from reconciler.core.lockfile.model import EMPTY
from reconciler.core.outputs.places import writes_of
from reconciler.core.outputs.rules import OutputRules

RULES = OutputRules("i18n/engines", "locks/engines.lock.json")


@pytest.mark.parametrize(
    "file",
    [
        *(
            ".git/config.json",
            ".GIT/a.json",
            "git~1/a.json",
            ".g\u200cit/a.json",
            ".git./a.json",
            "a/.git/b.json",
        ),
        *(".gitmodules.json", ".github/workflows/ci.yml", ".GitHub/dependabot.yml", ".githooks/a.json"),
        *(".gitlab-ci.yml", "ci/deploy.gitlab-ci.yml", ".circleci/config.yml", ".buildkite/pipeline.yml"),
        *("azure-pipelines.yml", "azure-pipelines-nightly.yaml", "bitbucket-pipelines.yml", ".travis.yml"),
        *(
            ".drone.yml",
            ".woodpecker.yml",
            ".woodpecker/a.yml",
            "appveyor.yml",
            "cloudbuild.yaml",
            "buildspec.yml",
        ),
        *(".pre-commit-config.yaml", "lefthook.yml", ".husky/a.json", "action.yml", "tools/action.yaml"),
        *(
            "package.json",
            "web/package.json",
            "composer.json",
            ".vscode/tasks.json",
            ".devcontainer/devcontainer.json",
        ),
        *(
            "reconcile.yaml",
            "Reconcile.YAML",
            "apps/reconcile.yaml",
            "reconcile.yml",
            "reconcile.yaml/a.json",
        ),
        *(
            "locks/engines.lock.json",
            "locks/Engines.Lock.json",
            "locks/engines.lock.json/a.json",
            "old.lock.json",
        ),
        *("i18n/engines/acme.yaml", "I18N/Engines/a/b.YML", "i18n/engines/acme.yaml/x.json"),
        *("../a.json", "a/../b.json", "/a.json", "a//b.json", "a\\b.json", "a\nb.json", "a\0.json", "", "."),
    ],
)
def test_refused(file: str) -> None:
    assert RULES.refusal(file)


@pytest.mark.parametrize(
    "file",
    [
        *("i18n.json", ".env", "web/.env.production", ".lingo/config.json", "config/drone-fleet.yaml"),
        *("engines/a.json", "i18n/engines/ids.json", "src/transaction.yml", "a.git.json", "compose.yaml"),
    ],
)
def test_left_to_the_application(file: str) -> None:
    assert RULES.refusal(file) is None


def test_a_lockfile_that_names_such_a_file_is_not_followed() -> None:
    """Whoever edits the lockfile by hand gets no further than with an engine file."""
    bad, good = Output(".github/workflows/ci.yml", "/name"), Output("i18n.json", "/engineId")
    entry = Entry(Provisioned("eng_1", "v1:a", {"name": "x"}), kept=LifecycleOptions(outputs=(bad, good)))
    files, problems = writes_of(EMPTY.with_entries({"a": entry}))
    assert list(files) == ["i18n.json"]
    assert problems == [".github/workflows/ci.yml belongs to git or its host: it is not written"]
