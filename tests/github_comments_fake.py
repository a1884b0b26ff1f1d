"""The local GitHub with comments: pages of 30 or 100, 65,536 characters at most, and whose comment is whose.

See "Issue comments" in GitHub's REST documentation. `comments` is what a pull request has; anything may be put there.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
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


class FakeComments(FakeGitHub):
    """`users` says whom a token belongs to; that of GitHub Actions may not ask for it. `pull_requests` are all there
    are."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens[ACTIONS_TOKEN] = None
        self.users: dict[str, User] = {ACTIONS_TOKEN: ACTIONS}
        self.pull_requests = {1}
        self.comments: list[Comment] = []
        self._numbers = itertools.count(1001)

    def routes(self) -> list[Route]:
        listed = r"/repos/([^/]+/[^/]+)/issues/([0-9]+)/comments"
        single = r"/repos/([^/]+/[^/]+)/issues/comments/([0-9]+)"
        return [
            *super().routes(),
            Route("GET", r"/user", self._user),
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

    def asked(self) -> list[str]:
        """Methods and paths, in order."""
        return [f"{request.method} {request.path}" for request in self.requests]

    # ── endpoints ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _user(self, request: Request) -> Reply:
        user = self.users.get(request.token)
        if user is None or user.type == "Bot":
            return refusal(403, "Resource not accessible by integration")
        return Reply(200, user.document)

    def _list(self, request: Request) -> Reply:
        refused = self._refused(request, write=False)
        if refused is not None:
            return refused
        size = min(int(request.query.get("per_page", ["30"])[0]), _MOST_IN_PAGE)
        page = int(request.query.get("page", ["1"])[0])
        all_of_it = [one for one in self.comments if one.number == int(request.words[1])]
        shown = all_of_it[(page - 1) * size : page * size]
        headers = {}
        if page * size < len(all_of_it):
            base = f"{self.url}{request.path}?per_page={size}"
            last = -(-len(all_of_it) // size)
            headers["Link"] = f'<{base}&page={page + 1}>; rel="next", <{base}&page={last}>; rel="last"'
        return Reply(200, [self._document(one) for one in shown], headers)

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
            "html_url": f"https://github.com/{REPOSITORY}/pull/{comment.number}#issuecomment-{comment.id}",
            "body": comment.body,
            "user": comment.user.document,
            "performed_via_github_app": {"id": 15368} if comment.user.type == "Bot" else None,
        }
