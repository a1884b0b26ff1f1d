"""A pull request that changes settings only: where the key goes, and what its plan says."""

from __future__ import annotations

import json

import pytest

from tests.e2e.far_ends import KEY, Project

ELSEWHERE = "https://platform.example"
CHANGE = f"environments:\n  production:\n    timeout: 45m\n    api_url: {ELSEWHERE}\n"


@pytest.fixture
def changed(project: Project) -> Project:
    """A branch that changes nothing but where the platform is."""
    (project.root / "reconcile.yaml").write_text("environments:\n  production: {}\n")
    project.apply().ended(0)
    project.commit("Applied")
    (project.root / "reconcile.yaml").write_text(CHANGE)
    return project


def test_every_view_of_the_plan_names_the_change(changed: Project) -> None:
    expected = f"this branch changes the setting `api_url` of environment `production`: not set → {ELSEWHERE}"
    for view in ("text", "markdown", "github"):
        shown = changed.run("plan", "--base", "HEAD", "--format", view).ended(0)
        assert expected in shown.out, view
    document = json.loads(changed.run("plan", "--base", "HEAD", "--format", "json").ended(0).out)
    assert document["diagnostics"][-1]["message"] == expected
    assert document["diagnostics"][-1]["file"] == "reconcile.yaml"


def test_a_host_that_only_the_file_names_gets_no_key(changed: Project) -> None:
    (changed.root / "engines/acme.yaml").write_text("name: Acme 2\n")
    refused = changed.run("apply", "--yes", env={"LINGO_API_URL": None, "LINGO_API_KEY": KEY}).ended(6)
    assert "LINGO_API_URL" in refused.err
    assert ELSEWHERE in refused.err


def test_an_inbox_of_the_repository_is_not_believed(project: Project) -> None:
    (project.root / "reconcile.yaml").write_text("inbox: inbox.db\n")
    refused = project.apply().ended(6)
    assert "RECONCILE_INBOX" in refused.err
