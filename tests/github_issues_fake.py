"""The local GitHub with issues: open and closed ones, in pages of 30 or 100, pull requests among them.

See "Issues" in GitHub's REST documentation. `issues` are as GitHub answers them; anything may be put there.
"""

from __future__ import annotations

from typing import Any

from tests.github_comments_fake import ACTIONS, FakeComments, User
from tests.github_fake import REPOSITORY, Reply, Request, Route, refusal

_REPO = r"/repos/([^/]+/[^/]+)"


class FakeIssues(FakeComments):
    def __init__(self) -> None:
        super().__init__()
        self.issues: list[dict[str, Any]] = []

    def routes(self) -> list[Route]:
        return [
            *super().routes(),
            Route("GET", _REPO + "/issues", self._list_issues),
            Route("POST", _REPO + "/issues", self._open),
            Route("PATCH", _REPO + "/issues/([0-9]+)", self._edit),
        ]

    def issue(self, body: str, user: User = ACTIONS, **more: Any) -> dict[str, Any]:
        number = len(self.issues) + 1
        made = {
            "number": number,
            "title": "",
            "body": body,
            "state": "open",
            "user": user.document,
            "html_url": f"https://github.com/{REPOSITORY}/issues/{number}",
        }
        self.issues.append(made | more)
        return self.issues[-1]

    @property
    def open_issues(self) -> list[dict[str, Any]]:
        return [one for one in self.issues if one["state"] == "open"]

    def _list_issues(self, request: Request) -> Reply:
        refused = self.allowed(request, request.words[0], write=False)
        if refused is not None:
            return refused
        state = request.query.get("state", ["open"])[0]
        return self._page(request, [one for one in self.issues if state in ("all", one["state"])])

    def _open(self, request: Request) -> Reply:
        refused = self.allowed(request, request.words[0], write=True)
        if refused is not None:
            return self._for_app(request, refused)
        asked = request.json()
        return Reply(201, self.issue(asked["body"], self._whose(request), title=asked["title"]))

    def _edit(self, request: Request) -> Reply:
        refused = self.allowed(request, request.words[0], write=True)
        if refused is not None:
            return self._for_app(request, refused)
        found = next((one for one in self.issues if one["number"] == int(request.words[1])), None)
        if found is None:
            return refusal(404, "Not Found")
        found.update(request.json())
        return Reply(200, found)
