from __future__ import annotations

import pytest

from reconciler.core.pull_request.event import PullRequest, pull_request_of

COMMIT = "4f2c1a9be07d5a3c8e6f1b2d9a0c7e5f4b3a2d1c"


def opened(head: str | None = "acme/engines", number: object = 7, sha: object = COMMIT) -> dict[str, object]:
    repo = None if head is None else {"full_name": head}
    return {
        "number": number,
        "pull_request": {
            "number": number,
            "head": {"sha": sha, "repo": repo},
            "base": {"repo": {"full_name": "acme/engines"}},
        },
    }


def test_a_pull_request_of_the_repository_itself() -> None:
    assert pull_request_of(opened(), "refs/pull/7/merge") == PullRequest(7, COMMIT, False)


@pytest.mark.parametrize("head", ["someone/engines", None])
def test_a_forks(head: str | None) -> None:
    assert pull_request_of(opened(head), "") == PullRequest(7, COMMIT, True)


def test_dependabots_is_treated_like_a_forks() -> None:
    assert pull_request_of(opened(), "", "dependabot[bot]") == PullRequest(7, COMMIT, True)


def test_a_comment_in_one() -> None:
    assert pull_request_of({"issue": {"number": 7, "pull_request": {}}}, "refs/heads/main") == PullRequest(7)
    assert pull_request_of({"issue": {"number": 7}}, "refs/heads/main") is None


def test_without_an_event_the_ref_tells() -> None:
    assert pull_request_of(None, "refs/pull/12/merge") == PullRequest(12)
    assert pull_request_of({}, "refs/pull/12/head") == PullRequest(12)


@pytest.mark.parametrize(
    "ref", ["", "refs/heads/main", "refs/pull/0/merge", "refs/pull/x/merge", "refs/pull/1/merge\n"]
)
def test_other_refs_are_of_none(ref: str) -> None:
    assert pull_request_of(None, ref) is None


@pytest.mark.parametrize("number", [0, -1, True, "7", None, 1.5, [7]])
def test_numbers_that_are_none(number: object) -> None:
    assert pull_request_of(opened(number=number), "") is None


@pytest.mark.parametrize("sha", [None, 7, "", "HEAD", "4f2c1a9", COMMIT + "\n", "<script>"])
def test_commits_that_are_none(sha: object) -> None:
    assert pull_request_of(opened(sha=sha), "") == PullRequest(7, None, False)


@pytest.mark.parametrize(
    "event", [None, [], "x", 1, {"pull_request": []}, {"pull_request": {"number": 1, "head": 5}}]
)
def test_events_in_odd_shapes_break_nothing(event: object) -> None:
    assert pull_request_of(event, "") in (None, PullRequest(1, None, False))
