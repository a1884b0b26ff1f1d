"""A local GitHub that makes commits on branches (GraphQL `createCommitOnBranch`), in a real bare repository."""

from __future__ import annotations

import subprocess
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.app.git_repo import git
from tests.github_fake import FakeGitHub, Reply, Request, Route

VERIFIED = "GitHub <noreply@github.com>"  # who commits what GitHub has signed


class FakeCommits(FakeGitHub):
    """`refuses` says why the branch's rules refuse a commit, if they do. Commits get past every hook of the origin."""

    def __init__(self, origin: Path, path: str = "/graphql") -> None:
        super().__init__()
        self.origin = origin
        self.path = path
        self.rules: Callable[[dict[str, Any]], str | None] = lambda wanted: None
        self.before: Callable[[], object] = lambda: (
            None
        )  # what happens on the branch while a commit is on its way

    def routes(self) -> list[Route]:
        return [*super().routes(), Route("POST", self.path, self._graphql)]

    @property
    def wanted(self) -> list[dict[str, Any]]:
        """What was asked for, oldest first."""
        asked = [request for request in self.requests if request.path == self.path]
        return [request.json()["variables"]["input"] for request in asked]

    def _graphql(self, request: Request) -> Reply:
        body = request.json()
        assert "createCommitOnBranch(input: $input)" in body["query"]
        wanted = body["variables"]["input"]
        refused = self.allowed(request, wanted["branch"]["repositoryNameWithOwner"], write=False)
        if refused is not None:
            return (
                refused if refused.status == 401 else _error("NOT_FOUND", "Could not resolve to a Repository")
            )
        if request.token in self.readers:
            return _error("FORBIDDEN", "Resource not accessible by integration")
        self.before()
        branch = f"refs/heads/{wanted['branch']['branchName']}"
        tip = git(self.origin, "rev-parse", branch)
        if tip != wanted["expectedHeadOid"]:
            message = f'Expected branch to point to "{tip}" but it did not. Pull and try again.'
            return _error("STALE_DATA", message)
        if (reason := self.rules(wanted)) is not None:
            return _error("UNPROCESSABLE", f"Repository rule violations found\n\n{reason}")
        made = self._commit(tip, wanted)
        git(self.origin, "update-ref", branch, made, tip)
        return Reply(200, {"data": {"createCommitOnBranch": {"commit": {"oid": made}}}})

    def _commit(self, tip: str, wanted: dict[str, Any]) -> str:
        message = "\n\n".join((wanted["message"]["headline"], wanted["message"].get("body", ""))).strip()
        stream = f"commit refs/made\ncommitter {VERIFIED} now\n".encode()
        stream += b"data %d\n%s\nfrom %s\n" % (len(message.encode()), message.encode(), tip.encode())
        for one in wanted["fileChanges"]["additions"]:
            content = b64decode(one["contents"], validate=True)
            stream += b"M 100644 inline %s\ndata %d\n%s\n" % (one["path"].encode(), len(content), content)
        importing = ["git", "-C", str(self.origin), "fast-import", "--quiet", "--force", "--date-format=now"]
        subprocess.run(importing, input=stream, check=True)
        made = git(self.origin, "rev-parse", "refs/made")
        git(self.origin, "update-ref", "-d", "refs/made")
        return made


def _error(kind: str, message: str) -> Reply:
    return Reply(
        200, {"data": {"createCommitOnBranch": None}, "errors": [{"type": kind, "message": message}]}
    )
