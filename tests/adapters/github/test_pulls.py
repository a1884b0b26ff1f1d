"""One pull request of ours, kept as it should be, against a GitHub on a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.github.client import PatientGitHub
from reconciler.adapters.github.pulls import PullRequests, Shown, Wanted
from reconciler.core.errors import GitHubError
from tests.app.git_repo import commit_all, git, new_repo
from tests.github_fake import REPOSITORY, TOKEN, Reply, Trouble, refusal
from tests.github_pulls_fake import FakePulls

HEAD = "reconcile/production"
WANTED = Wanted(HEAD, "main", "Record acme (production)", "What changed", "Record ")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = new_repo(tmp_path_factory.mktemp("template") / "origin", "--template=")
    (root / "a").write_text("a")
    commit_all(root)
    git(root, "checkout", "--quiet", "-b", HEAD)
    (root / "b").write_text("b")
    commit_all(root)
    return root


@pytest.fixture
def github(template: Path) -> Iterator[FakePulls]:
    with FakePulls(template) as fake:
        yield fake


def show(github: FakePulls, wanted: Wanted = WANTED, *, token: str = TOKEN) -> tuple[Shown, list[str]]:
    notices: list[str] = []
    with connection(github, token) as rest:
        return PullRequests(rest, REPOSITORY, notices.append).show(wanted), notices


def connection(github: FakePulls, token: str = TOKEN) -> PatientGitHub:
    return PatientGitHub(github.url, token, random=lambda: 0.0, sleep=lambda seconds: None)


def test_it_is_opened_once_and_then_brought_up_to_date(github: FakePulls) -> None:
    assert show(github) == (Shown("opened", 1, github.pulls[0]["html_url"]), [])
    assert show(github)[0].done == "unchanged"
    assert (
        show(github, replace(WANTED, title="Record 2 engines (production)", body="More"))[0].done == "updated"
    )
    (pull,) = github.pulls
    assert (pull["title"], pull["body"]) == ("Record 2 engines (production)", "More")
    assert len(github.asked("POST", "/pulls")) == 1


def test_a_title_that_a_person_gave_stays(github: FakePulls) -> None:
    show(github)
    github.pulls[0].update(title="chore: engines", body="What changed\r\n")
    assert show(github, replace(WANTED, title="Record 2 engines (production)"))[0].done == "unchanged"
    assert github.pulls[0]["title"] == "chore: engines"


def test_only_ours_counts(github: FakePulls) -> None:
    """Not one from a fork's branch of the same name, nor one to another branch, nor one that is over."""
    github.put(HEAD, repository="mallory/engines")
    github.put(HEAD, base="release")
    github.put(HEAD, state="closed", merged_at="2026-11-24T12:00:00Z")
    shown, notices = show(github)
    assert (shown.done, shown.number, notices) == ("opened", 4, [])


def test_one_among_many_pages_is_found(github: FakePulls) -> None:
    github.page_size = 1
    ours = github.put(HEAD, title="Record x", body="old")
    for _ in range(3):
        github.put(HEAD, base="main", repository="acme/fork")
    assert show(github)[0] == Shown("updated", ours["number"], ours["html_url"])


def test_one_that_was_closed_unmerged_is_followed_by_another_and_that_is_said(github: FakePulls) -> None:
    show(github)
    github.close(1)
    shown, notices = show(github)
    assert shown.number == 2
    assert notices == ["pull request #1 was closed without merging; opening a new one"]


def test_a_lost_answer_does_not_open_two(github: FakePulls) -> None:
    github.troubles.extend([None, None, Trouble(hang_up=True, after=True)])
    shown, _ = show(github)
    assert (shown.number, len(github.open)) == (1, 1)


def test_two_runs_at_once_end_with_one(github: FakePulls) -> None:
    """Another run opened it between our look and our request."""
    ours = github.put(HEAD, title="Record x", body="old")
    github.troubles.append(Trouble(Reply(200, [])))
    assert show(github)[0] == Shown("updated", ours["number"], ours["html_url"])


def test_labels_are_added_and_others_kept(github: FakePulls) -> None:
    wanted = replace(WANTED, labels=("localization", "Automated"))
    show(github, wanted)
    github.pulls[0]["labels"].append({"name": "by hand"})
    show(github, wanted)
    assert [label["name"] for label in github.pulls[0]["labels"]] == ["localization", "Automated", "by hand"]
    assert len(github.asked("POST", "/labels")) == 1


def test_auto_merge_is_switched_on_once(github: FakePulls) -> None:
    wanted = replace(WANTED, merge_method="squash")
    show(github, wanted)
    show(github, wanted)
    assert github.pulls[0]["auto_merge"] == {"merge_method": "squash"}
    assert len(github.asked("POST", "/graphql")) == 1


def test_extras_that_github_refuses_are_said_and_no_failure(github: FakePulls) -> None:
    github.auto_merge_allowed = False
    github.troubles.extend([None, None, None, Trouble(refusal(422, "Validation Failed"))])
    shown, notices = show(github, replace(WANTED, labels=("a",), merge_method="merge"))
    assert shown.done == "opened"
    assert notices == [
        f"the labels were not set: GitHub answered 422 to POST /repos/{REPOSITORY}/issues/1/labels: Validation Failed",
        "auto-merge was not enabled: Auto merge is not allowed for this repository",
    ]


@pytest.mark.parametrize("document", [{}, {"errors": []}, {"errors": "x"}, {"errors": [5]}, [], "x", None])
def test_odd_answers_of_graphql(github: FakePulls, document: object) -> None:
    github.troubles.extend([None, None, None, Trouble(Reply(200, document))])
    assert show(github, replace(WANTED, merge_method="merge"))[0].done == "opened"


@pytest.mark.parametrize(
    "items", [[None, 5, "x", {}, {"number": "1"}], {}, [{"head": 5, "base": None, "number": 1}]]
)
def test_odd_lists_hold_nothing_of_ours(github: FakePulls, items: object) -> None:
    github.troubles.extend([Trouble(Reply(200, items)), Trouble(Reply(200, items))])
    assert show(github)[0].done == "opened"


@pytest.mark.parametrize("why", ["setting", "token"])
def test_a_right_that_is_missing_is_named(github: FakePulls, why: str) -> None:
    if why == "setting":
        github.may_open = False
    else:
        github.readers.add(TOKEN)
    with pytest.raises(GitHubError) as raised:
        show(github)
    assert raised.value.status == 403
    assert "pull-requests: write" in str(raised.value.hint)
    assert "Nothing is lost" in str(raised.value.hint)
    assert TOKEN not in f"{raised.value.message}{raised.value.hint}"


def test_other_refusals_are_told(github: FakePulls) -> None:
    with pytest.raises(GitHubError, match="Validation Failed"):
        show(github, replace(WANTED, head="no-such-branch"))
    with pytest.raises(GitHubError, match="does not accept the token"):
        show(github, token="ghp_other")
    assert github.pulls == []
