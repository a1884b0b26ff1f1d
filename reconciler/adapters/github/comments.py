"""One comment of ours in a pull request, found again by its marker, and kept as it should be.

What counts is what is there and not what we remember: the comments are looked at, then one is made, changed or left
alone. Only those of the account that the token speaks for are ours, because any person, bot or App may write a comment
with our marker in it. Where GitHub does not say which account that is, none is ours until we made one, whose author we
are then. Two runs at the same time may both make one, and so may a request that is repeated after its answer was lost;
so after making one we look again, the oldest is kept, with what we have to say, and the others are deleted.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any, NamedTuple

from reconciler.adapters.github.client import PatientGitHub
from reconciler.adapters.github.ours import Done, Kept, account_of, same_text, text_of, unknown_whose
from reconciler.core.errors import GitHubError
from reconciler.core.patterns import lazy_pattern

_RECENT_PAGES = 10  # of a hundred comments
_ISSUE = lazy_pattern(r"/issues/([1-9][0-9]{0,18})$")


class _Comment(NamedTuple):
    number: int
    body: str
    url: str | None
    author: int | None
    issue: int | None = None  # the number of the issue or pull request that it is in


class StickyComment:
    """`marker` is the comment's first line; `repository` is `owner/name`. Comments of ours with one of the other lines
    say what this one says now, and are deleted. Methods raise `GitHubError`.
    """

    def __init__(
        self,
        github: PatientGitHub,
        repository: str,
        pull_request: int,
        marker: str,
        replaces: frozenset[str] = frozenset(),
    ) -> None:
        self._github = github
        self._repo = ("repos", *repository.split("/"))
        self._list = (*self._repo, "issues", str(pull_request), "comments")
        self._marker = marker
        self._replaces = replaces
        self._account: int | None = None  # ours, once it is known
        self._overtaken: list[_Comment] = []
        self._undecided = False  # whether there are comments that may be ours

    def show(self, body: str, *, create: bool = True) -> Kept:
        """Make the comment say this; without `create` only where there is one already."""
        return self.revise(lambda earlier: body if create or earlier is not None else None)

    def revise(self, render: Callable[[str | None], str | None]) -> Kept:
        """Make the comment say what `render` makes of what it says now, None where there is none. Nothing is done where
        that gives None. Comments that it stands in for are deleted once it is there.
        """
        kept = self._revised(render)
        if kept.done is not Done.ABSENT:
            self._delete(self._overtaken)
        return kept

    def _revised(self, render: Callable[[str | None], str | None]) -> Kept:
        own = self._own()
        earlier = own or self._overtaken
        body = render(earlier[0].body if earlier else None)
        if body is None:
            return self._absent()
        if own:
            oldest, *others = own
            self._delete(others)
            if same_text(oldest.body, body):
                return Kept(Done.UNCHANGED, oldest.url)
            if self._change(oldest, body):
                return Kept(Done.UPDATED, oldest.url)
            body = render(None)  # somebody deleted it meanwhile
        if body is None:
            return Kept(Done.ABSENT)
        made = _comment_of(self._github.send("POST", *self._list, document={"body": body}))
        if made is None:
            return Kept(Done.CREATED)
        self._account = made.author
        return Kept(Done.CREATED, self._alone(body) or made.url)

    def remove(self) -> Kept:
        ours = [*self._own(), *self._overtaken]
        self._delete(ours)
        return Kept(Done.DELETED) if ours else self._absent()

    def _absent(self) -> Kept:
        """Raises `GitHubError` where there may be one of ours that now says what is not so any more."""
        if self._undecided:
            raise unknown_whose("a comment for this already exists")
        return Kept(Done.ABSENT)

    def _alone(self, body: str) -> str | None:
        """After making one: keep the oldest, with this body, and no other. Returns where it is."""
        own = self._own()
        if not own:
            return None
        oldest, *others = own
        if not same_text(oldest.body, body):
            self._change(oldest, body)
        self._delete(others)
        return oldest.url

    def _own(self) -> list[_Comment]:
        """Ours, the oldest first."""
        comments = (_comment_of(item) for page in self._github.pages(*self._list) for item in page)
        lines = {self._marker, *self._replaces}
        marked = [one for one in comments if one is not None and _first_line(one.body) in lines]
        if marked and self._account is None:
            self._account = account_of(self._github)
        self._undecided = bool(marked) and self._account is None
        ours = sorted(_by(self._account, marked), key=lambda one: one.number)
        self._overtaken = [one for one in ours if _first_line(one.body) != self._marker]
        return [one for one in ours if _first_line(one.body) == self._marker]

    def _change(self, comment: _Comment, body: str) -> bool:
        """False when it is not there any more."""
        return self._still_there("PATCH", comment, {"body": body})

    def _delete(self, comments: list[_Comment]) -> None:
        for comment in comments:
            self._still_there("DELETE", comment)

    def _still_there(self, method: str, comment: _Comment, document: Any = None) -> bool:
        try:
            self._github.send(
                method, *self._repo, "issues", "comments", str(comment.number), document=document
            )
        except GitHubError as error:
            if error.status in (404, 410):
                return False
            raise
        return True


class Recent(NamedTuple):
    """One of our comments; `pull_request` is the number of the one that it is in."""

    pull_request: int
    body: str


def recent_comments(github: PatientGitHub, repository: str, marker: str, since: str) -> list[Recent]:
    """Our comments of that marker, in any pull request of the repository, that were made or changed since: an ISO time.

    The newest first, as far as a thousand comments of anybody reach. Raises `GitHubError`.
    """
    query = {"sort": "updated", "direction": "desc", "since": since}
    pages = github.pages("repos", *repository.split("/"), "issues", "comments", **query)
    found = [_comment_of(item) for page in islice(pages, _RECENT_PAGES) for item in page]
    marked = [one for one in found if one is not None and _first_line(one.body) == marker]
    placed = [one for one in marked if one.issue is not None]
    ours = _by(account_of(github), placed) if placed else []
    return [Recent(one.issue, one.body) for one in ours if one.issue is not None]


def _by(account: int | None, comments: list[_Comment]) -> list[_Comment]:
    return [] if account is None else [one for one in comments if one.author == account]


def _comment_of(item: Any) -> _Comment | None:
    """A comment in GitHub's answer; None for what has not the shape of one."""
    if (
        not isinstance(item, dict)
        or not isinstance(item.get("id"), int)
        or not isinstance(item.get("body"), str)
    ):
        return None
    text = text_of(item)
    return _Comment(item["id"], text.body, text.url, text.author, _issue_of(item.get("issue_url")))


def _issue_of(url: object) -> int | None:
    found = _ISSUE.search(url) if isinstance(url, str) else None
    return None if found is None else int(found[1])


def _first_line(body: str) -> str:
    return body.lstrip().partition("\n")[0].strip()
