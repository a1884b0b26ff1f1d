"""Commits that GitHub makes on a branch (GraphQL `createCommitOnBranch`): it signs them, and shows them as verified.

The mutation names the commit that the branch must be at. So it is a compare-and-swap, as a push is, and sending it
again after a lost answer changes nothing: the branch has moved then, by ourselves.
"""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.adapters.github.client import Answer, GitHub, Timeouts, github_endpoint, graphql_url
from reconciler.adapters.platform.endpoint import check_key, without_key
from reconciler.core.errors import GitError, InvalidInput, PushRefused, RefMoved, RemoteUnreachable
from reconciler.core.platform.job import shorten

_MUTATION = (
    "mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid } } }"
)
_TIMEOUTS = Timeouts(connect=5.0, silence=15.0, total=20.0)
_LOOK = 0.1  # seconds between two looks at the time that is left
_MOVED = "Expected branch to point to"  # how the message of a branch that moved begins
_LATER = frozenset({"RATE_LIMITED", "SERVICE_UNAVAILABLE", "INTERNAL"})
_NOTHING_LOST = "nothing is lost: the next run that can commit publishes it"


class BranchCommits:
    """Commits to the branches of one repository, `owner/name`. `graph_url` is where GraphQL is, if it is not known by
    the address of the REST API.

    Raises `InvalidInput` for an address or a token that must not be used.
    """

    def __init__(self, api_url: str, token: str, repository: str, *, graph_url: str | None = None) -> None:
        self._endpoint = github_endpoint(api_url)
        self._url = graphql_url(self._endpoint)
        if graph_url:
            self._endpoint = github_endpoint(graph_url)
            self._url = self._endpoint.http()
        try:
            self._token = check_key(token)
        except InvalidInput as error:
            hint = "set it to the token as GitHub shows it, without quotes or line breaks"
            raise InvalidInput("GITHUB_TOKEN contains an invalid character", hint=hint) from error
        self._repository = repository

    def commit(
        self,
        branch: str,
        expected: str,
        files: Mapping[str, bytes],
        message: str,
        until: Callable[[], float],
    ) -> str:
        """Put these files on the branch, which must be at the commit `expected`; returns the new commit.

        `until` is when to give up, by the monotonic clock; it may come nearer meanwhile. Raises `RefMoved`,
        `PushRefused`, and `RemoteUnreachable` when nothing is known to have happened.
        """
        subject, _, body = message.partition("\n")
        wanted = {
            "branch": {"repositoryNameWithOwner": self._repository, "branchName": branch},
            "expectedHeadOid": expected,
            "message": {"headline": subject, "body": body.strip("\n")},
            "fileChanges": {
                "additions": [
                    {"path": path, "contents": b64encode(content).decode()} for path, content in files.items()
                ]
            },
        }
        content = json.dumps({"query": _MUTATION, "variables": {"input": wanted}}).encode()
        return self._made(asyncio.run(self._ask(content, until)))

    async def _ask(self, content: bytes, until: Callable[[], float]) -> Answer:
        async with GitHub(self._endpoint, _TIMEOUTS) as github:
            asking = asyncio.create_task(github.ask_at("POST", self._url, token=self._token, content=content))
            while not asking.done() and time.monotonic() < until():
                await asyncio.wait({asking}, timeout=_LOOK)
            if asking.done():
                return asking.result()
            asking.cancel()
            await asyncio.wait({asking})
            return Answer(None, "ran out of time before asking GitHub for the commit")

    def _made(self, answer: Answer) -> str:
        place = self._endpoint.authority
        if answer.status is None or answer.status >= 500 or answer.pause is not None:
            raise RemoteUnreachable(
                f"GitHub at {place} did not commit: {answer.message}",
                hint="run again when it responds; nothing is lost",
            )
        if not 200 <= answer.status < 300:
            raise PushRefused(
                f"GitHub at {place} refused the commit ({answer.status}): {answer.message}",
                hint=f"grant GITHUB_TOKEN `contents: write` for {self._repository}; {_NOTHING_LOST}",
            )
        for error in _list(answer.document.get("errors")):
            raise self._refusal(error if isinstance(error, dict) else {})
        commit = _inside(answer.document, "data", "createCommitOnBranch", "commit", "oid")
        if not isinstance(commit, str) or not commit:
            raise PushRefused(
                f"{place} is not GitHub's GraphQL API",
                hint=f"check GITHUB_GRAPHQL_URL and GITHUB_API_URL; {_NOTHING_LOST}",
            )
        return commit

    def _refusal(self, error: Mapping[str, Any]) -> GitError:
        said = error.get("message")
        message = without_key(shorten(said) if isinstance(said, str) else "no reason given", self._token)
        kind = error.get("type")
        if kind == "STALE_DATA" or message.startswith(_MOVED):
            return RefMoved(f"the branch has moved: {message}")
        if kind in _LATER:
            return RemoteUnreachable(
                f"GitHub did not commit: {message}", hint="run again later; nothing is lost"
            )
        return PushRefused(
            f"GitHub refused the commit: {message}",
            hint="allow it (rules of the branch, `contents: write` for GITHUB_TOKEN), or publish in another way; "
            + _NOTHING_LOST,
        )


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _inside(document: Any, *names: str) -> Any:
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document
