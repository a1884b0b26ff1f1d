"""Which pull request brought a commit, and which were told of jobs: asked of a local GitHub."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from reconciler.adapters.github.client import PatientGitHub
from reconciler.adapters.github.comments import recent_comments
from reconciler.adapters.github.pulls import pull_request_of_commit
from reconciler.core.errors import GitHubError
from tests.github_comments_fake import ACTIONS_TOKEN, PERSON, FakeComments
from tests.github_fake import REPOSITORY

SHA, OTHER = "a" * 40, "f" * 40
MARKER = "<!-- reconcile:v1 apply production . -->"
LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture
def github() -> Iterator[FakeComments]:
    with FakeComments() as fake:
        yield fake


@pytest.fixture
def rest(github: FakeComments) -> Iterator[PatientGitHub]:
    with PatientGitHub(github.url, ACTIONS_TOKEN, random=lambda: 0.5, patience=0.0) as client:
        yield client


def brought(rest: PatientGitHub, commit: str = SHA, branch: str | None = "main") -> int | None:
    return pull_request_of_commit(rest, REPOSITORY, commit, branch)


def test_of_many_the_one_that_the_commit_merged(rest: PatientGitHub, github: FakeComments) -> None:
    for number in range(2, 140):
        github.merge(SHA, number, merge_commit_sha=OTHER)
    github.merge(SHA, 140)
    assert brought(rest) == 140
    assert len(github.requests) == 2  # pages


def test_else_the_first_closed_one_into_this_branch(rest: PatientGitHub, github: FakeComments) -> None:
    github.merge(SHA, 2, state="open", merged_at=None, merge_commit_sha=OTHER)
    github.merge(SHA, 3, merge_commit_sha=OTHER, base={"ref": "release"})
    github.merge(SHA, 4, merge_commit_sha=OTHER)
    github.merge(SHA, 5, merge_commit_sha=OTHER)
    assert brought(rest) == 4
    assert brought(rest, branch="release") == 3
    assert brought(rest, branch=None) is None


def test_a_merge_that_was_only_tried_is_none(rest: PatientGitHub, github: FakeComments) -> None:
    """An open pull request has the commit of its trial merge as `merge_commit_sha`."""
    github.merge(SHA, 2, state="open", merged_at=None)
    assert brought(rest) is None


@pytest.mark.parametrize("commit", [OTHER, "main", "..", "x y", "%2e"])
def test_a_commit_that_github_does_not_know(rest: PatientGitHub, commit: str) -> None:
    assert brought(rest, commit) is None


@pytest.mark.parametrize("pull", [5, {}, {"number": "7"}, {"number": True, "state": "closed"}])
def test_what_has_not_the_shape_of_one_is_passed_over(
    rest: PatientGitHub, github: FakeComments, pull: object
) -> None:
    github.commits[SHA] = [pull]  # type: ignore[list-item]  # on purpose
    assert brought(rest) is None


def test_a_token_that_may_not_look_is_an_error(github: FakeComments) -> None:
    with (
        PatientGitHub(github.url, "ghp_unknown", random=lambda: 0.5) as rest,
        pytest.raises(GitHubError, match="does not accept the token"),
    ):
        brought(rest)


def test_recent_comments_are_ours_the_newest_first(rest: PatientGitHub, github: FakeComments) -> None:
    github.pull_requests |= set(range(2, 300))
    github.add(f"{MARKER}\nfirst", number=2)
    github.add(f"{MARKER}\nforged", PERSON, number=3)
    github.add("<!-- reconcile:v1 plan production . -->\nplan", number=2)
    github.add(f"{MARKER}\nold", number=5).updated = datetime(2019, 1, 1, tzinfo=UTC)
    for number in range(6, 230):
        github.add("talk", PERSON, number=number)
    github.add(f"{MARKER}\nlast", number=4)
    found = recent_comments(rest, REPOSITORY, MARKER, LONG_AGO)
    assert [(one.pull_request, one.body.partition("\n")[2]) for one in found] == [(4, "last"), (2, "first")]


def test_no_more_than_a_thousand_comments_are_looked_at(rest: PatientGitHub, github: FakeComments) -> None:
    github.add(f"{MARKER}\nfar away").updated = datetime(2021, 1, 1, tzinfo=UTC)
    for _ in range(1_500):
        github.add("talk", PERSON)
    assert recent_comments(rest, REPOSITORY, MARKER, LONG_AGO) == []
    assert len(github.requests) == 10
