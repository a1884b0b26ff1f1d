"""One open issue of ours, found again by its marker, and kept as it should be: opened, changed, closed.

As for comments (see `comments`), only those of the account that the token speaks for are ours, and what counts is what
is there. Two runs at the same time may both open one; the next one keeps the oldest and closes the others.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

from reconciler.adapters.github.client import PatientGitHub
from reconciler.adapters.github.ours import Done, Kept, account_of, same_text, text_of, unknown_whose

_PAGES = 20  # of a hundred open issues and pull requests


class _Issue(NamedTuple):
    number: int
    title: str
    body: str
    url: str | None
    author: int | None


class StickyIssue:
    """`marker` is the first line of the issue's text; `repository` is `owner/name`. Methods raise `GitHubError`."""

    def __init__(self, github: PatientGitHub, repository: str, marker: str) -> None:
        self._github = github
        self._list = ("repos", *repository.split("/"), "issues")
        self._marker = marker

    def show(self, title: str, body: str) -> Kept:
        """Make the open issue say this; there is one afterwards."""
        own = self._own()
        if not own:
            made = _issue_of(self._github.send("POST", *self._list, document={"title": title, "body": body}))
            return Kept(Done.OPENED, made.url if made is not None else None)
        oldest, *others = own
        for one in others:
            self._change(one, state="closed", state_reason="not_planned")
        if oldest.title == title and same_text(oldest.body, body):
            return Kept(Done.UNCHANGED, oldest.url)
        self._change(oldest, title=title, body=body)
        return Kept(Done.UPDATED, oldest.url)

    def close(self, body: str) -> Kept:
        """Close what is open, with a last word."""
        own = self._own()
        for one in own:
            self._change(one, body=body, state="closed", state_reason="completed")
        return Kept(Done.CLOSED, own[0].url) if own else Kept(Done.ABSENT)

    def _own(self) -> list[_Issue]:
        """Ours that are open, the oldest first."""
        pages = islice(self._github.pages(*self._list, state="open", sort="created"), _PAGES)
        issues = (_issue_of(item) for page in pages for item in page)
        marked = [one for one in issues if one is not None and one.body.lstrip().startswith(self._marker)]
        account = account_of(self._github) if marked else None
        if marked and account is None:
            raise unknown_whose("an issue for this is open already")
        return sorted((one for one in marked if one.author == account), key=lambda one: one.number)

    def _change(self, issue: _Issue, **fields: str) -> None:
        self._github.send("PATCH", *self._list, str(issue.number), document=fields)


def _issue_of(item: Any) -> _Issue | None:
    """An issue in GitHub's answer; None for a pull request, and for what has not the shape of one."""
    if not isinstance(item, dict) or "pull_request" in item or not isinstance(item.get("number"), int):
        return None
    title, text = item.get("title"), text_of(item)
    return _Issue(item["number"], title if isinstance(title, str) else "", *text)
