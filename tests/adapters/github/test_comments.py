from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.adapters.github.client import PatientGitHub
from reconciler.adapters.github.comments import StickyComment
from reconciler.adapters.github.ours import Done
from reconciler.core.errors import GitHubError
from reconciler.render.markdown.comment import marker
from tests.github_comments_fake import ACTIONS, ACTIONS_TOKEN, LONGEST, PERSON, FakeComments, User
from tests.github_fake import REPOSITORY, TOKEN, Reply, Trouble

MARKER = marker("plan", "production", ".")
OTHER = marker("plan", "staging", ".")
PLAN = f"{MARKER}\n\n### Plan\n\none"
LATER = f"{MARKER}\n\n### Plan\n\ntwo"
BUSY = Trouble(Reply(502))


@pytest.fixture
def github() -> Iterator[FakeComments]:
    with FakeComments() as fake:
        fake.users[TOKEN] = PERSON
        yield fake


def sticky(
    github: FakeComments, token: str = ACTIONS_TOKEN, number: int = 1, line: str = MARKER
) -> StickyComment:
    rest = PatientGitHub(github.url, token, random=lambda: 0.0, sleep=lambda seconds: None)
    _opened.append(rest)
    return StickyComment(rest, REPOSITORY, number, line)


_opened: list[PatientGitHub] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _opened:
        with _opened.pop():
            pass


@pytest.mark.parametrize("token", [ACTIONS_TOKEN, TOKEN])
def test_one_comment_from_first_to_last(github: FakeComments, token: str) -> None:
    github.add("Nice!", PERSON)
    made = sticky(github, token).show(PLAN)
    assert made.done is Done.CREATED
    assert made.url == "https://github.com/acme/engines/pull/1#issuecomment-1002"
    assert sticky(github, token).show(PLAN).done is Done.UNCHANGED
    assert sticky(github, token).show(LATER) == (Done.UPDATED, made.url)
    assert github.bodies() == ["Nice!", LATER]
    assert github.comments[1].edits == 1
    assert sticky(github, token).remove().done is Done.DELETED
    assert github.bodies() == ["Nice!"]
    assert sticky(github, token).remove().done is Done.ABSENT


def test_nothing_is_made_where_none_is_wanted(github: FakeComments) -> None:
    assert sticky(github).show(PLAN, create=False).done is Done.ABSENT
    assert github.bodies() == []
    assert github.asked() == ["GET /repos/acme/engines/issues/1/comments"]


def test_it_is_found_on_any_page(github: FakeComments) -> None:
    for number in range(230):
        github.add(f"comment {number}", PERSON)
    ours = github.add(PLAN)
    github.add("the last word", PERSON)
    assert sticky(github).show(LATER).done is Done.UPDATED
    assert ours.body == LATER
    assert len(github.comments) == 232


def test_other_peoples_comments_are_not_ours(github: FakeComments) -> None:
    copied = github.add(PLAN, PERSON)
    quoted = github.add(f"> look\n{MARKER}")
    assert sticky(github).show(LATER).done is Done.CREATED
    assert (copied.body, quoted.edits) == (PLAN, 0)
    assert sticky(github).remove().done is Done.DELETED
    assert len(github.comments) == 2


def test_a_bots_comment_is_not_a_persons(github: FakeComments) -> None:
    github.add(PLAN, ACTIONS)
    assert sticky(github, TOKEN).show(LATER).done is Done.CREATED
    assert github.bodies() == [PLAN, LATER]


@pytest.mark.parametrize(
    "who", [User(9, "helper[bot]", "Bot"), User(666, "stranger"), User(10, "ghost", "Bot")]
)
@pytest.mark.parametrize("tells", [True, False])
def test_what_another_bot_or_app_wrote_is_neither_changed_nor_deleted(
    github: FakeComments, who: User, tells: bool
) -> None:
    """A person may comment through an App, and a bot may repeat what it was given."""
    github.tells_viewer = tells
    github.through_apps.add(who)
    foreign, ours, later = github.add(PLAN, who), github.add(PLAN), github.add(PLAN, who)
    sticky(github).show(LATER)
    assert (foreign.body, foreign.edits, later.body, later.edits) == (PLAN, 0, PLAN, 0)
    assert github.comments == [foreign, ours, later]
    assert ours.body == LATER


def test_nothing_is_touched_while_it_is_not_known_whose_it_is(github: FakeComments) -> None:
    github.tells_viewer = False
    github.add(PLAN)
    with pytest.raises(GitHubError, match="does not say whether it is ours"):
        sticky(github).show(LATER, create=False)
    with pytest.raises(GitHubError, match="does not say whether it is ours"):
        sticky(github).remove()
    assert github.bodies() == [PLAN]


def test_the_account_is_asked_for_beside_an_enterprise_servers_rest(github: FakeComments) -> None:
    rest = PatientGitHub(f"{github.url}/api/v3", TOKEN, random=lambda: 0.0)
    _opened.append(rest)
    assert rest.ask_graph("{viewer{databaseId}}") == {"data": {"viewer": {"databaseId": PERSON.id}}}


def test_names_do_not_count(github: FakeComments) -> None:
    """Somebody who took over a login is not who had it."""
    github.add(PLAN, User(8, PERSON.login))
    assert sticky(github, TOKEN).show(LATER).done is Done.CREATED


def test_each_environment_and_pull_request_has_its_own(github: FakeComments) -> None:
    github.pull_requests.add(2)
    sticky(github).show(PLAN)
    sticky(github, line=OTHER).show(f"{OTHER}\n\nx")
    sticky(github, number=2).show(PLAN)
    sticky(github).show(LATER)
    assert github.bodies() == [LATER, f"{OTHER}\n\nx"]
    assert github.bodies(2) == [PLAN]


def test_the_oldest_of_several_is_kept(github: FakeComments) -> None:
    first, _, _ = (github.add(PLAN) for _ in range(3))
    assert sticky(github).show(LATER).done is Done.UPDATED
    assert github.comments == [first]
    assert first.body == LATER


class TwoAtOnce(FakeComments):
    """Another run makes its comment between our look and ours."""

    def add(self, body: str, user: User = ACTIONS, number: int = 1) -> object:  # type: ignore[override]
        if not self.comments:
            super().add(PLAN, user, number)
        return super().add(body, user, number)


def test_two_runs_at_once_leave_one_comment() -> None:
    with TwoAtOnce() as github:
        assert sticky(github).show(LATER).done is Done.CREATED
        assert github.bodies() == [LATER]
        assert github.comments[0].id == 1001


def test_an_answer_that_was_lost_leaves_one_comment(github: FakeComments) -> None:
    github.troubles.extend([None, Trouble(hang_up=True, after=True)])
    assert sticky(github).show(PLAN).done is Done.CREATED
    assert github.bodies() == [PLAN]
    assert len([line for line in github.asked() if line.startswith("POST")]) == 2


def test_trouble_in_between_is_survived(github: FakeComments) -> None:
    github.add(PLAN)
    github.troubles.extend([BUSY, None, BUSY, None, BUSY, None])
    assert sticky(github).show(LATER).done is Done.UPDATED
    assert github.bodies() == [LATER]


def test_one_that_is_deleted_meanwhile_is_made_anew(github: FakeComments) -> None:
    github.add(PLAN)
    github.troubles.extend([None, None, Trouble(Reply(404, {"message": "Not Found"}))])
    assert sticky(github).show(LATER).done is Done.CREATED
    assert github.bodies() == [LATER]


def test_line_ends_make_no_difference(github: FakeComments) -> None:
    comment = github.add(PLAN.replace("\n", "\r\n") + "\r\n")
    assert sticky(github).show(PLAN).done is Done.UNCHANGED
    assert comment.edits == 0


def test_who_may_only_read(github: FakeComments) -> None:
    github.readers.add(ACTIONS_TOKEN)
    with pytest.raises(GitHubError) as caught:
        sticky(github).show(PLAN)
    assert caught.value.status == 403
    assert "pull-requests: write" in str(caught.value.hint)


def test_a_pull_request_that_is_not_there(github: FakeComments) -> None:
    with pytest.raises(GitHubError, match="found nothing there") as caught:
        sticky(github, number=99).show(PLAN)
    assert caught.value.status == 404


def test_one_that_is_too_long(github: FakeComments) -> None:
    with pytest.raises(GitHubError, match="too long"):
        sticky(github).show(MARKER + "x" * LONGEST)


@pytest.mark.parametrize(
    "odd", [b"{}", b"null", b'[1, null, {"id": "x"}, {"id": 1}, {"id": 1, "body": null}]', b'"x"']
)
def test_lists_in_odd_shapes_hold_none_of_ours(github: FakeComments, odd: bytes) -> None:
    github.troubles.append(Trouble(Reply(200, odd)))
    assert sticky(github).show(PLAN).done is Done.CREATED
