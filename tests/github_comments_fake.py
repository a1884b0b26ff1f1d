"""The local GitHub with comments: pages of 30 or 100, 65,536 characters at most, and whose comment is whose.

See "Issue comments" and "List pull requests associated with a commit" in GitHub's REST documentation. `comments` is
what the pull requests have; anything may be put there. `merge` says which pull request made a commit.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.github_fake import REPOSITORY, FakeGitHub, Reply, Request, Route, refusal

ACTIONS_TOKEN = "ghs_actions_token_for_this_test_only"
LONGEST = 65_536  # characters
_MOST_IN_PAGE = 100


@dataclass(frozen=True)
class User:
    id: int
    login: str
    type: str = "User"

    @property
    def document(self) -> dict[str, Any]:
        return {"id": self.id, "login": self.login, "type": self.type}


ACTIONS = User(41898282, "github-actions[bot]", "Bot")
PERSON = User(7, "someone")


@dataclass
class Comment:
    id: int
    number: int
    user: User
    body: str
    edits: int = 0
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))


class FakeComments(FakeGitHub):
    """`users` says whom a token belongs to, `tells_viewer` whether GitHub says so. `pull_requests` are all there
    are."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens[ACTIONS_TOKEN] = None
        self.users: dict[str, User] = {ACTIONS_TOKEN: ACTIONS}
        self.tells_viewer = True
        self.through_apps = {ACTIONS}  # who comments through a GitHub App; a person may do so, too
        self.pull_requests = {1}
        self.comments: list[Comment] = []
        self.commits: dict[str, list[dict[str, Any]]] = {}  # those there are, each with its pull requests
        self._numbers = itertools.count(1001)

    def routes(self) -> list[Route]:
        listed = r"/repos/([^/]+/[^/]+)/issues/([0-9]+)/comments"
        single = r"/repos/([^/]+/[^/]+)/issues/comments/([0-9]+)"
        brought = r"/repos/([^/]+/[^/]+)/commits/([^/]+)/pulls"
        return [
            *super().routes(),
            Route("POST", r"/(?:api/)?graphql", self._viewer),
            Route("GET", brought, self._pulls_of),
            Route("GET", r"/repos/([^/]+/[^/]+)/issues/comments", self._list_all),
            Route("GET", listed, self._list),
            Route("POST", listed, self._create),
            Route("PATCH", single, self._update),
            Route("DELETE", single, self._delete),
        ]

    def add(self, body: str, user: User = ACTIONS, number: int = 1) -> Comment:
        comment = Comment(next(self._numbers), number, user, body)
        self.comments.append(comment)
        return comment

    def bodies(self, number: int = 1) -> list[str]:
        return [comment.body for comment in self.comments if comment.number == number]

    def merge(self, commit: str, number: int = 1, **facts: Any) -> dict[str, Any]:
        """A pull request that was merged by this commit, unless `facts` say otherwise."""
        self.pull_requests.add(number)
        pull = {
            "number": number,
            "state": "closed",
            "merged_at": "2026-11-24T11:08:13Z",
            "merge_commit_sha": commit,
            "base": {"ref": "main", "repo": {"full_name": REPOSITORY}},
        } | facts
        self.commits.setdefault(commit, []).append(pull)
        return pull

    def asked(self) -> list[str]:
        """Methods and paths, in order."""
        return [f"{request.method} {request.path}" for request in self.requests]

    # ── endpoints ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _viewer(self, request: Request) -> Reply:
        """The account of any token, the bot of an App included."""
        user = self.users.get(request.token) if self.tells_viewer else None
        if user is None:
            return Reply(200, {"data": None, "errors": [{"type": "FORBIDDEN"}]})
        return Reply(200, {"data": {"viewer": {"databaseId": user.id}}})

    def _list(self, request: Request) -> Reply:
        refused = self._refused(request, write=False)
        if refused is not None:
            return refused
        found = [one for one in self.comments if one.number == int(request.words[1])]
        return self._page(request, [self._document(one) for one in found])

    def _list_all(self, request: Request) -> Reply:
        """Of the whole repository; by the time of the last change only where that is asked for."""
        refused = self.allowed(request, request.words[0], write=False)
        if refused is not None:
            return self._for_app(request, refused)
        since = request.query.get("since", ["0001-01-01T00:00:00Z"])[0]
        if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", since) is None:
            return refusal(422, "Validation Failed")
        found = [one for one in self.comments if one.updated >= datetime.fromisoformat(since)]
        if request.query.get("sort") == ["updated"]:
            found.sort(key=lambda one: one.updated, reverse=request.query.get("direction") != ["asc"])
        return self._page(request, [self._document(one) for one in found])

    def _pulls_of(self, request: Request) -> Reply:
        refused = self.allowed(request, request.words[0], write=False)
        if refused is not None:
            return self._for_app(request, refused)
        pulls = self.commits.get(request.words[1])
        if pulls is None:
            return refusal(422, f"No commit found for SHA: {request.words[1]}")
        return self._page(request, pulls)

    def _page(self, request: Request, documents: Sequence[Mapping[str, Any]]) -> Reply:
        size = min(int(request.query.get("per_page", ["30"])[0]), _MOST_IN_PAGE)
        page = int(request.query.get("page", ["1"])[0])
        headers = {}
        if page * size < len(documents):
            kept = [f"{name}={values[0]}" for name, values in request.query.items() if name != "page"]
            base = f"{self.url}{request.path}?{'&'.join(kept)}"
            last = -(-len(documents) // size)
            headers["Link"] = f'<{base}&page={page + 1}>; rel="next", <{base}&page={last}>; rel="last"'
        return Reply(200, list(documents[(page - 1) * size : page * size]), headers)

    def _create(self, request: Request) -> Reply:
        refused = self._refused(request, write=True) or self._too_long(request)
        if refused is not None:
            return refused
        comment = self.add(request.json()["body"], self._whose(request), int(request.words[1]))
        return Reply(201, self._document(comment))

    def _update(self, request: Request) -> Reply:
        comment, refused = self._one(request)
        if comment is None:
            return refused
        too_long = self._too_long(request)
        if too_long is not None:
            return too_long
        comment.body = request.json()["body"]
        comment.edits += 1
        comment.updated = datetime.now(UTC)
        return Reply(200, self._document(comment))

    def _delete(self, request: Request) -> Reply:
        comment, refused = self._one(request)
        if comment is None:
            return refused
        self.comments.remove(comment)
        return Reply(204)

    # ── who may do what ────────────────────────────────────────────────────────────────────────────────────────────

    def _one(self, request: Request) -> tuple[Comment | None, Reply]:
        refused = self.allowed(request, request.words[0], write=True)
        if refused is not None:
            return None, self._for_app(request, refused)
        found = next((one for one in self.comments if one.id == int(request.words[1])), None)
        if found is not None and found.user != self._whose(request):
            return None, self._for_app(request, refusal(403, "Must have admin rights to Repository."))
        return found, refusal(404, "Not Found")

    def _refused(self, request: Request, *, write: bool) -> Reply | None:
        refused = self.allowed(request, request.words[0], write=write)
        if refused is not None:
            return self._for_app(request, refused)
        return None if int(request.words[1]) in self.pull_requests else refusal(404, "Not Found")

    def _for_app(self, request: Request, refused: Reply) -> Reply:
        """An App, that of Actions included, is told in other words."""
        is_app = request.token.startswith("ghs_") and refused.status == 403
        return refusal(403, "Resource not accessible by integration") if is_app else refused

    def _too_long(self, request: Request) -> Reply | None:
        body = request.json().get("body")
        if not isinstance(body, str) or not body.strip():
            return refusal(422, "Validation Failed")
        units = len(body.encode("utf-16-le")) // 2
        return (
            refusal(422, f"Body is too long (maximum is {LONGEST} characters)") if units > LONGEST else None
        )

    def _whose(self, request: Request) -> User:
        return self.users.get(request.token, PERSON)

    def _document(self, comment: Comment) -> dict[str, Any]:
        return {
            "id": comment.id,
            "issue_url": f"{self.url}/repos/{REPOSITORY}/issues/{comment.number}",
            "updated_at": comment.updated.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "html_url": f"https://github.com/{REPOSITORY}/pull/{comment.number}#issuecomment-{comment.id}",
            "body": comment.body,
            "user": comment.user.document,
            "performed_via_github_app": {"id": 15368} if comment.user in self.through_apps else None,
        }
