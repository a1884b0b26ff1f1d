"""What of ours stands on GitHub: which account is ours, what an issue or comment says, and whether it says it still.

Only what the account of our token wrote is ours, because any person, bot or App may write a text with our marker in it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from reconciler.adapters.github.client import PatientGitHub
from reconciler.core.errors import GitHubError


class Done(StrEnum):
    """What was done about an issue or comment."""

    OPENED = "opened"  # an issue
    CREATED = "created"  # a comment
    UPDATED = "updated"
    UNCHANGED = "unchanged"  # it says this already
    CLOSED = "closed"  # an issue
    DELETED = "deleted"  # a comment
    ABSENT = "absent"  # there is none, and none was wanted


class Kept(NamedTuple):
    """What was done, and where the issue or comment is to be seen."""

    done: Done
    url: str | None = None


class Text(NamedTuple):
    """What an issue or comment says, whose it is, and where it is to be seen."""

    body: str
    url: str | None
    author: int | None


def text_of(item: dict[str, Any]) -> Text:
    """Of an issue or comment in GitHub's answer; what has not the shape of a field is as good as missing."""
    user = item["user"] if isinstance(item.get("user"), dict) else {}
    body, url, author = item.get("body"), item.get("html_url"), user.get("id")
    return Text(
        body if isinstance(body, str) else "",
        url if isinstance(url, str) else None,
        author if isinstance(author, int) else None,
    )


def account_of(github: PatientGitHub) -> int | None:
    """Whom the token belongs to, an App's bot included; None where GitHub does not say."""
    try:
        answer = github.ask_graph("{viewer{databaseId}}")
    except GitHubError:  # what is broken for other requests, too, those will say
        return None
    for name in ("data", "viewer"):
        answer = answer.get(name) if isinstance(answer, dict) else None
    number = answer.get("databaseId") if isinstance(answer, dict) else None
    return number if type(number) is int else None


def unknown_whose(what: str) -> GitHubError:
    """There is one with our marker, and it cannot be said whether it is ours."""
    return GitHubError(
        f"{what}, and GitHub does not say whether it is ours",
        hint="use a GITHUB_TOKEN that GitHub's GraphQL API accepts, such as the job's own",
    )


def same_text(one: str, other: str) -> bool:
    """Alike but for line ends, which GitHub may change."""
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()
